#include "sign/signer.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/encoding.h"
#include "sign/canonical.h"
#include "sign/sigv4.h"
#include "sign/text.h"

namespace forebay::sign {

namespace {

// What HTTP libraries and proxies add, change or drop on the way.
constexpr std::array<std::string_view, 8> kNeverSigned = {
    "authorization", "connection",        "expect",          "te",
    "user-agent",    "transfer-encoding", "accept-encoding", "content-length"};

// Room for most of the texts that are put together here.
constexpr size_t kUsualText = 256;

std::string lower(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = to_lower(c);
  return out;
}

// "host;range;x-amz-date": sorted, each name once.
std::string signed_header_list(std::span<const Header> headers) {
  std::vector<std::string> names;
  names.reserve(headers.size());
  for (const Header& header : headers) {
    std::string name = lower(header.name);
    if (std::ranges::find(kNeverSigned, name) == kNeverSigned.end()) names.push_back(name);
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::string list;
  list.reserve(kUsualText);
  for (const std::string& name : names) {
    if (!list.empty()) list += ';';
    list += name;
  }
  return list;
}

std::string signature_of(const RequestView& request, std::string_view signed_headers,
                         std::string_view payload_line, std::string_view timestamp,
                         std::string_view scope_text, const HmacKey& key) {
  auto lines = SignedLines::find(request, signed_headers);
  check(lines.has_value() && lines->has_host, "a request to sign has host and few headers");
  CanonicalParts parts{request, *lines, signed_headers, payload_line};
  auto hash = canonical_hash(parts, Spelling::recoded);
  check(hash.has_value(), "a request to sign has few parameters");
  std::string text;
  text.reserve(kUsualText);
  append_string_to_sign(text, timestamp, scope_text, *hash);
  return std::string(view(hex_of(key.sign(as_bytes(text)))));
}

}  // namespace

Body Body::empty() { return {PayloadKind::hash, std::string(kEmptySha256)}; }
Body Body::not_signed() { return {PayloadKind::unsigned_body, std::string(kUnsignedPayload)}; }
Body Body::hashed(const Digest256& sha256) {
  return {PayloadKind::hash, std::string(view(hex_of(sha256)))};
}
Body Body::chunked(PayloadKind kind) {
  check(is_chunked(kind), "a chunked body has a streaming kind");
  return {kind, std::string(word(kind))};
}

Signer::Signer(Credentials credentials, std::string region, std::string service)
    : credentials_(std::move(credentials)),
      region_(std::move(region)),
      service_(std::move(service)) {}

HmacKey Signer::key(WallTime now) const {
  std::string timestamp = amz_date(now);
  Scope scope{std::string_view(timestamp).substr(0, 8), region_, service_};
  return keys_.get(credentials_.access_key, credentials_.secret, scope);
}

std::string Signer::scope_text(WallTime now) const {
  return amz_date(now).substr(0, 8) + "/" + region_ + "/" + service_ + "/aws4_request";
}

Signed Signer::sign(const RequestView& request, const Body& body, WallTime now) const {
  Signed result;
  result.headers.reserve(4);
  std::string timestamp = amz_date(now);
  std::string scope = scope_text(now);
  result.headers.emplace_back("x-amz-date", timestamp);
  result.headers.emplace_back("x-amz-content-sha256", body.text());
  if (!credentials_.session_token.empty()) {
    result.headers.emplace_back("x-amz-security-token", credentials_.session_token);
  }
  std::vector<Header> headers;
  headers.reserve(request.headers.size() + result.headers.size());
  headers.assign(request.headers.begin(), request.headers.end());
  for (const auto& [name, value] : result.headers) headers.push_back({name, value});
  RequestView view = request;
  view.headers = headers;
  std::string list = signed_header_list(headers);
  result.signature = signature_of(view, list, body.text(), timestamp, scope, key(now));
  std::string field;
  field.reserve(2 * kUsualText);
  field.append("AWS4-HMAC-SHA256 Credential=").append(credentials_.access_key).append("/");
  field.append(scope).append(",SignedHeaders=").append(list);
  field.append(",Signature=").append(result.signature);
  result.headers.emplace_back("authorization", std::move(field));
  return result;
}

std::string Signer::presign(const RequestView& request, WallTime now, Duration expires) const {
  check(expires >= seconds(1) && expires <= kMaxExpires, "a presigned URL lives 1 s to 7 days");
  std::string timestamp = amz_date(now);
  std::string scope = scope_text(now);
  std::string list = signed_header_list(request.headers);
  std::string query(request.query);
  auto add = [&](std::string_view name, std::string_view value) {
    if (!query.empty()) query += '&';
    query += name;
    query += '=';
    query += percent_encode(value);
  };
  add("X-Amz-Algorithm", "AWS4-HMAC-SHA256");
  add("X-Amz-Credential", credentials_.access_key + "/" + scope);
  add("X-Amz-Date", timestamp);
  add("X-Amz-Expires", std::to_string(expires.ns / 1'000'000'000));
  if (!credentials_.session_token.empty()) {
    add("X-Amz-Security-Token", credentials_.session_token);
  }
  add("X-Amz-SignedHeaders", list);
  RequestView view = request;
  view.query = query;
  std::string signature = signature_of(view, list, kUnsignedPayload, timestamp, scope, key(now));
  add("X-Amz-Signature", signature);
  return query;
}

}  // namespace forebay::sign
