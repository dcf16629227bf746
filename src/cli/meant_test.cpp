// What is asked of the server and said is in cli_test.cpp.
#include "cli/meant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/parse.h"

namespace forebay::cli {
namespace {

using testing::ElementsAre;

std::vector<std::string> buckets_of(std::vector<std::string> arguments) {
  auto parsed = parse(arguments, "1");
  if (auto* line = std::get_if<CommandLine>(&parsed)) return buckets_in(line->command);
  ADD_FAILURE() << std::get<Say>(parsed).text;
  return {};
}

TEST(Meant, EachCommandNamesItsBuckets) {
  EXPECT_THAT(buckets_of({"bucket", "show", "b"}), ElementsAre("b"));
  EXPECT_THAT(buckets_of({"bucket", "rm", "b"}), ElementsAre("b"));
  EXPECT_THAT(buckets_of({"ls", "s3://b/p"}), ElementsAre("b"));
  EXPECT_THAT(buckets_of({"ls"}), ElementsAre(""));
  EXPECT_THAT(buckets_of({"cat", "b/k"}), ElementsAre("b"));
  EXPECT_THAT(buckets_of({"stat", "b/k/l"}), ElementsAre("b"));
  EXPECT_THAT(buckets_of({"rm", "-r", "s3://b"}), ElementsAre("b"));
  EXPECT_THAT(buckets_of({"prefetch", "b/k", "--wait"}), ElementsAre("b"));
  EXPECT_TRUE(buckets_of({"job", "show", "b"}).empty());
  EXPECT_THAT(buckets_of({"cp", "./f", "s3://b/"}), ElementsAre(".", "b"));
  EXPECT_THAT(buckets_of({"cp", "-", "b/k"}), ElementsAre("-", "b"));
  EXPECT_TRUE(buckets_of({"bucket", "create", "b"}).empty()) << "it is not to be there";
  EXPECT_TRUE(buckets_of({"bucket", "ls"}).empty());
  EXPECT_TRUE(buckets_of({"status"}).empty());
}

}  // namespace
}  // namespace forebay::cli
