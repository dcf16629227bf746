// Units of slow origins over several streams, in simulated time.
#include <gtest/gtest.h>

#include "unit/world_test.h"

namespace forebay::unit {
namespace {

constexpr uint64_t kSize = 64 * kMiB;
constexpr uint64_t kSlow = 5'000'000;

class SharesTest : public CacheTest {
 protected:
  /// Reads a new object whole; how long that took.
  Duration cold(uint64_t size = kSize) {
    std::string bytes = pattern(size, ++made_);
    VersionRef version = object("key" + std::to_string(made_), bytes);
    origin_->reset_counts();
    Time begun = loop_.now();
    auto text = get(version, {0, size});
    Duration took = loop_.now() - begun;
    EXPECT_TRUE(text && *text == bytes);
    world_->settle();
    EXPECT_TRUE(cache_->contains(whole(version).id));
    EXPECT_EQ(get(version, {0, size}).value_or("") == bytes, true);
    EXPECT_EQ(served(), Served::hit);
    return took;
  }
  uint64_t requests() { return origin_->counts("get").requests; }
  uint64_t splits() { return std::stoull(gauge("forebay_fill_splits_total")); }
  void wait(Duration time) { EXPECT_TRUE(world_->run(io::sleep_until(loop_.now() + time, ctx()))); }

  uint64_t made_ = 0;
};

TEST_F(SharesTest, where_each_connection_is_limited_several_are_faster) {
  open({}, 1024 * kMiB);
  origin_->options().body_rate = kSlow;  // one would take 13.4 s
  EXPECT_LT(cold(), seconds(4));
  EXPECT_EQ(origin_bytes(), kSize) << "each byte once";
  EXPECT_GE(requests(), Spread::kMost);
  EXPECT_LE(requests(), 3 * Spread::kMost);
  EXPECT_EQ(splits(), requests() - 1);
  // What has paid off is done at once.
  EXPECT_LT(cold(), seconds(3));
  EXPECT_EQ(origin_bytes(), kSize);
  EXPECT_EQ(requests(), Spread::kMost);
}

TEST_F(SharesTest, a_fast_origin_is_asked_once) {
  open({}, 1024 * kMiB);
  for (uint64_t rate : {uint64_t{0}, uint64_t{400'000'000}}) {
    origin_->options().body_rate = rate;
    cold();
    EXPECT_EQ(requests(), 1U);
  }
  EXPECT_EQ(splits(), 0U);
}

TEST_F(SharesTest, a_slow_unit_that_is_small_is_asked_once) {
  open({}, 1024 * kMiB);
  origin_->options().body_rate = kSlow;
  cold(2 * Claims::kShare - 1);
  EXPECT_EQ(requests(), 1U);
}

TEST_F(SharesTest, where_the_link_is_the_limit_no_more_are_begun) {
  open({}, 1024 * kMiB);
  origin_->options().link_rate = kSlow;
  Duration took = cold();
  EXPECT_EQ(requests(), 2U) << "one was tried";
  EXPECT_GT(took, seconds(13));
  for (int i = 0; i < 3; ++i) {
    cold();
    EXPECT_EQ(requests(), 1U) << "and is remembered";
  }
  wait(Spread::kAgain);
  cold();
  EXPECT_EQ(requests(), 2U) << "for a time";
  EXPECT_EQ(origin_bytes(), kSize);
}

}  // namespace
}  // namespace forebay::unit
