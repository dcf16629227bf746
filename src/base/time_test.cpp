#include "base/time.h"

#include <gtest/gtest.h>

namespace forebay {
namespace {

TEST(Duration, Units) {
  EXPECT_EQ(seconds(2), milliseconds(2000));
  EXPECT_EQ(milliseconds(3), microseconds(3000));
  EXPECT_EQ(microseconds(4), nanoseconds(4000));
  EXPECT_EQ((seconds(1) + milliseconds(500)).milliseconds(), 1500);
  EXPECT_EQ((seconds(1) - milliseconds(1)).ns, 999'000'000);
  EXPECT_EQ((milliseconds(10) * 3), milliseconds(30));
  EXPECT_DOUBLE_EQ(milliseconds(250).seconds(), 0.25);
  EXPECT_LT(seconds(-1), Duration{});
}

TEST(Time, AddsAndSubtracts) {
  Time t{100};
  EXPECT_EQ(t + nanoseconds(5), Time{105});
  EXPECT_EQ(t + nanoseconds(-5), Time{95});
  EXPECT_EQ(Time{105} - t, nanoseconds(5));
}

TEST(Time, NeverStaysNever) {
  EXPECT_EQ(kNever + nanoseconds(1), kNever);
  EXPECT_EQ(kNever + seconds(1'000'000'000), kNever);
  EXPECT_EQ((Time{kNever.ns - 1} + nanoseconds(1)), kNever);
  EXPECT_EQ((Time{kNever.ns - 1} + nanoseconds(2)), kNever);
  EXPECT_LT(kNever + nanoseconds(-1), kNever);
  EXPECT_EQ(kNever + nanoseconds(0), kNever);
}

TEST(WallTime, CountsSeconds) {
  EXPECT_EQ(WallTime{1'999'999'999}.seconds(), 1);
  EXPECT_LT(WallTime{1}, WallTime{2});
}

}  // namespace
}  // namespace forebay
