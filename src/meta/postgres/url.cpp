#include "meta/postgres/url.h"

#include <algorithm>

#include "base/encoding.h"
#include "http/client.h"

namespace forebay::meta {

namespace {

constexpr std::string_view kForm =
    "not postgres://USER[:PASSWORD]@HOST:PORT[,HOST:PORT…]/DATABASE?sslmode=MODE[#NAME]";

// Quotes nothing: what is not encoded may be part of a password wherever it comes to stand.
Error bad_url(std::string_view what) { return fail(Code::invalid, std::string(what)); }

bool is_of_a_cluster(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

/// What stands before `mark`, which is taken off with it; all of it where there is none.
std::string_view take_until(std::string_view& text, char mark, bool* found = nullptr) {
  size_t at = std::min(text.find(mark), text.size());
  std::string_view out = text.substr(0, at);
  if (found != nullptr) *found = at < text.size();
  text.remove_prefix(std::min(at + 1, text.size()));
  return out;
}

/// A percent-decoded part; nothing when it has what must be encoded, or cannot be said to libpq.
std::optional<std::string> decode_part(std::string_view text) {
  for (char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f') return std::nullopt;
    if (std::string_view("@:/?#[]&=").contains(c)) return std::nullopt;
  }
  std::optional<std::string> out = percent_decode(text);
  if (out && out->contains('\0')) return std::nullopt;
  return out;
}

Result<io::Address> parse_server(std::string_view text) {
  Result<http::Endpoint> endpoint = http::Endpoint::parse("http://" + std::string(text));
  // The port must be there, as a number is usually written.
  if (!endpoint || !text.ends_with(":" + std::to_string(endpoint->port))) {
    return bad_url("a server is not HOST:PORT, or a password not percent-encoded");
  }
  return io::Address{endpoint->host, endpoint->port};
}

Result<> parse_servers(std::string_view text, PostgresUrl& out) {
  bool more = true;
  while (more) {
    Result<io::Address> parsed = parse_server(take_until(text, ',', &more));
    if (!parsed) return std::move(parsed.error());
    if (std::ranges::find(out.endpoints, *parsed) != out.endpoints.end()) {
      return bad_url("a server is there twice: " + parsed->to_string());
    }
    out.endpoints.push_back(std::move(*parsed));
  }
  if (out.endpoints.size() > PostgresUrl::kMaxEndpoints) return bad_url("more than 16 servers");
  return ok;
}

Result<> parse_user(std::string_view text, PostgresUrl& out) {
  bool secret = false;
  std::optional<std::string> user = decode_part(take_until(text, ':', &secret));
  std::optional<std::string> password = decode_part(text);
  if (!user || user->empty()) return bad_url("no user, or one with what must be percent-encoded");
  if (!password || password->empty() == secret) {
    return bad_url("a password that is empty or has what must be percent-encoded");
  }
  out.user = std::move(*user);
  out.password = Secret(std::move(*password));
  return ok;
}

Result<> parse_setting(std::string_view text, PostgresUrl& out) {
  std::string_view key = take_until(text, '=');
  if (key == "sslmode" && out.ssl_mode.empty()) {
    for (std::string_view mode : {"disable", "require", "verify-ca", "verify-full"}) {
      if (text == mode) out.ssl_mode = mode;
    }
    if (out.ssl_mode.empty()) {
      return bad_url("sslmode is disable, require, verify-ca or verify-full");
    }
    return ok;
  }
  if (key == "sslrootcert" && out.root_cert.empty()) {
    // A file's name is mostly written as it is.
    std::optional<std::string> file = percent_decode(text);
    if (!file || !file->starts_with('/') || file->contains('\0')) {
      return bad_url("sslrootcert is not the absolute path of a file");
    }
    out.root_cert = std::move(*file);
    return ok;
  }
  return bad_url("of sslmode and sslrootcert each is said once, and nothing else");
}

Result<> parse_settings(std::string_view text, PostgresUrl& out) {
  bool more = !text.empty();
  while (more) {
    Result<> good = parse_setting(take_until(text, '&', &more), out);
    if (!good) return good;
  }
  if (out.ssl_mode.empty()) return bad_url("no sslmode");
  if (out.ssl_mode.starts_with("verify") == out.root_cert.empty()) {
    return bad_url("sslrootcert is said with sslmode=verify-ca or verify-full, and only there");
  }
  return ok;
}

}  // namespace

Result<PostgresUrl> PostgresUrl::parse(std::string_view text) {
  constexpr std::string_view kScheme = "postgres://";
  if (!text.starts_with(kScheme)) return bad_url(kForm);
  text.remove_prefix(kScheme.size());
  PostgresUrl out;
  bool named = false, set = false;
  std::string_view rest = take_until(text, '#', &named);
  out.name = named ? text : "forebay";
  if (out.name.empty() || out.name.size() > kMaxName ||
      !std::ranges::all_of(out.name, is_of_a_cluster)) {
    return bad_url("a cluster's name is 1–48 of A–Z a–z 0–9 . _ -");
  }
  std::string_view place = take_until(rest, '?', &set);
  std::string_view servers = take_until(place, '/');
  bool user = false;
  std::string_view who = take_until(servers, '@', &user);
  if (!user || !set) return bad_url(kForm);
  if (Result<> good = parse_user(who, out); !good) return std::move(good.error());
  if (servers.contains('@')) return bad_url("an '@' within user or password is written %40");
  if (Result<> good = parse_servers(servers, out); !good) return std::move(good.error());
  std::optional<std::string> database = decode_part(place);
  if (!database || database->empty()) {
    return bad_url("no database, or one with what must be percent-encoded");
  }
  out.database = std::move(*database);
  if (Result<> good = parse_settings(rest, out); !good) return std::move(good.error());
  return out;
}

std::string PostgresUrl::shown() const {
  std::string out;
  for (const io::Address& endpoint : endpoints) {
    out.append(out.empty() ? "" : ", ").append(endpoint.to_string());
  }
  return out;
}

}  // namespace forebay::meta
