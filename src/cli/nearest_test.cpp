#include "cli/nearest.h"

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

TEST(DidYouMean, OnlyWhatIsNear) {
  const std::vector<std::string> names{"create", "ls", "show", "cache-size"};
  EXPECT_EQ(did_you_mean("creat", names), "; did you mean create?");
  EXPECT_EQ(did_you_mean("list", names), "; did you mean ls?") << "half of it";
  EXPECT_EQ(did_you_mean("lst", names), "; did you mean ls?");
  EXPECT_EQ(did_you_mean("cachesizes", names), "; did you mean cache-size?");
  EXPECT_EQ(did_you_mean("cac-sz", names), "") << "four letters off";
  EXPECT_EQ(did_you_mean("ca-size", names), "; did you mean cache-size?") << "three";
  EXPECT_EQ(did_you_mean("nonsense", names), "");
  EXPECT_EQ(did_you_mean("lx", names), "; did you mean ls?");
  EXPECT_EQ(did_you_mean("x", names), "");
  EXPECT_EQ(did_you_mean("", names), "");
  EXPECT_EQ(did_you_mean("ls", {}), "");
  EXPECT_EQ(did_you_mean("P_ab", {"P_S3"}, "P_"), "") << "what all begin with counts for nothing";
  EXPECT_EQ(did_you_mean("P_s3", {"P_S3"}, "P_"), "; did you mean P_S3?");
  EXPECT_EQ(did_you_mean("P_", {"P_S3"}, "P_"), "");
  EXPECT_EQ(did_you_mean("-", {"--s3"}, "--"), "") << "shorter than the prefix";
  EXPECT_EQ(did_you_mean("", {"--s3"}, "--"), "");
}

}  // namespace
}  // namespace forebay::cli
