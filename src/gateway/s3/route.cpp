#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "gateway/s3/call.h"
#include "gateway/s3/errors.h"
#include "gateway/s3/fields.h"

namespace forebay::gateway::s3 {

namespace {

Error bad_uri() { return fail(Code::invalid, "Couldn't parse the specified URI.", "InvalidURI"); }

// XML, JSON and keys hold no other text.
bool is_text(std::string_view text) {
  return is_utf8(text) && text.find('\0') == std::string_view::npos;
}

Result<Query> parse_query(std::string_view raw) {
  Query query;
  while (!raw.empty()) {
    size_t amp = raw.find('&');
    std::string_view one = raw.substr(0, amp);
    raw = amp == std::string_view::npos ? "" : raw.substr(amp + 1);
    if (one.empty()) continue;
    if (query.size() == kMaxParameters) {
      return fail(Code::invalid, "The request has too many query parameters.", "InvalidRequest");
    }
    size_t equals = one.find('=');
    auto name = percent_decode(one.substr(0, equals), true);
    auto value =
        percent_decode(equals == std::string_view::npos ? "" : one.substr(equals + 1), true);
    if (!name || !value || !is_text(*name) || !is_text(*value)) return bad_uri();
    query.emplace_back(std::move(*name), std::move(*value));
  }
  return query;
}

// The bucket in "bucket.s3.example.com" or "bucket.localhost"; nothing in path style.
std::optional<std::string_view> bucket_of_host(std::string_view authority,
                                               std::string_view domain) {
  size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']') == std::string_view::npos) {
    authority = authority.substr(0, colon);
  }
  // The root of all names may be written: "bucket.localhost." is the same host.
  if (authority.ends_with('.')) authority.remove_suffix(1);
  for (std::string_view base : {domain, std::string_view("localhost")}) {
    if (base.empty() || authority.size() <= base.size()) continue;
    if (!http::same_name(authority.substr(authority.size() - base.size()), base)) continue;
    std::string_view rest = authority.substr(0, authority.size() - base.size());
    if (rest.ends_with('.')) return rest.substr(0, rest.size() - 1);
  }
  return std::nullopt;
}

bool has_all(const Routed& routed, std::string_view markers) {
  while (!markers.empty()) {
    size_t blank = markers.find(' ');
    if (!routed.parameter(markers.substr(0, blank))) return false;
    markers = blank == std::string_view::npos ? "" : markers.substr(blank + 1);
  }
  return true;
}

bool selected(const Operation& row, const http::Request& request, const Routed& routed,
              Scope scope) {
  return row.scope == scope && row.method == request.method && has_all(routed, row.markers) &&
         (row.header.empty() || request.header(row.header));
}

// Signatures, headers given in the query, and what clients add for the log: S3 lets them pass.
bool passes(std::string_view name) { return name.starts_with("x-") || name.starts_with("X-"); }

// The first query name that `row` has no meaning for, or that comes twice. A read may say what S3
// does not know ("image.png?v=3"); a write may not, because what we do not know S3 may learn.
std::string_view foreign_name(const Operation& row, const Query& query) {
  bool read = row.method == "GET" || row.method == "HEAD";
  for (size_t i = 0; i < query.size(); ++i) {
    std::string_view name = query[i].first;
    if (passes(name)) continue;
    bool own = lists(row.markers, name) || lists(row.names, name);
    if (!own && read && !known_to_s3(name)) continue;
    auto before = query.begin() + static_cast<ptrdiff_t>(i);
    bool again = std::any_of(query.begin(), before, [&](auto& one) { return one.first == name; });
    if (!own || again) return name;
  }
  return {};
}

}  // namespace

std::optional<std::string_view> Routed::parameter(std::string_view name) const {
  for (auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

Result<uint32_t> Routed::number(std::string_view name, uint32_t fallback, uint32_t limit) const {
  auto text = parameter(name);
  if (!text || text->empty()) return fallback;
  uint32_t value = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value > limit) {
    return fail(Code::invalid,
                "Argument " + std::string(name) + " must be an integer between 0 and " +
                    std::to_string(limit),
                "InvalidArgument");
  }
  return value;
}

Result<> route(const http::Request& request, std::string_view domain, Routed& out) {
  auto query = parse_query(request.query);
  if (!query) return std::move(query.error());
  out.query = std::move(*query);
  std::string_view path = request.path;
  if (!path.starts_with('/')) return bad_uri();
  path.remove_prefix(1);
  auto host = bucket_of_host(request.authority, domain);
  std::string_view bucket = host.value_or(""), key = path;
  if (!host) {
    size_t slash = path.find('/');
    bucket = path.substr(0, slash);
    key = slash == std::string_view::npos ? "" : path.substr(slash + 1);
  }
  auto bucket_name = percent_decode(bucket);
  auto key_text = percent_decode(key);
  if (!bucket_name || !key_text || !is_text(*bucket_name) || !is_text(*key_text)) return bad_uri();
  // "//bucket/key" and ".localhost" name a bucket, and the name is empty: not the service.
  // "bucket%2Fkey" would be signed as a bucket and a key.
  bool service = bucket.empty() && !host && path.empty();
  if (!service && (bucket_name->empty() || bucket_name->contains('/'))) {
    return fail(Code::invalid, "The specified bucket is not valid.", "InvalidBucketName");
  }
  // Names in a Host field know no case.
  out.bucket_name = host ? lower(*bucket_name) : std::move(*bucket_name);
  out.key_text = std::move(*key_text);
  Scope scope = out.bucket_name.empty() ? Scope::service
                : out.key_text.empty()  ? Scope::bucket
                                        : Scope::object;
  for (const Operation& row : operations()) {
    if (!selected(row, request, out, scope)) continue;
    out.foreign = foreign_name(row, out.query);
    if (out.foreign.empty()) out.operation = &row;
    break;
  }
  return ok;
}

Error Routed::refusal() const {
  if (foreign.empty()) {
    return fail(Code::invalid, "The specified method is not allowed against this resource.",
                "MethodNotAllowed");
  }
  std::string what = "query parameter '" + foreign + "'";
  if (std::ranges::count(query, foreign, &Query::value_type::first) > 1) {
    return fail(Code::invalid, "The " + what + " was given more than once.", "InvalidArgument");
  }
  bool subresource = std::ranges::any_of(
      operations(), [&](const Operation& row) { return lists(row.markers, foreign); });
  if (subresource) {
    return fail(Code::invalid,
                "The specified method is not allowed against this resource: the " + what +
                    " belongs to another operation.",
                "MethodNotAllowed");
  }
  return not_implemented("The " + what + " with this operation");
}

}  // namespace forebay::gateway::s3
