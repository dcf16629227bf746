// ListObjects in both versions: the origin's pages in S3's words.
#include "base/encoding.h"
#include "gateway/s3/call.h"
#include "gateway/s3/document.h"
#include "gateway/s3/fields.h"
#include "origin/checksums.h"

namespace forebay::gateway::s3 {

namespace {

// After a common prefix comes what lies beyond all keys below it. U+10FFFF is the last character.
constexpr std::string_view kBeyond = "\xf4\x8f\xbf\xbf";

struct Listing {
  origin::ListOptions options;
  bool url = false;  ///< encoding-type=url

  std::string shown(std::string_view text) const {
    return url ? percent_encode(text, true) : std::string(text);
  }
};

Result<Listing> read_listing(const Call& call) {
  Listing listing;
  listing.options.prefix = call.parameter("prefix").value_or("");
  listing.options.delimiter = call.parameter("delimiter").value_or("");
  auto max = call.number("max-keys", 1000, 0x7fffffff);
  if (!max) return std::move(max.error());
  listing.options.max_keys = std::min<uint32_t>(*max, 1000);
  auto url = wants_url_encoding(call);
  if (!url) return std::move(url.error());
  listing.url = *url;
  return listing;
}

Task<origin::ListAnswer> ask(const object::BucketRef& bucket [[clang::lifetimebound]],
                             origin::ListOptions options, Context ctx) {
  if (options.max_keys == 0) co_return origin::ListAnswer{};  // nothing asked, nothing cut off
  co_return co_await bucket->origin->list(std::move(options), ctx);
}

void write_common(Xml& xml, const Call& call, const Listing& listing) {
  xml.text("Name", call.bucket_name).text("Prefix", listing.shown(listing.options.prefix));
  if (!listing.options.delimiter.empty()) {
    xml.text("Delimiter", listing.shown(listing.options.delimiter));
  }
  xml.number("MaxKeys", listing.options.max_keys);
  if (listing.url) xml.text("EncodingType", "url");
}

void write_entries(Xml& xml, const Listing& listing, const origin::ListAnswer& page, bool owner) {
  xml.boolean("IsTruncated", page.truncated);
  for (const origin::ListedObject& object : page.objects) {
    xml.open("Contents")
        .text("Key", listing.shown(object.key))
        .text("LastModified", iso8601(object.modified))
        .text("ETag", object.etag.text())
        .number("Size", object.size);
    if (object.checksum) {
      xml.text("ChecksumAlgorithm", name(object.checksum->kind))
          .text("ChecksumType", name(object.checksum->type));
    }
    if (owner) xml.open("Owner").text("ID", kOwner).text("DisplayName", kOwner).close();
    xml.text("StorageClass", object.storage_class).close();
  }
  for (const std::string& prefix : page.prefixes) {
    xml.open("CommonPrefixes").text("Prefix", listing.shown(prefix)).close();
  }
}

}  // namespace

Task<http::Response> list_objects(Call& call, Context ctx) {
  object::BucketRef bucket = co_await call.bucket();
  Listing listing = co_await read_listing(call);
  std::string marker(call.parameter("marker").value_or(""));
  listing.options.start_after = marker;
  bool at_prefix = !listing.options.delimiter.empty() &&
                   marker.size() > listing.options.prefix.size() &&
                   marker.ends_with(listing.options.delimiter);
  if (at_prefix) listing.options.start_after += kBeyond;
  auto page = co_await co_await ask(bucket, listing.options, ctx);
  Xml xml("ListBucketResult");
  write_common(xml, call, listing);
  xml.text("Marker", listing.shown(marker));
  if (page.truncated && !listing.options.delimiter.empty()) {
    xml.text("NextMarker", listing.shown(page.last_name));
  }
  write_entries(xml, listing, page, true);
  co_return document(call, xml, std::move(page.share));
}

Task<http::Response> list_objects_v2(Call& call, Context ctx) {
  if (call.parameter("list-type") != "2") {
    co_return fail(Code::invalid, "Invalid list-type: only 2 is known", "InvalidArgument");
  }
  object::BucketRef bucket = co_await call.bucket();
  Listing listing = co_await read_listing(call);
  listing.options.start_after = call.parameter("start-after").value_or("");
  if (auto token = call.parameter("continuation-token")) {
    // Opaque to clients: hex keeps any origin's token intact through any encoding.
    auto decoded = from_hex(*token);
    if (!decoded || decoded->empty()) {
      co_return fail(Code::invalid, "The continuation token provided is incorrect",
                     "InvalidArgument");
    }
    listing.options.continuation = std::move(*decoded);
  }
  auto page = co_await co_await ask(bucket, listing.options, ctx);
  Xml xml("ListBucketResult");
  write_common(xml, call, listing);
  if (auto after = call.parameter("start-after")) xml.text("StartAfter", listing.shown(*after));
  if (auto token = call.parameter("continuation-token")) xml.text("ContinuationToken", *token);
  if (page.truncated) xml.text("NextContinuationToken", to_hex(as_bytes(page.next)));
  xml.number("KeyCount", page.objects.size() + page.prefixes.size());
  write_entries(xml, listing, page, call.parameter("fetch-owner") == "true");
  co_return document(call, xml, std::move(page.share));
}

}  // namespace forebay::gateway::s3
