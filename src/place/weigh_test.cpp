#include "place/weigh.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "place/map.h"

namespace forebay::place {
namespace {

TEST(MinusLog2, ItsEnds) {
  EXPECT_EQ(minus_log2(0), uint64_t{64} << 32);
  EXPECT_EQ(minus_log2(UINT64_MAX), 0);
  EXPECT_EQ(minus_log2((uint64_t{1} << 63) - 1), uint64_t{1} << 32);
  EXPECT_EQ(minus_log2((uint64_t{1} << 32) - 1), uint64_t{32} << 32);
}

// The points of the format, reckoned elsewhere with sixty digits and rounded down.
TEST(MinusLog2, ItsPointsAreExact) {
  uint64_t sum = 0, weighted = 0;
  for (uint64_t i = 0; i < 1024; ++i) {
    uint64_t point = (uint64_t{1} << 32) - minus_log2(((1024 + i) << 53) - 1);
    sum += point;
    weighted += i * point;
  }
  EXPECT_EQ(sum + (uint64_t{1} << 32), 2453200362052U);
  EXPECT_EQ(weighted + (uint64_t{1024} << 32), 1626529851227575U);
  EXPECT_EQ(minus_log2(0x123456789abcdef0), 16'380'065'667U);
}

TEST(MinusLog2, IsTheLogarithm) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 200'000; ++i) {
    uint64_t hash = random() >> (random() % 64);
    double exact = 64 - std::log2(static_cast<double>(hash) + 1);
    EXPECT_NEAR(std::ldexp(static_cast<double>(minus_log2(hash)), -32), exact, 3e-7) << hash;
  }
}

TEST(MinusLog2, FallsAsTheHashGrows) {
  std::mt19937_64 random(8);
  for (int i = 0; i < 200'000; ++i) {
    uint64_t hash = random() >> (random() % 64);
    if (hash == UINT64_MAX) continue;
    EXPECT_GE(minus_log2(hash), minus_log2(hash + 1)) << hash;
    EXPECT_GE(minus_log2(hash), minus_log2(hash | 1ULL << 40)) << hash;
  }
}

TEST(Weight, CostsFitWhateverTheWeight) {
  Weight light("00000000000000000000000000000000", 1);
  Weight heavy("00000000000000000000000000000000", Member::kMaxWeight);
  for (uint32_t slot = 0; slot < 10'000; ++slot) {
    EXPECT_LT(light.cost(slot), uint64_t{1} << 63);
    EXPECT_GT(light.cost(slot), heavy.cost(slot));
  }
}

}  // namespace
}  // namespace forebay::place
