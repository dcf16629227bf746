// One header line, as it stood on the wire. http parses it; sign verifies over it.
#pragma once

#include <string_view>

namespace forebay {

/// Views; whoever makes one keeps the bytes alive. Names compare without case; repeated names stay
/// separate lines.
struct Header {
  std::string_view name;
  std::string_view value;  ///< without white space at its ends
};

}  // namespace forebay
