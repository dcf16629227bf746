#include "http/framing.h"

#include <algorithm>
#include <charconv>

namespace forebay::http {

namespace {

// The fields that decide about the connection, in one pass.
struct Control {
  std::optional<std::string_view> content_length, transfer_encoding, host;
  size_t content_lengths = 0, transfer_encodings = 0, hosts = 0;
  bool close = false, keep_alive = false, expect_continue = false;
};

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Whether `word` is a member of the list `value`.
bool has_token(std::string_view value, std::string_view word) {
  while (true) {
    size_t comma = value.find(',');
    if (same_name(trim(value.substr(0, comma)), word)) return true;
    if (comma == std::string_view::npos) return false;
    value.remove_prefix(comma + 1);
  }
}

void read_connection(std::string_view value, Control& out) {
  if (has_token(value, "close")) out.close = true;
  if (has_token(value, "keep-alive")) out.keep_alive = true;
}

void read_expect(std::string_view value, Control& out) {
  if (has_token(value, "100-continue")) out.expect_continue = true;
}

Control read_control(std::span<const Header> headers) {
  Control out;
  for (const Header& header : headers) {
    // The length sorts out most fields without comparing them.
    switch (header.name.size()) {
      case 4:
        if (same_name(header.name, "host")) out.host = header.value, ++out.hosts;
        break;
      case 6:
        if (same_name(header.name, "expect")) read_expect(header.value, out);
        break;
      case 10:
        if (same_name(header.name, "connection")) read_connection(header.value, out);
        break;
      case 14:
        if (same_name(header.name, "content-length")) {
          out.content_length = header.value, ++out.content_lengths;
        }
        break;
      case 17:
        if (same_name(header.name, "transfer-encoding")) {
          out.transfer_encoding = header.value, ++out.transfer_encodings;
        }
        break;
      default: break;
    }
  }
  return out;
}

// 1*DIGIT without sign, list or white space.
std::optional<uint64_t> parse_length(std::string_view text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  // The largest value is our sentinel for "unknown".
  if (value == kUnknownLength) return std::nullopt;
  return value;
}

Fault read_framing(const Control& control, int version, std::optional<uint64_t>& length,
                   bool& chunked) {
  // A list or repetition, equal or not, is refused: RFC 9112 section 6.3 leaves us the choice.
  if (control.content_lengths > 1) return {400, "more than one Content-Length"};
  if (control.transfer_encodings > 0) {
    if (control.content_length) return {400, "Content-Length beside Transfer-Encoding"};
    if (version < 11) return {400, "Transfer-Encoding in HTTP/1.0"};
    if (control.transfer_encodings > 1) return {400, "more than one Transfer-Encoding"};
    if (!same_name(control.transfer_encoding.value_or(""), "chunked")) {
      return {501, "only chunked Transfer-Encoding is supported"};
    }
    chunked = true;
  }
  if (control.content_length) {
    length = parse_length(*control.content_length);
    if (!length) return {400, "bad Content-Length"};
  }
  return {};
}

bool stays_open(const Control& control, int version) {
  return !control.close && (version >= 11 || control.keep_alive);
}

bool is_decimal(char c) { return c >= '0' && c <= '9'; }

bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// uri-host [ ":" port ] (RFC 3986 section 3.2.2), empty only as a whole. Narrower than the RFC
// where two readers could see two hosts: no percent-encoding, no empty label at the end but the
// root's.
bool is_authority(std::string_view text) {
  if (text.empty()) return true;
  size_t end;
  if (text.front() == '[') {
    end = text.find(']');
    if (end == text.npos) return false;
    std::string_view address = text.substr(1, end++ - 1);
    bool good = address.find(':') != address.npos && std::ranges::all_of(address, [](char c) {
                  return is_decimal(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
                         c == ':' || c == '.';
                });
    if (!good) return false;
  } else {
    end = std::min(text.find(':'), text.size());
    std::string_view name = text.substr(0, end);
    bool good = std::ranges::all_of(name, [](char c) {
      return is_decimal(c) || is_ascii_letter(c) ||
             std::string_view("-._~!$&'()*+;=").find(c) != std::string_view::npos;
    });
    if (!good || name.empty() || name.ends_with("..")) return false;
  }
  std::string_view rest = text.substr(end);
  return rest.empty() || (rest.front() == ':' && std::ranges::all_of(rest.substr(1), is_decimal));
}

// An authority in parts that can be compared: RFC 3986 section 6.2, without decoding.
struct HostAndPort {
  std::string_view host, port;
};

HostAndPort split_authority(std::string_view text, std::string_view default_port) {
  size_t bracket = text.rfind(']');
  size_t colon = text.rfind(':');
  bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  HostAndPort out{text.substr(0, has_port ? colon : text.size()),
                  has_port ? text.substr(colon + 1) : std::string_view()};
  if (out.port.empty()) out.port = default_port;
  return out;
}

// Whether target and Host mean the same place. Where they do not, some reader between the client
// and us, or we ourselves, would route by one and trust the other.
bool same_place(std::string_view target, std::string_view host, std::string_view default_port) {
  HostAndPort a = split_authority(target, default_port), b = split_authority(host, default_port);
  return same_name(a.host, b.host) && a.port == b.port;
}

void split_path(std::string_view text, Request& out) {
  size_t mark = text.find('?');
  out.path = text.substr(0, mark);
  out.query = mark == std::string_view::npos ? std::string_view() : text.substr(mark + 1);
  if (out.path.empty()) out.path = "/";
}

// RFC 9112 section 3.2: origin form, absolute form, and * for OPTIONS. The authority stays the Host
// field's, because that is what signatures cover; without Host (HTTP/1.0) it is the target's.
Fault split_target(std::string_view target, bool has_host, Request& out) {
  if (target.starts_with('/')) {
    split_path(target, out);
    return {};
  }
  for (std::string_view scheme : {"http://", "https://"}) {
    if (!same_name(target.substr(0, scheme.size()), scheme)) continue;
    std::string_view rest = target.substr(scheme.size());
    size_t end = rest.find_first_of("/?");
    std::string_view authority = rest.substr(0, end);
    if (authority.empty() || !is_authority(authority)) break;
    if (!has_host) {
      out.authority = authority;
    } else if (!same_place(authority, out.authority, scheme == "http://" ? "80" : "443")) {
      return {400, "request target and Host disagree"};
    }
    split_path(end == std::string_view::npos ? std::string_view() : rest.substr(end), out);
    return {};
  }
  if (target == "*" && out.method == "OPTIONS") {
    out.path = target;
    out.query = {};
    return {};
  }
  if (out.method == "CONNECT") return {501, "CONNECT is not supported"};
  return {400, "bad request target"};
}

}  // namespace

Fault interpret(const RequestHead& head, Request& out, RequestMeaning& meaning) {
  Control control = read_control(head.headers);
  out.method = head.method;
  out.target = head.target;
  out.version = head.version;
  out.headers = head.headers;
  out.content_length.reset();
  out.chunked = false;

  if (control.hosts > 1) return {400, "more than one Host"};
  if (control.hosts == 0 && head.version >= 11) return {400, "Host is missing"};
  out.authority = control.host.value_or(std::string_view());
  if (!is_authority(out.authority)) return {400, "bad Host"};
  if (Fault fault = split_target(head.target, control.hosts > 0, out)) return fault;
  if (Fault fault = read_framing(control, head.version, out.content_length, out.chunked)) {
    return fault;
  }

  out.expect_continue = false;
  // Other expectations are passed over, as RFC 9110 section 10.1.1 allows and S3 does.
  if (control.expect_continue && head.version >= 11) out.expect_continue = out.has_body();
  meaning.framing = out.chunked      ? Framing::chunked
                    : out.has_body() ? Framing::length
                                     : Framing::none;
  meaning.keep_alive = stays_open(control, head.version);
  return {};
}

Fault interpret(const ResponseHead& head, std::string_view method, ResponseMeaning& meaning) {
  Control control = read_control(head.headers);
  meaning.content_length.reset();
  bool chunked = false;
  if (Fault fault = read_framing(control, head.version, meaning.content_length, chunked)) {
    return fault;
  }
  meaning.keep_alive = stays_open(control, head.version);
  if (method == "HEAD" || head.status == 204 || head.status == 304) {
    meaning.framing = Framing::none;
  } else if (chunked) {
    meaning.framing = Framing::chunked;
  } else if (meaning.content_length) {
    meaning.framing = *meaning.content_length > 0 ? Framing::length : Framing::none;
  } else {
    meaning.framing = Framing::until_close;
    meaning.keep_alive = false;
  }
  return {};
}

}  // namespace forebay::http
