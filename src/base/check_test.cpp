#include "base/check.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

namespace forebay {
namespace {

TEST(CheckTest, a_broken_invariant_stops_the_process) {
  check(true, "holds");
  EXPECT_DEATH(check(false, "the sum is wrong"), "the sum is wrong");
}

TEST(CheckTest, what_is_present_is_given_and_what_is_not_stops_the_process) {
  std::optional<std::unique_ptr<int>> there = std::make_unique<int>(7);
  *present(there, "there") = 8;
  EXPECT_EQ(**there, 8);
  std::unique_ptr<int> taken = std::move(present(there, "there"));
  EXPECT_EQ(*taken, 8);
  EXPECT_EQ(present(std::optional<int>(3), "a value"), 3);
  std::optional<int> empty;
  EXPECT_DEATH((void)present(empty, "nobody filled it"), "nobody filled it");
}

}  // namespace
}  // namespace forebay
