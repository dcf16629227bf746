#include "sign/signer.h"

#include <algorithm>
#include <array>
#include <boost/container/small_vector.hpp>
#include <span>

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

// "host;range;x-amz-date": sorted, each name once.
std::string signed_header_list(std::span<const Header> headers) {
  boost::container::small_vector<std::string_view, 16> names;
  for (const Header& header : headers) {
    bool never = std::ranges::any_of(
        kNeverSigned, [&](std::string_view name) { return same_name(header.name, name); });
    if (!never) names.push_back(header.name);
  }
  auto lower_less = [](char a, char b) { return to_lower(a) < to_lower(b); };
  std::ranges::sort(names, [&](std::string_view a, std::string_view b) {
    return std::ranges::lexicographical_compare(a, b, lower_less);
  });
  std::string list;
  list.reserve(kUsualText);
  std::string_view last;
  for (std::string_view name : names) {
    bool again = std::ranges::equal(name, last, {}, to_lower, to_lower);
    last = name;
    if (again) continue;
    if (!list.empty()) list += ';';
    for (char c : name) list += to_lower(c);
  }
  return list;
}

Hex256 signature_of(const RequestView& request, std::string_view signed_headers,
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
  return hex_of(key.sign(as_bytes(text)));
}

}  // namespace

Body::Body(PayloadKind kind, std::string_view text) : kind_(kind), size_(text.size()) {
  check(text.size() <= text_.size(), "a body is announced by a word or a SHA-256");
  std::ranges::copy(text, text_.begin());
}

Body Body::empty() { return {PayloadKind::hash, kEmptySha256}; }
Body Body::not_signed() { return {PayloadKind::unsigned_body, kUnsignedPayload}; }
Body Body::hashed(const Digest256& sha256) { return {PayloadKind::hash, view(hex_of(sha256))}; }
Body Body::chunked(PayloadKind kind) {
  check(is_chunked(kind), "a chunked body has a streaming kind");
  return {kind, word(kind)};
}

boost::container::static_vector<Header, 4> Signed::headers() const {
  boost::container::static_vector<Header, 4> out;
  out.push_back({"x-amz-date", date});
  out.push_back({"x-amz-content-sha256", body.text()});
  if (!session_token.empty()) out.push_back({"x-amz-security-token", session_token});
  if (!authorization.empty()) out.push_back({"authorization", authorization});
  return out;
}

Signer::Signer(Credentials credentials, std::string region, std::string service)
    : credentials_(std::move(credentials)),
      region_(std::move(region)),
      service_(std::move(service)) {}

HmacKey Signer::key(std::string_view day) const {
  return keys_.get(credentials_.access_key, credentials_.secret, {day, region_, service_});
}
HmacKey Signer::key(WallTime now) const { return key(amz_date(now).day()); }

void Signer::append_scope(std::string& out, std::string_view day) const {
  out.append(day).append("/").append(region_).append("/").append(service_).append("/aws4_request");
}
std::string Signer::scope_text(WallTime now) const {
  std::string out;
  append_scope(out, amz_date(now).day());
  return out;
}

Signed Signer::sign(const RequestView& request, const Body& body, WallTime now) const {
  Signed made{.date = amz_date(now),
              .body = body,
              .session_token = credentials_.session_token,
              .authorization = {},
              .signature = {}};
  boost::container::small_vector<Header, 16> headers(request.headers.begin(),
                                                     request.headers.end());
  for (const Header& header : made.headers()) headers.push_back(header);
  RequestView with_ours = request;
  with_ours.headers = headers;
  std::string list = signed_header_list(headers);
  std::string field;
  field.reserve(2 * kUsualText);
  field.append("AWS4-HMAC-SHA256 Credential=").append(credentials_.access_key).append("/");
  size_t scope_at = field.size();
  append_scope(field, made.date.day());
  std::string_view scope = std::string_view(field).substr(scope_at);
  made.signature =
      signature_of(with_ours, list, body.text(), made.date, scope, key(made.date.day()));
  field.append(",SignedHeaders=").append(list).append(",Signature=").append(made.signature_text());
  made.authorization = std::move(field);
  return made;
}

std::string Signer::presign(const RequestView& request, WallTime now, Duration expires) const {
  check(expires >= seconds(1) && expires <= kMaxExpires, "a presigned URL lives 1 s to 7 days");
  AmzDate timestamp = amz_date(now);
  std::string scope = scope_text(now);
  std::string list = signed_header_list(request.headers);
  std::string query(request.query);
  auto add = [&](std::string_view name, std::string_view value) {
    if (!query.empty()) query += '&';
    query += name;
    query += '=';
    append_percent_encoded(query, value);
  };
  add("X-Amz-Algorithm", "AWS4-HMAC-SHA256");
  add("X-Amz-Credential", credentials_.access_key + "/" + scope);
  add("X-Amz-Date", timestamp);
  add("X-Amz-Expires", std::to_string(expires.ns / 1'000'000'000));
  if (!credentials_.session_token.empty()) {
    add("X-Amz-Security-Token", credentials_.session_token);
  }
  add("X-Amz-SignedHeaders", list);
  RequestView with_ours = request;
  with_ours.query = query;
  Hex256 signature =
      signature_of(with_ours, list, kUnsignedPayload, timestamp, scope, key(timestamp.day()));
  add("X-Amz-Signature", view(signature));
  return query;
}

}  // namespace forebay::sign
