#include <charconv>

#include "base/encoding.h"
#include "gateway/s3/call.h"

namespace forebay::gateway::s3 {

namespace {

Error bad_uri() { return fail(Code::invalid, "Couldn't parse the specified URI.", "InvalidURI"); }

Result<Query> parse_query(std::string_view raw) {
  Query query;
  while (!raw.empty()) {
    size_t amp = raw.find('&');
    std::string_view one = raw.substr(0, amp);
    raw = amp == std::string_view::npos ? "" : raw.substr(amp + 1);
    if (one.empty()) continue;
    size_t equals = one.find('=');
    auto name = percent_decode(one.substr(0, equals), true);
    auto value =
        percent_decode(equals == std::string_view::npos ? "" : one.substr(equals + 1), true);
    if (!name || !value) return bad_uri();
    query.emplace_back(std::move(*name), std::move(*value));
  }
  return query;
}

// The bucket in "bucket.s3.example.com" or "bucket.localhost"; empty in path style.
std::string_view bucket_of_host(std::string_view authority, std::string_view domain) {
  size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']') == std::string_view::npos) {
    authority = authority.substr(0, colon);
  }
  for (std::string_view base : {domain, std::string_view("localhost")}) {
    if (base.empty() || authority.size() <= base.size() + 1) continue;
    if (!http::same_name(authority.substr(authority.size() - base.size()), base)) continue;
    std::string_view rest = authority.substr(0, authority.size() - base.size());
    if (rest.ends_with('.')) return rest.substr(0, rest.size() - 1);
  }
  return {};
}

bool matches(const Operation& row, const http::Request& request, const Routed& routed,
             Scope scope) {
  return row.scope == scope && row.method == request.method &&
         (row.marker.empty() || routed.parameter(row.marker)) &&
         (row.header.empty() || request.header(row.header));
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
  std::string_view bucket = bucket_of_host(request.authority, domain);
  std::string_view key = path;
  if (bucket.empty()) {
    size_t slash = path.find('/');
    bucket = path.substr(0, slash);
    key = slash == std::string_view::npos ? "" : path.substr(slash + 1);
  }
  auto bucket_name = percent_decode(bucket);
  auto key_text = percent_decode(key);
  if (!bucket_name || !key_text) return bad_uri();
  out.bucket_name = std::move(*bucket_name);
  out.key_text = std::move(*key_text);
  Scope scope = out.bucket_name.empty() ? Scope::service
                : out.key_text.empty()  ? Scope::bucket
                                        : Scope::object;
  for (const Operation& row : operations()) {
    if (!matches(row, request, out, scope)) continue;
    out.operation = &row;
    break;
  }
  return ok;
}

}  // namespace forebay::gateway::s3
