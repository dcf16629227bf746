// A well-formed request or body with one thing wrong. Only tests of this room include it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace forebay::sign {

/// `text` with the first `what`, which must be there, replaced by `with`.
inline std::string replaced(std::string text, std::string_view what, std::string_view with) {
  size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

}  // namespace forebay::sign
