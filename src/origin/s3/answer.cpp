#include "origin/s3/answer.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/encoding.h"
#include "origin/tags.h"

namespace forebay::origin {

namespace {

constexpr std::string_view kMeta = "x-amz-meta-";
constexpr std::string_view kChecksum = "x-amz-checksum-";
constexpr std::string_view kEncryption = kEncryptionField;  // and what begins so

constexpr std::array<std::string_view, 8> kKept = {
    "content-type",     "content-encoding", "cache-control",       "content-disposition",
    "content-language", "expires",          "x-amz-storage-class", "x-amz-tagging-count"};

/// 400s that judge our credentials or the place of the bucket, not the request.
constexpr std::array<std::string_view, 5> kOurs = {"AuthorizationHeaderMalformed", "ExpiredToken",
                                                   "InvalidToken", "TokenRefreshRequired",
                                                   "IllegalLocationConstraintException"};

/// Of a write that a server had begun to answer with 200 and did not do after all (S3 API
/// reference, CompleteMultipartUpload and CopyObject, and the list of error codes).
constexpr std::array<std::string_view, 14> kNotDone = {
    "AccessDenied",       "BadDigest",      "ConditionalRequestConflict",
    "EntityTooLarge",     "EntityTooSmall", "InvalidArgument",
    "InvalidObjectState", "InvalidPart",    "InvalidPartOrder",
    "InvalidRange",       "InvalidRequest", "MalformedXML",
    "MethodNotAllowed",   "NotImplemented"};

constexpr std::array<std::string_view, 4> kNotThere = {"NoSuchBucket", "NoSuchKey", "NoSuchUpload",
                                                       "NoSuchVersion"};

/// S3's word for a 503, which nothing else here uses.
constexpr std::string_view kUnclear = "ServiceUnavailable";

/// What signing or the HTTP client writes, and what would ask the origin to do more than keep.
constexpr std::array<std::string_view, 13> kNotForwarded = {"authorization",
                                                            "connection",
                                                            "content-length",
                                                            "content-md5",
                                                            "expect",
                                                            "host",
                                                            "transfer-encoding",
                                                            "x-amz-checksum-algorithm",
                                                            "x-amz-checksum-type",
                                                            "x-amz-content-sha256",
                                                            "x-amz-date",
                                                            "x-amz-security-token",
                                                            "x-amz-tagging-count"};

std::string lower(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

bool kept(std::string_view name) {
  return name.starts_with(kMeta) || name.starts_with(kEncryption) ||
         std::ranges::find(kKept, name) != kKept.end();
}

/// "aws-chunked,gzip" → "gzip": it belonged to an upload's wire, though some servers keep it.
std::string without_aws_chunked(std::string_view value) {
  std::string out;
  while (!value.empty()) {
    std::string_view one = value.substr(0, value.find(','));
    value.remove_prefix(std::min(value.size(), one.size() + 1));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.empty() || lower(one) == "aws-chunked") continue;
    if (!out.empty()) out += ", ";
    out += one;
  }
  return out;
}

std::string said(int status, const S3Fault& fault) {
  std::string out = std::string(kOriginAnswered) + ' ' + std::to_string(status);
  if (!fault.code.empty()) out += ' ' + fault.code;
  if (!fault.message.empty()) out += ": " + fault.message;
  return out;
}

Error missing(const S3Fault& fault, const S3Asked& asked, std::string text) {
  // radosgw misses the key where an upload is not there.
  bool known = fault.code.starts_with("NoSuch") &&
               !(fault.code == "NoSuchKey" && asked.missing == "NoSuchUpload");
  return fail(Code::not_found, std::move(text), known ? fault.code : std::string(asked.missing));
}

Error client_error(int status, const S3Fault& fault, const S3Asked& asked, std::string text) {
  switch (status) {
    case 401:
    case 403:
      return fail(Code::denied, std::move(text),
                  fault.code == "InvalidObjectState" ? fault.code : "AccessDenied");
    case 404: return missing(fault, asked, std::move(text));
    case 405: return fail(Code::invalid, std::move(text), "MethodNotAllowed");
    case 408: return fail(Code::unavailable, std::move(text));
    case 409: {
      bool others = fault.code == "BucketAlreadyExists";
      return fail(others ? Code::exists : Code::conflict, std::move(text),
                  fault.code.empty() ? "OperationAborted" : fault.code);
    }
    case 412: return fail(Code::conflict, std::move(text), "PreconditionFailed");
    case 413: return fail(Code::too_large, std::move(text), "EntityTooLarge");
    case 416:
      return fail(Code::invalid, std::move(text),
                  fault.code == "InvalidPartNumber" ? fault.code : "InvalidRange");
    case 429: return fail(Code::busy, std::move(text), "SlowDown");
    default: break;
  }
  if (fault.code == "RequestTimeout") return fail(Code::unavailable, std::move(text));
  if (fault.code == "EntityTooLarge") return fail(Code::too_large, std::move(text), fault.code);
  if (std::ranges::find(kOurs, fault.code) != kOurs.end()) {
    return fail(Code::denied, std::move(text), "AccessDenied");
  }
  return fail(Code::invalid, std::move(text), fault.code.empty() ? "InvalidRequest" : fault.code);
}

}  // namespace

Error s3_error(int status, const S3Fault& fault, const S3Asked& asked) {
  std::string text = said(status, fault);
  if (status == 501 || fault.code == "NotImplemented") {
    return fail(Code::invalid, std::move(text), "NotImplemented");
  }
  if (fault.code == "SlowDown") return fail(Code::busy, std::move(text), fault.code);
  if (fault.code.starts_with("NoSuch") && status < 500) {
    return missing(fault, asked, std::move(text));
  }
  if (status >= 400 && status < 500) return client_error(status, fault, asked, std::move(text));
  // A 503 that is not S3's own word may come from something in between, after the write was done.
  if (status == 503 && !asked.write) return fail(Code::busy, std::move(text), "SlowDown");
  return fail(Code::unavailable, std::move(text));
}

Error s3_late_error(const S3Fault& fault, std::string_view missing) {
  int status = 500;
  if (fault.code == "PreconditionFailed") status = 412;
  if (std::ranges::find(kNotThere, fault.code) != std::end(kNotThere)) status = 404;
  if (std::ranges::find(kNotDone, fault.code) != std::end(kNotDone)) status = 400;
  return s3_error(status, fault, {.write = true, .missing = missing});
}

Error s3_unclear(const http::ClientResponse& response) {
  return fail(Code::unavailable,
              std::string(kOriginAnswered) + ' ' + std::to_string(response.status) +
                  ", and not as S3 does: it may be done or not",
              std::string(kUnclear));
}

bool s3_is_unclear(const Error& error) {
  return error.code() == Code::unavailable && error.detail() == kUnclear;
}

// S3 says 204; a 200 is good where nothing comes with it, as a page for people would.
Result<> s3_removed(const http::ClientResponse& response) {
  bool bare = response.status == 200 && response.content_length.value_or(1) == 0;
  if (response.status == 204 || bare) return ok;
  return s3_unclear(response);
}

std::string s3_version(const http::ClientResponse& response) {
  std::string_view id = response.header("x-amz-version-id").value_or("");
  return id == "null" ? std::string() : std::string(id);
}

Fields s3_encryption(const http::ClientResponse& response) {
  Fields out;
  for (const Header& header : response.headers) {
    std::string name = lower(header.name);
    if (name.starts_with(kEncryption)) out[std::move(name)] = header.value;
  }
  return out;
}

ETag s3_etag_of(const http::ClientResponse& response) {
  return s3_etag(response.header("etag").value_or(""));
}

ObjectInfo s3_info(const http::ClientResponse& response, uint64_t size) {
  ObjectInfo info;
  info.size = size;
  info.etag = s3_etag_of(response);
  info.version_id = s3_version(response);
  info.tag = version_tag(info.version_id, info.etag, size);
  for (const Header& header : response.headers) {
    std::string name = lower(header.name);
    if (name.starts_with(kChecksum)) {
      info.checksums[name] = header.value;
    } else if (kept(name)) {
      info.fields[name] = header.value;
    } else if (name == "last-modified") {
      info.modified = parse_http_date(header.value).value_or(WallTime{});
    } else if (name == "x-amz-mp-parts-count") {
      uint32_t parts = 0;
      for (char c : header.value) {
        if (c < '0' || c > '9' || parts > 10'000) break;
        parts = parts * 10 + static_cast<uint32_t>(c - '0');
      }
      info.parts = parts;
    }
  }
  if (auto coding = info.fields.find("content-encoding"); coding != info.fields.end()) {
    coding->second = without_aws_chunked(coding->second);
    if (coding->second.empty()) info.fields.erase(coding);
  }
  return info;
}

void add_s3_fields(const Fields& fields, http::HeadFields& out) {
  for (const auto& [name, value] : fields) {
    std::string plain = lower(name);
    if (std::ranges::find(kNotForwarded, plain) == kNotForwarded.end()) out.add(plain, value);
  }
}

}  // namespace forebay::origin
