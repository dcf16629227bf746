#include "obs/seldom.h"

#include <gtest/gtest.h>

namespace forebay::obs {
namespace {

TEST(Seldom, OneAMinuteOfEachAndTheOthersCounted) {
  Seldom seldom;
  Time now{};
  EXPECT_EQ(seldom.due("a", now), 0u);
  EXPECT_EQ(seldom.due("a", now), std::nullopt);
  EXPECT_EQ(seldom.due("b", now), 0u) << "another thing";
  now = now + (Seldom::kPause - milliseconds(1));
  EXPECT_EQ(seldom.due("a", now), std::nullopt);
  now = now + milliseconds(1);
  EXPECT_EQ(seldom.due("a", now), 2u);
  EXPECT_EQ(seldom.due("a", now), std::nullopt) << "the next minute";
  EXPECT_EQ(seldom.due("a", now + Seldom::kPause), 1u);
}

TEST(Seldom, KeepsABoundedNumber) {
  Seldom seldom;
  for (size_t i = 0; i < Seldom::kMost; ++i) EXPECT_TRUE(seldom.due(std::to_string(i), Time{}));
  EXPECT_FALSE(seldom.due("0", Time{}));
  EXPECT_TRUE(seldom.due("more", Time{}));
  EXPECT_TRUE(seldom.due("0", Time{})) << "begun anew";
}

}  // namespace
}  // namespace forebay::obs
