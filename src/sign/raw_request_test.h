// A request written as text, for tests and fuzzers: what the http room gives in production.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sign/request.h"
#include "sign/text.h"

namespace forebay::sign {

/// Reads "GET /path?query HTTP/1.1\nName: value\n…" (lines may end in CRLF). Never fails: what is
/// missing is empty. Owns its text; may not be copied or moved, because the view points into it.
class RawRequest {
 public:
  explicit RawRequest(std::string_view text) : text_(text) {
    std::string_view rest = text_;
    std::string_view line = line_of(rest);
    view_.method = cut(line, ' ');
    std::string_view target = cut(line, ' ');
    view_.path = cut(target, '?');
    view_.query = target;
    while (!rest.empty()) {
      line = line_of(rest);
      if (line.empty()) break;
      std::string_view name = cut(line, ':');
      headers_.push_back({name, line});
    }
    view_.headers = headers_;
  }
  RawRequest(const RawRequest&) = delete;
  RawRequest& operator=(const RawRequest&) = delete;

  const RequestView& view() const { return view_; }
  operator const RequestView&() const { return view_; }

 private:
  static std::string_view line_of(std::string_view& rest) {
    std::string_view line = cut(rest, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }
  std::string text_;
  std::vector<Header> headers_;
  RequestView view_;
};

}  // namespace forebay::sign
