#include "cli/complaint.h"

#include <gtest/gtest.h>

namespace forebay::cli {
namespace {

TEST(Nearest, IsTheOneOfFewestChanges) {
  const std::vector<std::string> names{"disk", "data", "memory", "cache-size"};
  EXPECT_EQ(nearest("cachesize", names), "cache-size") << "one left out";
  EXPECT_EQ(nearest("memmory", names), "memory") << "one too many";
  EXPECT_EQ(nearest("date", names), "data") << "another one";
  EXPECT_EQ(nearest("dusk", names), "disk");
  EXPECT_EQ(nearest("data", names), "data");
}

TEST(Nearest, OfEqualsTheFirst) {
  EXPECT_EQ(nearest("ab", {"ac", "ad"}), "ac");
  EXPECT_EQ(nearest("", {"xx", "x", "y"}), "x");
  EXPECT_EQ(nearest("x", {}), "");
  EXPECT_EQ(nearest("", {""}), "");
}

}  // namespace
}  // namespace forebay::cli
