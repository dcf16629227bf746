// ListObjectVersions: the origin's pages in S3's words.
#include <algorithm>

#include "base/encoding.h"
#include "gateway/s3/call.h"
#include "gateway/s3/document.h"
#include "gateway/s3/fields.h"
#include "origin/checksums.h"

namespace forebay::gateway::s3 {

namespace {

struct VersionListing {
  origin::ListVersionsOptions options;
  bool url = false;  ///< encoding-type=url

  std::string shown(std::string_view text) const {
    return url ? percent_encode(text, true) : std::string(text);
  }
};

Error bad_marker(std::string text) {
  return fail(Code::invalid, std::move(text), "InvalidArgument");
}

Result<VersionListing> read_version_listing(const Call& call) {
  VersionListing listing;
  origin::ListVersionsOptions& options = listing.options;
  options.prefix = call.parameter("prefix").value_or("");
  options.delimiter = call.parameter("delimiter").value_or("");
  options.key_marker = call.parameter("key-marker").value_or("");
  auto version = call.parameter("version-id-marker");
  options.version_marker = version.value_or("");
  if (version && version->empty()) return bad_marker("A version-id marker cannot be empty.");
  if (version && options.key_marker.empty()) {
    return bad_marker("A version-id marker cannot be specified without a key marker.");
  }
  auto max = call.number("max-keys", 1000, 0x7fffffff);
  if (!max) return std::move(max.error());
  options.max_keys = std::min<uint32_t>(*max, 1000);
  auto url = wants_url_encoding(call);
  if (!url) return std::move(url.error());
  listing.url = *url;
  return listing;
}

Task<origin::ListVersionsAnswer> ask_for_versions(const object::BucketRef& bucket
                                                  [[clang::lifetimebound]],
                                                  origin::ListVersionsOptions options,
                                                  Context ctx) {
  if (options.max_keys == 0) co_return origin::ListVersionsAnswer{};  // nothing is cut off
  co_return co_await bucket->origin->list_versions(std::move(options), ctx);
}

void write_version_entry(Xml& xml, const VersionListing& listing,
                         const origin::ListedVersion& version) {
  const origin::ListedObject& object = version.object;
  xml.open(version.marker ? "DeleteMarker" : "Version")
      .text("Key", listing.shown(object.key))
      .text("VersionId", version.version_id)
      .boolean("IsLatest", version.latest)
      .text("LastModified", iso8601(object.modified));
  if (!version.marker) {
    xml.text("ETag", object.etag.text()).number("Size", object.size);
    if (object.checksum) {
      xml.text("ChecksumAlgorithm", name(object.checksum->kind))
          .text("ChecksumType", name(object.checksum->type));
    }
    xml.text("StorageClass", object.storage_class);
  }
  xml.open("Owner").text("ID", kOwner).text("DisplayName", kOwner).close().close();
}

}  // namespace

Task<http::Response> list_object_versions(Call& call, Context ctx) {
  object::BucketRef bucket = co_await call.bucket();
  VersionListing listing = co_await read_version_listing(call);
  const origin::ListVersionsOptions& options = listing.options;
  auto page = co_await co_await ask_for_versions(bucket, options, ctx);
  Xml xml("ListVersionsResult");
  xml.text("Name", call.bucket_name).text("Prefix", listing.shown(options.prefix));
  xml.text("KeyMarker", listing.shown(options.key_marker));
  xml.text("VersionIdMarker", options.version_marker);
  if (page.truncated) {
    xml.text("NextKeyMarker", listing.shown(page.next_key));
    // After a common prefix there is none.
    if (!page.next_version.empty()) xml.text("NextVersionIdMarker", page.next_version);
  }
  xml.number("MaxKeys", options.max_keys);
  if (!options.delimiter.empty()) xml.text("Delimiter", listing.shown(options.delimiter));
  if (listing.url) xml.text("EncodingType", "url");
  xml.boolean("IsTruncated", page.truncated);
  for (const origin::ListedVersion& version : page.versions) {
    write_version_entry(xml, listing, version);
  }
  for (const std::string& prefix : page.prefixes) {
    xml.open("CommonPrefixes").text("Prefix", listing.shown(prefix)).close();
  }
  co_return document(call, xml, std::move(page.share));
}

}  // namespace forebay::gateway::s3
