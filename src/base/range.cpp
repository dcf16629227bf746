#include "base/range.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace forebay {

namespace {

enum class Huge { refuse, saturate };

// A number of digits only; what does not fit into 64 bits is refused or counts as the largest.
std::optional<uint64_t> parse_number(std::string_view text, Huge huge) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) return std::nullopt;
  if (error == std::errc()) return value;
  if (huge == Huge::refuse) return std::nullopt;
  return std::numeric_limits<uint64_t>::max();
}

}  // namespace

std::optional<RangeRequest> RangeRequest::parse(std::string_view header) {
  constexpr std::string_view kUnit = "bytes=";
  if (!header.starts_with(kUnit)) return std::nullopt;
  header.remove_prefix(kUnit.size());
  size_t dash = header.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  std::string_view left = header.substr(0, dash);
  std::string_view right = header.substr(dash + 1);
  RangeRequest request;
  if (left.empty()) {
    request.suffix = parse_number(right, Huge::saturate);
    if (!request.suffix) return std::nullopt;
    return request;
  }
  request.first = parse_number(left, Huge::saturate);
  if (!request.first) return std::nullopt;
  if (right.empty()) return request;
  request.last = parse_number(right, Huge::saturate);
  if (!request.last || *request.last < *request.first) return std::nullopt;
  return request;
}

Result<ByteRange> RangeRequest::resolve(uint64_t size) const {
  auto unsatisfiable = [&] {
    return fail(Code::invalid, "The requested range is not satisfiable", "InvalidRange");
  };
  if (suffix) {
    if (*suffix == 0 || size == 0) return unsatisfiable();
    uint64_t length = std::min(*suffix, size);
    return ByteRange{size - length, length};
  }
  if (!first || *first >= size) return unsatisfiable();
  uint64_t last_byte = last ? std::min(*last, size - 1) : size - 1;
  return ByteRange{*first, last_byte - *first + 1};
}

Result<ContentRange> ContentRange::parse(std::string_view header) {
  auto bad = [&] { return fail(Code::invalid, "malformed Content-Range: " + std::string(header)); };
  constexpr std::string_view kUnit = "bytes ";
  if (!header.starts_with(kUnit)) return bad();
  std::string_view rest = header.substr(kUnit.size());
  size_t dash = rest.find('-');
  size_t slash = rest.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash) {
    return bad();
  }
  auto first = parse_number(rest.substr(0, dash), Huge::refuse);
  auto last = parse_number(rest.substr(dash + 1, slash - dash - 1), Huge::refuse);
  auto total = parse_number(rest.substr(slash + 1), Huge::refuse);
  if (!first || !last || !total || *last < *first || *last >= *total) return bad();
  return ContentRange{{*first, *last - *first + 1}, *total};
}

std::string ContentRange::to_string() const {
  return "bytes " + std::to_string(range.offset) + "-" + std::to_string(range.end() - 1) + "/" +
         std::to_string(total);
}

}  // namespace forebay
