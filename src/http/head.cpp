#include "http/head.h"

#include <boost/beast/http/basic_parser.hpp>
#include <cstring>

#include "base/check.h"

namespace forebay::http {

namespace {

namespace beast = boost::beast;
using beast::error_code;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

// Takes the events of a head and stops before the body. `Head` is what it fills.
template <bool is_request, class Head>
class Parser final : public beast::http::basic_parser<is_request> {
 public:
  Parser(Head& out, size_t size) : out_(out) {
    this->header_limit(static_cast<uint32_t>(size));
    this->body_limit(boost::none);
  }

 private:
  void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target,
                       int version, error_code&) override {
    if constexpr (is_request) {
      out_.method = view(method);
      out_.target = view(target);
      out_.version = version;
    }
  }
  void on_response_impl(int code, beast::string_view reason, int version, error_code&) override {
    if constexpr (!is_request) {
      out_.status = code;
      out_.reason = view(reason);
      out_.version = version;
    }
  }
  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value,
                     error_code&) override {
    out_.headers.push_back({view(name), view(value)});
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(boost::optional<uint64_t> const&, error_code&) override {}
  size_t on_body_impl(beast::string_view, error_code&) override { return 0; }
  void on_chunk_header_impl(uint64_t, beast::string_view, error_code&) override {}
  size_t on_chunk_body_impl(uint64_t, beast::string_view, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}

  Head& out_;
};

// "… HTTP/2.0": a version we do not speak, rather than a line that is none.
bool names_other_version(std::string_view head) {
  std::string_view line = head.substr(0, head.find("\r\n"));
  size_t space = line.rfind(' ');
  if (space == std::string_view::npos) return false;
  std::string_view version = line.substr(space + 1);
  auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return version.size() == 8 && version.starts_with("HTTP/") && digit(version[5]) &&
         version[6] == '.' && digit(version[7]) && version != "HTTP/1.0" && version != "HTTP/1.1";
}

Fault fault_of(error_code ec, std::string_view head) {
  using beast::http::error;
  if (ec == error::bad_version && names_other_version(head)) {
    return {505, "HTTP version is not supported"};
  }
  if (ec == error::bad_version) return {400, "the first line is not HTTP"};
  if (ec == error::bad_method) return {400, "bad method"};
  if (ec == error::bad_target) return {400, "bad request target"};
  if (ec == error::bad_content_length || ec == error::multiple_content_length) {
    return {400, "bad Content-Length"};
  }
  if (ec == error::bad_transfer_encoding) return {400, "bad Transfer-Encoding"};
  if (ec == error::bad_field) return {400, "bad field name"};
  if (ec == error::bad_value) return {400, "bad field value"};
  return {400, "malformed head"};
}

template <bool is_request, class Head>
Fault parse_with(std::string_view head, Head& out) {
  out.headers.clear();
  Parser<is_request, Head> parser(out, head.size());
  error_code ec;
  parser.put(boost::asio::const_buffer(head.data(), head.size()), ec);
  if (ec) return fault_of(ec, head);
  if (!parser.is_header_done()) return {400, "malformed head"};
  return {};
}

}  // namespace

HeadScanner::Found HeadScanner::too_large() const {
  if (lines_ == 0) return {0, {414, "the request line is too long"}};
  return {0, {431, "the head is too large"}};
}

HeadScanner::Found HeadScanner::scan(std::string_view bytes) {
  std::string_view within = bytes.substr(0, limits_.bytes);
  while (scanned_ < within.size()) {
    const void* found = std::memchr(within.data() + scanned_, '\n', within.size() - scanned_);
    if (found == nullptr) {
      scanned_ = within.size();
      break;
    }
    size_t at = static_cast<size_t>(static_cast<const char*>(found) - within.data());
    if (at == line_start_ || within[at - 1] != '\r') return {0, {400, "a line ends without CR"}};
    bool empty = at == line_start_ + 1;
    if (empty && lines_ == 0) return {0, {400, "the first line is empty"}};
    if (empty) return {at + 1, {}};
    // RFC 9112 section 5.2: a server may refuse folded lines; joined ones are a smuggler's tool.
    char first = within[line_start_];
    if (first == ' ' || first == '\t') return {0, {400, "a line begins with white space"}};
    if (++lines_ > limits_.fields + 1) return {0, {431, "too many fields"}};
    line_start_ = scanned_ = at + 1;
  }
  if (bytes.size() >= limits_.bytes) return too_large();
  return {};
}

Fault parse(std::string_view head, RequestHead& out) { return parse_with<true>(head, out); }
Fault parse(std::string_view head, ResponseHead& out) { return parse_with<false>(head, out); }

}  // namespace forebay::http
