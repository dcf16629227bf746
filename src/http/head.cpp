#include "http/head.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace forebay::http {

namespace {

// Any byte below `least` but a tab where that is allowed, or DEL. Without a branch per byte, so
// that the compiler takes many at once.
bool has_control(std::string_view text, uint8_t least, bool tab) {
  bool found = false;
  for (char c : text) {
    auto byte = static_cast<uint8_t>(c);
    found |= (byte < least && !(tab && byte == '\t')) || byte == 0x7f;
  }
  return found;
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// 10 or 11; 0 for a version we do not speak, -1 for what is none.
int version_of(std::string_view text) {
  if (text == "HTTP/1.1") return 11;
  if (text == "HTTP/1.0") return 10;
  bool shaped = text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) &&
                text[6] == '.' && is_digit(text[7]);
  return shaped ? 0 : -1;
}

// method SP target SP version
Fault read_first_line(std::string_view line, RequestHead& out) {
  size_t first = line.find(' ');
  size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return {400, "the first line is not HTTP"};
  }
  out.method = line.substr(0, first);
  out.target = line.substr(first + 1, last - first - 1);
  out.version = version_of(line.substr(last + 1));
  if (!is_token(out.method)) return {400, "bad method"};
  if (out.target.empty() || has_control(out.target, '!', false)) {
    return {400, "bad request target"};
  }
  if (out.version == 0) return {505, "HTTP version is not supported"};
  if (out.version < 0) return {400, "the first line is not HTTP"};
  return {};
}

// version SP 3DIGIT [ SP reason ]
Fault read_first_line(std::string_view line, ResponseHead& out) {
  constexpr size_t kReason = 13;  // "HTTP/1.1 200 "
  bool shaped = line.size() >= kReason - 1 && line[8] == ' ' && is_digit(line[9]) &&
                is_digit(line[10]) && is_digit(line[11]) &&
                (line.size() < kReason || line[kReason - 1] == ' ');
  out.version = version_of(line.substr(0, 8));
  if (out.version <= 0 || !shaped) return {400, "the first line is not HTTP"};
  out.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  out.reason = line.size() > kReason ? line.substr(kReason) : std::string_view();
  if (has_control(out.reason, ' ', true)) return {400, "the first line is not HTTP"};
  return {};
}

Fault read_field(std::string_view line, std::vector<Header>& out) {
  size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return {400, "bad field name"};
  }
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && is_blank(value.front())) value.remove_prefix(1);
  while (!value.empty() && is_blank(value.back())) value.remove_suffix(1);
  if (has_control(value, ' ', true)) return {400, "bad field value"};
  out.push_back({line.substr(0, colon), value});
  return {};
}

// Lines end with CRLF and nothing else: the scanner has seen to that, but for a CR within a line,
// which is a control character.
template <class Head>
Fault parse_lines(std::string_view head, Head& out) {
  out.headers.clear();
  bool first = true;
  while (true) {
    size_t end = head.find('\n');
    if (end == std::string_view::npos || end == 0 || head[end - 1] != '\r') {
      return {400, "malformed head"};
    }
    std::string_view line = head.substr(0, end - 1);
    head.remove_prefix(end + 1);
    if (line.empty()) return first || !head.empty() ? Fault{400, "malformed head"} : Fault{};
    Fault fault = first ? read_first_line(line, out) : read_field(line, out.headers);
    if (fault) return fault;
    first = false;
  }
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

Fault parse(std::string_view head, RequestHead& out) { return parse_lines(head, out); }
Fault parse(std::string_view head, ResponseHead& out) { return parse_lines(head, out); }

}  // namespace forebay::http
