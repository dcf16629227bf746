#include "cli/byte_size.h"

#include <charconv>

namespace forebay::cli {

namespace {
constexpr std::string_view kUnits[] = {"", "KiB", "MiB", "GiB", "TiB"};
}  // namespace

Result<ByteSize> parse_size(std::string_view text) {
  uint64_t count = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  for (int i = 0; i < 5 && error == std::errc(); ++i) {
    if (unit != kUnits[i] && !(i == 0 && unit == "B")) continue;
    if (count > (UINT64_MAX >> (10 * i))) break;
    return ByteSize{count << (10 * i)};
  }
  return fail(Code::invalid, "'" + std::string(text) +
                                 "' is no size: use a whole number and KiB, MiB, GiB or TiB");
}

std::string to_text(const ByteSize& size) {
  uint64_t count = size.bytes;
  int unit = 0;
  while (unit < 4 && count > 0 && count % 1024 == 0) {
    count /= 1024;
    ++unit;
  }
  return std::to_string(count) + std::string(kUnits[unit]);
}

}  // namespace forebay::cli
