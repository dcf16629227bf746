#include "base/secret.h"

#include <gtest/gtest.h>

#include <sstream>

namespace forebay {
namespace {

TEST(Secret, PrintsAsStars) {
  std::ostringstream out;
  out << Secret("very secret") << Secret();
  EXPECT_EQ(out.str(), "********");
}

TEST(Secret, Compares) {
  Secret secret("abc");
  EXPECT_TRUE(secret.same_as("abc"));
  EXPECT_FALSE(secret.same_as("abd"));
  EXPECT_FALSE(secret.same_as("Abc"));
  EXPECT_FALSE(secret.same_as("ab"));
  EXPECT_FALSE(secret.same_as("abcd"));
  EXPECT_TRUE(Secret().same_as(""));
  EXPECT_TRUE(Secret().empty());
  EXPECT_EQ(secret.reveal(), "abc");
}

}  // namespace
}  // namespace forebay
