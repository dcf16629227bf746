#include "http/message.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/check.h"

namespace forebay::http {

namespace {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

// Without an early end, so that the compiler looks at many bytes at once.
bool has_control(std::string_view text) {
  unsigned char found = 0;
  for (char c : text) found |= static_cast<unsigned char>(is_control(c));
  return found != 0;
}

// Walks rendered lines; `visit` returns false to stop.
template <class F>
void each_line(std::string_view text, F visit) {
  while (!text.empty()) {
    size_t end = text.find("\r\n");
    std::string_view line = text.substr(0, end);
    size_t colon = line.find(':');
    if (!visit(Header{line.substr(0, colon), line.substr(colon + 2)})) return;
    text.remove_prefix(end + 2);
  }
}

class Forward final : public io::Source {
 public:
  explicit Forward(io::Source& source) : source_(source) {}
  [[clang::coro_wrapper]] Task<io::Chunk> next(Context ctx) override { return source_.next(ctx); }

 private:
  io::Source& source_;
};

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::string_view> find(std::span<const Header> headers, std::string_view name) {
  for (const Header& header : headers) {
    if (same_name(header.name, name)) return header.value;
  }
  return std::nullopt;
}

io::Body Request::take_body() {
  if (!has_body()) return io::Body::empty();
  return {chunked ? kUnknownLength : content_length.value_or(0), std::make_unique<Forward>(body())};
}

void HeadFields::add(std::string_view name, std::string_view value) {
  if (!is_token(name)) return;
  if (text_.empty()) text_.reserve(1024);
  text_.append(name).append(": ");
  size_t at = text_.size();
  text_.append(value).append("\r\n");
  if (!has_control(value)) return;
  std::replace_if(text_.begin() + static_cast<ptrdiff_t>(at), text_.end() - 2, is_control, ' ');
}

void HeadFields::add(std::string_view name, uint64_t value) {
  std::array<char, 20> digits;
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  add(name, std::string_view(digits.data(), end));
}

std::optional<std::string_view> HeadFields::find(std::string_view name) const {
  std::optional<std::string_view> found;
  each_line(text_, [&](const Header& header) {
    if (same_name(header.name, name)) found = header.value;
    return !found.has_value();
  });
  return found;
}

std::vector<Header> HeadFields::list() const {
  std::vector<Header> out;
  out.reserve(16);
  each_line(text_, [&](const Header& header) {
    out.push_back(header);
    return true;
  });
  return out;
}

Response Response::text(int status, std::string_view content_type, std::string body) {
  Response response = make(status);
  response.fields.add("Content-Type", content_type);
  response.body = io::Body::of(Bytes(std::move(body)));
  return response;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Unknown";
  }
}

}  // namespace forebay::http
