// Fills whose origin gives nothing: what they hold, for how long, and for whom.
#include "unit/watch.h"

#include <gtest/gtest.h>

#include "unit/world_test.h"

namespace forebay::unit {
namespace {

class WatchTest : public CacheTest {
 protected:
  // A request that gets no answer, or one whose body does not come.
  void hang(bool answers) {
    origin_->options().delay = answers ? Duration() : seconds(1'000'000);
    origin_->options().body_rate = answers ? 1 : 0;
  }
  void wait(Duration time) { EXPECT_TRUE(world_->run(io::sleep_until(loop_.now() + time, ctx()))); }
  // A fill that its only reader leaves after a second.
  void abandon(const VersionRef& version, const Unit& unit, Ahead ahead = {}) {
    CancelToken left;
    std::optional<Result<>> done;
    io::start<void>(loop_, come(version, unit, std::move(ahead), ctx().under(left)),
                    [&](Result<> result) { done.emplace(std::move(result)); });
    wait(seconds(1));
    left.cancel();
    wait(milliseconds(1));
    ASSERT_TRUE(done);
  }
  Task<> come(VersionRef version, Unit unit, Ahead ahead, Context ctx) {
    auto opened =
        co_await cache_->open(version, unit, unit.range, Mode::normal, ctx, std::move(ahead));
    EXPECT_FALSE(opened);
    co_return ok;
  }
  static Ahead ahead_of(const VersionRef& version, uint64_t length) {
    return {version->size, [version, length](uint64_t at) {
              uint64_t begin = at / length * length;
              return unit_of(version, {begin, std::min(length, version->size - begin)});
            }};
  }
  uint64_t used() { return store_->stats().disks[0].used; }
};

TEST_F(WatchTest, a_head_without_a_body_pushes_nothing_out) {
  open({}, 64 * kMiB);
  std::vector<VersionRef> warm;
  for (int i = 0; i < 6; ++i) {
    warm.push_back(object("warm" + std::to_string(i), pattern(8 * kMiB)));
    EXPECT_TRUE(get(warm.back(), {0, 8 * kMiB}));
  }
  world_->settle();
  uint64_t before = used();
  hang(true);
  CancelToken enough;
  io::Group group(ctx());
  for (int i = 0; i < 6; ++i) {
    VersionRef cold = object("cold" + std::to_string(i), pattern(8 * kMiB));
    group.spawn(come(cold, whole(cold), {}, ctx().under(enough)));
    VersionRef run = object("run" + std::to_string(i), pattern(16 * kMiB));
    Ahead ahead = ahead_of(run, 2 * kMiB);
    group.spawn(come(run, ahead.unit_at(0), ahead, ctx().under(enough)));
  }
  wait(seconds(5));
  EXPECT_EQ(used(), before);
  EXPECT_TRUE(world_->run(store_->evict(ctx())));
  for (const VersionRef& each : warm) EXPECT_TRUE(cache_->contains(whole(each).id));
  enough.cancel();
  EXPECT_TRUE(world_->run(group.join()));
}

TEST_F(WatchTest, what_nobody_waits_for_and_nothing_comes_of_ends) {
  open({}, 256 * kMiB);
  for (bool answers : {false, true}) {
    hang(answers);
    for (uint64_t size : {1 * kMiB, 20 * kKiB}) {
      SCOPED_TRACE(std::to_string(answers) + " " + std::to_string(size));
      VersionRef version = object("key" + std::to_string(size), pattern(size));
      abandon(version, whole(version));
      EXPECT_EQ(gauge("forebay_fills_inflight"), "1");
      wait(kUnwantedPatience + kUnwantedPatience);
      EXPECT_EQ(gauge("forebay_fills_inflight"), "0");
      EXPECT_EQ(crews_.of(loop_).running(), 0U) << "its turn is free";
      EXPECT_TRUE(cache_->prefetch(version, whole(version), loop_));
      wait(kUnwantedPatience + kUnwantedPatience);
      EXPECT_EQ(crews_.of(loop_).running(), 0U) << "nor did anybody ever wait";
    }
    SCOPED_TRACE(answers);
    VersionRef version = object("run", pattern(16 * kMiB));
    Ahead ahead = ahead_of(version, 1 * kMiB);
    abandon(version, ahead.unit_at(0), ahead);
    EXPECT_NE(gauge("forebay_fills_inflight"), "0");
    wait(kUnwantedPatience + kUnwantedPatience);
    EXPECT_EQ(gauge("forebay_fills_inflight"), "0");
    EXPECT_EQ(crews_.of(loop_).running(), 0U);
    EXPECT_TRUE(world_->run(store_->evict(ctx())));
    EXPECT_EQ(used(), 0U) << "room that was taken ahead is given back";
  }
}

TEST_F(WatchTest, who_waits_gets_it_however_long_it_takes) {
  open();
  std::string bytes = pattern(1 * kMiB);
  VersionRef version = object("key", bytes);
  origin_->options().delay = kUnwantedPatience * 100;
  EXPECT_TRUE(get(version, {0, bytes.size()}).value_or("") == bytes);
  EXPECT_EQ(origin_->counts("get").requests, 1U);
}

TEST_F(WatchTest, what_comes_slowly_comes_whole) {
  open();
  VersionRef version = object("key", pattern(1 * kMiB));
  // A chunk in three quarters of the patience.
  origin_->options().body_rate = 64 * kKiB * 4 * 1'000'000'000 / 3 / kUnwantedPatience.ns;
  EXPECT_TRUE(cache_->prefetch(version, whole(version), loop_));
  world_->settle();
  EXPECT_TRUE(cache_->contains(whole(version).id));
  EXPECT_EQ(origin_->counts("get").requests, 1U);
}

TEST_F(WatchTest, whose_pace_a_request_keeps_is_said) {
  open();
  VersionRef version = object("key", pattern(2 * kMiB));
  EXPECT_TRUE(get(version, {0, 100}, Mode::past));
  EXPECT_TRUE(get(version, {0, 100}, Mode::keep));
  EXPECT_TRUE(get(version, {0, 100}));
  world_->settle();
  ASSERT_GE(origin_->requests().size(), 3U);
  EXPECT_TRUE(origin_->requests()[0].slow_reader);
  EXPECT_TRUE(origin_->requests()[1].slow_reader);
  EXPECT_FALSE(origin_->requests()[2].slow_reader) << "a fill takes all as it comes";
}

}  // namespace
}  // namespace forebay::unit
