// Lanes of the real engine, with calls that block until the test lets them go.
#include <gtest/gtest.h>

#include <atomic>
#include <latch>

#include "io/engine.h"
#include "io/sync.h"
#include "io/world_test.h"

namespace forebay::io {
namespace {

constexpr Duration kShort = milliseconds(20);

class LaneTest : public testing::Test {
 protected:
  ~LaneTest() override { release(); }
  void release() {
    if (!let_go_.try_wait()) let_go_.count_down();
  }
  Context ctx() { return {.loop = &loop(), .deadline = loop().now() + seconds(60)}; }
  Loop& loop() { return engine_->loop(0); }
  /// A call that does not end before release().
  [[clang::coro_wrapper]] Task<> hang(Lane* lane) {
    return run_blocking(ctx(), lane, [this]() -> Result<> {
      ++hanging_;
      let_go_.wait();
      return ok;
    });
  }
  [[clang::coro_wrapper]] Task<> count(Lane* lane, Context context) {
    return run_blocking(context, lane, [this]() -> Result<> {
      ++counted_;
      return ok;
    });
  }
  /// Waits until that many calls hang.
  Task<> hung(int calls) {
    while (hanging_ < calls) co_await co_await sleep_until(loop().now() + milliseconds(1), ctx());
    co_return ok;
  }

  std::latch let_go_{1};
  std::atomic<int> hanging_ = 0, counted_ = 0;
  std::unique_ptr<Engine> engine_ = *Engine::make({.loops = 1, .pool_threads = 2});
};

TEST_F(LaneTest, a_hung_lane_holds_up_no_other) {
  auto hung_lane = loop().make_lane({.kind = "a", .subject = "a", .threads = 3});
  auto other = loop().make_lane({.kind = "b", .subject = "b", .threads = 1});
  auto body = [&](Context context) -> Task<> {
    Group group(context);
    for (int i = 0; i < 20; ++i) group.spawn(hang(hung_lane.get()));
    co_await co_await hung(3);
    for (int i = 0; i < 20; ++i) {
      co_await co_await count(other.get(), context);
      co_await co_await count(nullptr, context);
    }
    EXPECT_EQ(hanging_, 3);
    LaneStats stats = hung_lane->stats(loop().now());
    EXPECT_EQ(stats.running, 3U);
    EXPECT_EQ(stats.waiting, 17U);
    EXPECT_GT(stats.oldest, Duration{});
    release();
    co_return co_await group.join();
  };
  EXPECT_TRUE(engine_->run_task(body(ctx())));
  EXPECT_EQ(hanging_, 20);
  EXPECT_EQ(counted_, 40);
  EXPECT_EQ(hung_lane->stats(loop().now()).refused, 0U);
}

TEST_F(LaneTest, who_waits_too_long_is_refused_and_never_begun) {
  auto lane =
      loop().make_lane({.kind = "a", .subject = "the folder /x", .threads = 1, .patience = kShort});
  auto body = [&](Context context) -> Task<> {
    Group group(context);
    group.spawn(hang(lane.get()));
    co_await co_await hung(1);
    Result<> refused = co_await count(lane.get(), context);
    EXPECT_EQ(code_of(refused), Code::busy);
    EXPECT_EQ(refused.error().detail(), "SlowDown");
    EXPECT_NE(refused.error().text().find("the folder /x"), std::string::npos);
    // No turn was given for so long that nobody need wait for the next one.
    Offload stuck = loop().offload(lane.get(), [] {}, [] {});
    EXPECT_EQ(stuck.ticket, 0U);
    EXPECT_EQ(lane->stats(loop().now()).refused, 2U);
    release();
    co_await co_await group.join();
    // As soon as one has ended all is well again.
    co_return co_await count(lane.get(), context);
  };
  EXPECT_TRUE(engine_->run_task(body(ctx())));
  EXPECT_EQ(counted_, 1);
}

TEST_F(LaneTest, a_deadline_ends_the_wait_for_a_turn) {
  auto lane =
      loop().make_lane({.kind = "a", .subject = "a", .threads = 1, .patience = seconds(3600)});
  auto body = [&](Context context) -> Task<> {
    Group group(context);
    group.spawn(hang(lane.get()));
    co_await co_await hung(1);
    Result<> late = co_await count(lane.get(), context.until(loop().now() + kShort));
    EXPECT_EQ(code_of(late), Code::timeout);
    release();
    co_return co_await group.join();
  };
  EXPECT_TRUE(engine_->run_task(body(ctx())));
  EXPECT_EQ(counted_, 0);
}

TEST_F(LaneTest, so_many_wait_and_no_more) {
  auto lane =
      loop().make_lane({.kind = "a", .subject = "a", .threads = 1, .patience = seconds(3600)});
  auto body = [&](Context context) -> Task<> {
    Group group(context);
    group.spawn(hang(lane.get()));
    co_await co_await hung(1);
    for (size_t i = 0; i < Lane::kMaxWaiting; ++i) group.spawn(count(lane.get(), context));
    while (lane->stats(loop().now()).waiting < Lane::kMaxWaiting) {
      co_await co_await yield(context);
    }
    EXPECT_EQ(code_of(co_await count(lane.get(), context)), Code::busy);
    release();
    co_return co_await group.join();
  };
  EXPECT_TRUE(engine_->run_task(body(ctx())));
  EXPECT_EQ(counted_, int{Lane::kMaxWaiting});
}

// However many lanes hang, one that has no thread yet gets its first.
TEST_F(LaneTest, all_threads_together_are_bounded) {
  engine_ = *Engine::make({.loops = 1, .pool_threads = 1, .most_threads = 4});
  std::vector<std::shared_ptr<Lane>> lanes;
  for (int i = 0; i < 6; ++i) {
    lanes.push_back(loop().make_lane({.kind = "a", .subject = "a", .threads = 4}));
  }
  auto body = [&](Context context) -> Task<> {
    Group group(context);
    for (auto& lane : lanes) {
      for (int i = 0; i < 4; ++i) group.spawn(hang(lane.get()));
    }
    co_await co_await hung(4 + 5);
    uint64_t threads = 0;
    for (const LaneStats& stats : engine_->lanes()) threads += stats.threads;
    EXPECT_EQ(threads, 4U + 5U);
    auto last = loop().make_lane({.kind = "a", .subject = "a"});
    co_await co_await count(last.get(), context);
    release();
    co_return co_await group.join();
  };
  EXPECT_TRUE(engine_->run_task(body(ctx())));
  EXPECT_EQ(hanging_, 24);
  engine_.reset();
}

TEST_F(LaneTest, a_lane_may_go_before_its_calls) {
  auto lane = loop().make_lane({.kind = "a", .subject = "a", .threads = 1});
  for (int i = 0; i < 10; ++i) {
    loop().offload(lane.get(), [this] { ++counted_; }, [] {});
  }
  lane.reset();
  EXPECT_TRUE(engine_->run_task(yield(ctx())));
  EXPECT_EQ(counted_, 10);
}

}  // namespace
}  // namespace forebay::io
