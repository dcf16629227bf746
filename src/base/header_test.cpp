#include "base/header.h"

#include <gtest/gtest.h>

namespace forebay {
namespace {

TEST(HeaderTest, a_token_has_no_separators) {
  EXPECT_TRUE(is_token("x-amz-meta-a"));
  EXPECT_TRUE(is_token("!#$%&'*+-.^_`|~09azAZ"));
  EXPECT_FALSE(is_token(""));
  for (char c : std::string_view(" \t\r\n\0\x7f\xc3()<>@,;:\\\"/[]?={}", 25)) {
    EXPECT_FALSE(is_token(std::string("a") + c + "b")) << int{c};
  }
}

}  // namespace
}  // namespace forebay
