// Units of slow origins over several streams, in simulated time.
#include <gtest/gtest.h>

#include "unit/pour.h"
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

// Fails the first bytes of every share but the front one, as often as it is told.
class Refusing final : public testkit::MemoryHook {
 public:
  Task<> at(testkit::MemoryStep step, testkit::MemoryRequest request, Context) override {
    bool share = request.range && request.range->offset > 0;
    if (step != testkit::MemoryStep::arrive || !share || left == 0) co_return ok;
    --left;
    ++refused;
    co_return fail(Code::unavailable, "one at a time");
  }
  uint64_t left = ~uint64_t{0};
  uint64_t refused = 0;
};

TEST_F(SharesTest, an_origin_that_takes_one_connection_gives_all_by_that) {
  open({}, 1024 * kMiB);
  origin_->options().body_rate = kSlow;
  Refusing refusing;
  origin_->set_hook(&refusing);
  cold();
  EXPECT_EQ(refusing.refused, 3U) << "one share, as often as any stream tries";
  EXPECT_EQ(origin_bytes(), kSize);
  cold();
  EXPECT_EQ(refusing.refused, 3U);
  EXPECT_EQ(gauge("forebay_fills_failed_total"), "0");
  origin_->set_hook(nullptr);
}

TEST_F(SharesTest, shares_that_break_go_on_where_they_were) {
  open({}, 1024 * kMiB);
  origin_->options().body_rate = kSlow;
  Refusing refusing;
  refusing.left = 2;
  origin_->set_hook(&refusing);
  cold();
  origin_->options().broken_body = 0.3;
  cold();
  EXPECT_EQ(origin_bytes(), kSize);
  EXPECT_EQ(gauge("forebay_fills_failed_total"), "0");
  origin_->set_hook(nullptr);
}

TEST_F(SharesTest, a_fill_that_fails_gives_everything_back) {
  open({.attempts = 2}, 1024 * kMiB);
  origin_->options().body_rate = kSlow;
  cold();
  VersionRef version = object("fails", pattern(kSize));
  origin_->options().broken_body = 1;
  std::optional<Result<std::string>> text;
  io::start<std::string>(loop_, read(version, whole(version), {0, kSize}, Mode::normal, ctx()),
                         [&](Result<std::string> result) { text.emplace(std::move(result)); });
  wait(milliseconds(100));
  EXPECT_GE(crews_.of(loop_).running(), Spread::kMost);
  origin_->options().error = 1;
  for (int i = 0; i < 100 && !text; ++i) wait(seconds(1));
  world_->settle();
  EXPECT_EQ(crews_.of(loop_).running(), 0U);
  EXPECT_FALSE(cache_->contains(whole(version).id));
}

TEST_F(SharesTest, permits_come_back) {
  // Half of them are just enough for one unit.
  open({.demand_streams = 2 * Spread::kMost}, 1024 * kMiB);
  origin_->options().body_rate = kSlow;
  cold();
  for (int i = 0; i < 3; ++i) {
    cold();
    EXPECT_EQ(requests(), Spread::kMost) << i;
  }
}

TEST_F(SharesTest, readers_who_come_find_streams) {
  open({.demand_streams = 4}, 1024 * kMiB);
  origin_->options().body_rate = kSlow;
  VersionRef version = object("large", pattern(kSize));
  io::Group group(ctx());
  group.spawn(read_one(version, pattern(kSize), ctx()));
  wait(seconds(2));
  EXPECT_LE(splits(), 2U) << "half are for others";
  Time begun = loop_.now();
  EXPECT_TRUE(get(object("other", pattern(100 * kKiB)), {0, 100 * kKiB}));
  EXPECT_LT(loop_.now() - begun, milliseconds(100));
  EXPECT_TRUE(world_->run(group.join()));
}

TEST_F(SharesTest, blocks_for_others_stay) {
  open({.block_bytes = 8 * kMiB}, 1024 * kMiB);
  origin_->options().body_rate = kSlow;
  cold();
  cold();
  EXPECT_LE(requests(), 8 / Pour::kBlocks + 1);
}

TEST_F(SharesTest, what_nobody_waits_for_is_asked_once) {
  open({}, 1024 * kMiB);
  origin_->options().body_rate = kSlow;
  cold();
  origin_->reset_counts();
  VersionRef version = object("ahead", pattern(kSize));
  EXPECT_TRUE(cache_->prefetch(version, whole(version), loop_));
  wait(seconds(3));
  EXPECT_EQ(requests(), 1U);
  // Until somebody does.
  EXPECT_TRUE(get(version, {0, kSize}).value_or("") == pattern(kSize));
  world_->settle();
  EXPECT_EQ(requests(), Spread::kMost);
  EXPECT_EQ(origin_bytes(), kSize);
}

TEST_F(SharesTest, an_origin_that_gives_all_for_a_range_is_asked_once) {
  open({}, 1024 * kMiB);
  origin_->options().body_rate = kSlow;
  origin_->options().ranges = false;
  cold(20 * kMiB);
  EXPECT_EQ(requests(), 1U);
  std::string bytes = pattern(20 * kMiB);
  VersionRef version = object("range", bytes);
  EXPECT_TRUE(get(version, {9 * kMiB, 1000}).value_or("") == bytes.substr(9 * kMiB, 1000));
  world_->settle();
  EXPECT_EQ(requests(), 2U);
}

}  // namespace
}  // namespace forebay::unit
