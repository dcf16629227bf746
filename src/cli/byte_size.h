// ByteSize: a number of bytes as people write it in settings and commands.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace forebay::cli {

struct ByteSize {
  uint64_t bytes = 0;
};

/// "500000", "64MiB", "1GiB"; KiB to TiB. Anything else → Code::invalid.
Result<ByteSize> parse_size(std::string_view text);
/// The shortest text that parse_size() reads as the same.
std::string to_text(const ByteSize& size);

}  // namespace forebay::cli
