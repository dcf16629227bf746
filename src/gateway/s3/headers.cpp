#include "gateway/s3/headers.h"

#include <algorithm>
#include <array>

#include "gateway/s3/errors.h"
#include "gateway/s3/fields.h"

namespace forebay::gateway::s3 {

namespace {

// Say nothing about the effect: the signature's, the framing's (payload.h judges it), and what
// clients and proxies tell of themselves (the C++ SDK its API's date, with some operations).
constexpr std::string_view kHarmless =
    "x-amz-api-version x-amz-cf-id x-amz-content-sha256 x-amz-date "
    "x-amz-decoded-content-length x-amz-expected-bucket-owner x-amz-request-payer x-amz-sdk-* "
    "x-amz-security-token "
    "x-amz-source-expected-bucket-owner x-amz-te x-amz-trailer x-amz-user-agent";

constexpr std::string_view kChecksum = "x-amz-checksum-";

bool begins(std::string_view name, std::string_view prefix) {
  return http::same_name(name.substr(0, prefix.size()), prefix);
}

// As lists(), with "x-amz-meta-*" for all that begin so.
bool covers(std::string_view words, std::string_view name) {
  while (!words.empty()) {
    size_t blank = words.find(' ');
    std::string_view word = words.substr(0, blank);
    words = blank == std::string_view::npos ? "" : words.substr(blank + 1);
    if (word == name) return true;
    if (word.ends_with('*') && name.starts_with(word.substr(0, word.size() - 1))) {
      // A checksum is carried out by computing it. What else begins so may follow as a word.
      bool sum = name.starts_with(kChecksum);
      if (!sum || parse_checksum_kind(name.substr(kChecksum.size()))) return true;
    }
  }
  return false;
}

// The value of a checksum, in any case; not its algorithm, type or mode.
bool is_checksum(std::string_view name) {
  return begins(name, kChecksum) && parse_checksum_kind(name.substr(kChecksum.size())).has_value();
}

Result<> check_owner(const Header& header) {
  constexpr std::string_view kExpected = "x-amz-expected-bucket-owner";
  constexpr std::string_view kSource = "x-amz-source-expected-bucket-owner";
  bool names_owner =
      (header.name.size() == kExpected.size() && http::same_name(header.name, kExpected)) ||
      (header.name.size() == kSource.size() && http::same_name(header.name, kSource));
  if (!names_owner || header.value == kOwner) return ok;
  return fail(Code::denied, "Access Denied: the bucket's owner is not the expected one",
              "AccessDenied");
}

bool wants_length(const Operation& operation) {
  return operation.name == "PutObject" || operation.name == "UploadPart";
}

constexpr std::string_view kMetadata = "x-amz-meta-";

// What is looked up once: of two, the second would be dropped. Metadata is joined instead.
bool said_once(bool read, std::string_view name) {
  if (begins(name, "if-")) return true;
  if (read) return http::same_name(name, "range");
  return (begins(name, "x-amz-") && !begins(name, kMetadata)) ||
         http::same_name(name, "content-md5");
}

Error invalid_header(std::string_view what, std::string_view name) {
  return fail(Code::invalid, std::string(what).append(name), "InvalidArgument");
}

// What the query brought may be what no header can be.
bool is_header(const Header& header) {
  return is_token(header.name) && std::ranges::none_of(header.value, [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

}  // namespace

Result<> admit_headers(const Operation& operation, const http::Request& request) {
  bool read = request.method == "GET" || request.method == "HEAD";
  for (size_t i = 0; i < request.headers.size(); ++i) {
    const Header& header = request.headers[i];
    if (Result<> same = check_owner(header); !same) return same;
    if (said_once(read, header.name) && http::find(request.headers.first(i), header.name)) {
      return invalid_header("A header is there more than once: ", lower(header.name));
    }
    if (read) continue;
    bool restricts = begins(header.name, "x-amz-") || begins(header.name, "if-") ||
                     http::same_name(header.name, "content-range");
    if (!restricts) continue;
    if (!is_header(header)) return invalid_header("This is no header: ", header.name);
    std::string name = lower(header.name);
    if (covers(kHarmless, name) || covers(operation.headers, name)) continue;
    return not_implemented("Header " + name + " with " + std::string(operation.name));
  }
  if (wants_length(operation) && !request.content_length && !request.chunked) {
    return fail(Code::invalid, "You must provide the Content-Length HTTP header.",
                "MissingContentLength");
  }
  return ok;
}

std::vector<Header> take_headers_of_query(const Query& query, std::span<const Header> headers) {
  std::vector<Header> out;
  constexpr auto kOfSignature = std::to_array<std::string_view>(
      {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date",
       "X-Amz-SignedHeaders", "X-Amz-Expires", "X-Amz-Security-Token", "X-Amz-Content-Sha256"});
  for (const auto& [name, value] : query) {
    if (!begins(name, "x-amz-") || is_checksum(name) || begins(name, "x-amz-sdk-")) continue;
    if (std::ranges::find(kOfSignature, name) != kOfSignature.end()) continue;
    if (out.empty()) out.assign(headers.begin(), headers.end());
    out.push_back({name, value});
  }
  return out;
}

}  // namespace forebay::gateway::s3
