#include "unit/ranges.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace forebay::unit {
namespace {

TEST(RangesTest, neighbours_are_merged) {
  Ranges ranges;
  ranges.add({10, 5});
  ranges.add({20, 5});
  EXPECT_EQ(ranges.covered_from(10), 5U);
  ranges.add({15, 5});
  EXPECT_EQ(ranges.covered_from(10), 15U);
  EXPECT_EQ(ranges.covered_from(24), 1U);
  EXPECT_EQ(ranges.covered_from(25), 0U);
  EXPECT_EQ(ranges.covered_from(9), 0U);
  EXPECT_EQ(ranges.total(), 15U);
}

TEST(RangesTest, what_is_empty_covers_only_nothing) {
  Ranges ranges;
  ranges.add({7, 0});
  EXPECT_EQ(ranges.total(), 0U);
  EXPECT_TRUE(ranges.covers({7, 0}));
  EXPECT_FALSE(ranges.covers({7, 1}));
  EXPECT_EQ(ranges.next_covered(0, 100), 100U);
}

TEST(RangesTest, the_next_covered_byte_is_at_most_the_limit) {
  Ranges ranges;
  ranges.add({50, 10});
  EXPECT_EQ(ranges.next_covered(0, 100), 50U);
  EXPECT_EQ(ranges.next_covered(0, 40), 40U);
  EXPECT_EQ(ranges.next_covered(55, 100), 55U);
  EXPECT_EQ(ranges.next_covered(60, 100), 100U);
}

TEST(RangesTest, it_is_a_set_of_bytes) {
  constexpr uint64_t kSize = 64;
  std::mt19937_64 random(1);
  for (int round = 0; round < 500; ++round) {
    Ranges ranges;
    std::vector<bool> model(kSize);
    for (int step = 0; step < 12; ++step) {
      uint64_t offset = random() % kSize;
      uint64_t length = random() % (kSize - offset + 1);
      ranges.add({offset, length});
      for (uint64_t i = offset; i < offset + length; ++i) model[i] = true;
      uint64_t total = 0;
      for (uint64_t i = 0; i < kSize; ++i) {
        uint64_t run = 0;
        while (i + run < kSize && model[i + run]) ++run;
        uint64_t next = i;
        while (next < kSize && !model[next]) ++next;
        total += model[i];
        ASSERT_EQ(ranges.covered_from(i), run);
        ASSERT_EQ(ranges.next_covered(i, kSize), next);
      }
      ASSERT_EQ(ranges.total(), total);
    }
  }
}

}  // namespace
}  // namespace forebay::unit
