#include "meta/etcd/url.h"

#include <algorithm>

namespace forebay::meta {

namespace {

constexpr std::string_view kScheme = "etcd://";
constexpr std::string_view kUsualName = "forebay";

bool is_of_a_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

Result<http::Endpoint> parse_member(std::string_view text) {
  Result<http::Endpoint> endpoint = http::Endpoint::parse("http://" + std::string(text));
  // The port must be there, as a number is usually written.
  if (!endpoint || !text.ends_with(":" + std::to_string(endpoint->port))) {
    return fail(Code::invalid, "'" + std::string(text) + "' is not HOST:PORT");
  }
  return endpoint;
}

}  // namespace

Result<EtcdUrl> EtcdUrl::parse(std::string_view text) {
  std::string where = "'" + std::string(text) + "'";
  auto bad = [&](std::string_view what) {
    return fail(Code::invalid, std::string(what)).in(where);
  };
  if (!text.starts_with(kScheme)) return bad("not etcd://HOST:PORT[,HOST:PORT…][/NAME]");
  text.remove_prefix(kScheme.size());
  std::string_view members = text.substr(0, text.find('/'));
  std::string_view name = kUsualName;
  if (members.size() < text.size()) name = text.substr(members.size() + 1);
  if (name.empty() || name.size() > kMaxName || !std::ranges::all_of(name, is_of_a_name)) {
    return bad("a cluster's name is 1–64 of A–Z a–z 0–9 . _ -");
  }
  EtcdUrl out{.endpoints = {}, .prefix = std::string(name) + '/'};
  for (size_t at = 0; at <= members.size();) {
    size_t comma = std::min(members.find(',', at), members.size());
    Result<http::Endpoint> endpoint = parse_member(members.substr(at, comma - at));
    if (!endpoint) return endpoint.error_in(where);
    if (std::ranges::find(out.endpoints, *endpoint) != out.endpoints.end()) {
      return bad("an endpoint is there twice: " + endpoint->authority());
    }
    out.endpoints.push_back(std::move(*endpoint));
    at = comma + 1;
  }
  if (out.endpoints.size() > kMaxEndpoints) return bad("more than 16 endpoints");
  return out;
}

std::string EtcdUrl::shown() const {
  std::string out;
  for (const http::Endpoint& endpoint : endpoints) {
    out.append(out.empty() ? "" : ", ").append("http://").append(endpoint.authority());
  }
  return out;
}

}  // namespace forebay::meta
