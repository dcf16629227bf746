#include "gateway/s3/copy_source.h"

#include <charconv>

#include "base/encoding.h"
#include "gateway/s3/errors.h"
#include "gateway/s3/fields.h"
#include "gateway/s3/payload.h"
#include "gateway/s3/xml.h"
#include "object/versions.h"
#include "origin/checksums.h"

namespace forebay::gateway::s3 {

namespace {

Error bad_source() {
  return bad_argument(
      "x-amz-copy-source must name a bucket and a key in it, percent-encoded: bucket/key");
}

// Names are text; XML, JSON and keys hold no other.
std::optional<std::string> decode(std::string_view text) {
  auto plain = percent_decode(text, true);
  bool good = plain && is_utf8(*plain) && plain->find('\0') == std::string::npos;
  return good ? plain : std::nullopt;
}

constexpr ConditionHeaders kSourceConditions{
    "x-amz-copy-source-if-match", "x-amz-copy-source-if-none-match",
    "x-amz-copy-source-if-modified-since", "x-amz-copy-source-if-unmodified-since"};

}  // namespace

Result<CopySource> parse_copy_source(std::string_view header) {
  CopySource out;
  size_t query = header.find('?');
  if (query != std::string_view::npos) {
    constexpr std::string_view kVersion = "?versionId=";
    if (!header.substr(query).starts_with(kVersion)) return bad_source();
    auto version = decode(header.substr(query + kVersion.size()));
    if (!version) return bad_argument("The version id in x-amz-copy-source is badly encoded");
    if (version->empty()) return object::empty_version();
    out.version_id = std::move(*version);
  }
  auto decoded = decode(header.substr(0, query));
  if (!decoded) return bad_source();
  std::string_view plain = *decoded;
  if (plain.starts_with('/')) plain.remove_prefix(1);
  if (plain.starts_with("arn:")) return not_implemented("A copy from an access point");
  size_t slash = plain.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == plain.size()) {
    return bad_source();
  }
  out.bucket = plain.substr(0, slash);
  out.key = plain.substr(slash + 1);
  return out;
}

Result<ByteRange> parse_copy_range(std::string_view header) {
  auto bad = [] {
    return bad_argument(
        "x-amz-copy-source-range must be bytes=first-last, the first and the last byte to copy");
  };
  constexpr std::string_view kUnit = "bytes=";
  if (!header.starts_with(kUnit)) return bad();
  const char* at = header.data() + kUnit.size();
  const char* end = header.data() + header.size();
  uint64_t first = 0, last = 0;
  auto [dash, error] = std::from_chars(at, end, first);
  if (error != std::errc() || dash == end || *dash != '-') return bad();
  auto [rest, second_error] = std::from_chars(dash + 1, end, last);
  // No object has so many bytes, and one more must still be a number.
  bool good = second_error == std::errc() && rest == end && first <= last && last < UINT64_MAX;
  if (!good) return bad();
  return ByteRange{first, last - first + 1};
}

Result<bool> replaces(std::optional<std::string_view> directive, std::string_view header) {
  if (!directive || *directive == "COPY") return false;
  if (*directive == "REPLACE") return true;
  return bad_argument(std::string(header) + " is either COPY or REPLACE");
}

Result<object::CopyRequest> read_copy_request(Call& call) {
  Result<> supported = refuse_unsupported(call);
  if (!supported) return std::move(supported.error());
  Result<> dates = check_dates(call, kSourceConditions);
  if (!dates) return std::move(dates.error());
  auto source = parse_copy_source(call.header("x-amz-copy-source").value_or(""));
  if (!source) return std::move(source.error());
  Result<> may = auth::may(call.verdict.principal, "s3:GetObject", source->bucket, source->key);
  if (!may) return std::move(may.error());
  auto bucket = call.bucket();
  if (!bucket) return std::move(bucket.error());
  auto key = call.key();
  if (!key) return std::move(key.error());
  auto from = call.services.buckets.get(source->bucket);
  if (!from) return std::move(from.error());
  auto from_key = ObjectKey::parse(source->key);
  if (!from_key) return std::move(from_key.error());
  return object::CopyRequest{.source = std::move(*from),
                             .source_key = std::move(*from_key),
                             .version_id = std::move(source->version_id),
                             .conditions = read_conditions(call, kSourceConditions),
                             .limit = kMaxPut,
                             .bucket = std::move(*bucket),
                             .key = std::move(*key)};
}

http::Response copy_response(std::string_view root, const object::CopyAnswer& copied) {
  Xml xml(root);
  xml.text("LastModified", iso8601(copied.modified)).text("ETag", copied.etag.text());
  write_checksums(xml, copied.checksums);
  auto plan = origin::plan_of(copied.checksums);
  if (plan && root == "CopyObjectResult") xml.text("ChecksumType", name(plan->type));
  http::Response response = xml.response();
  for (auto& [name, value] : copied.encryption) response.fields.add(name, value);
  write_version(response.fields, copied.version_id);
  if (!copied.source_version_id.empty()) {
    response.fields.add("x-amz-copy-source-version-id", copied.source_version_id);
  }
  return response;
}

}  // namespace forebay::gateway::s3
