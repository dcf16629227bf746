// Simulated lanes, and simulated disks that have only so many names.
#include <gtest/gtest.h>

#include "io/sim.h"
#include "io/sync.h"
#include "io/world_test.h"

namespace forebay::io {
namespace {

class SimLane : public testing::TestWithParam<uint64_t> {
 protected:
  Context ctx() { return {.loop = &world_->loop(), .deadline = kNever}; }
  [[clang::coro_wrapper]] Task<> count(Lane* lane, Context context) {
    return run_blocking(context, lane, [this]() -> Result<> {
      order_.push_back(++counted_);
      return ok;
    });
  }
  Task<> note(Lane* lane, int& refused, Context context) {
    Result<> done = co_await count(lane, context);
    if (code_of(done) == Code::busy) ++refused;
    co_return ok;
  }

  std::unique_ptr<Simulation> world_ = Simulation::make({.seed = GetParam()});
  std::vector<int> order_;
  int counted_ = 0;
};

TEST_P(SimLane, gives_turns_in_order_and_no_more_than_its_threads) {
  Loop& loop = world_->loop();
  auto one = loop.make_lane({.kind = "a", .subject = "a", .threads = 1});
  auto three = loop.make_lane({.kind = "b", .subject = "b", .threads = 3});
  uint64_t most = 0;
  for (int i = 0; i < 50; ++i) {
    loop.offload(one.get(), [this, i] { order_.push_back(i); }, [] {});
    Offload given = loop.offload(
        three.get(),
        [&] {
          ++counted_;
          most = std::max(most, three->stats(loop.now()).running);
        },
        [] {});
    EXPECT_EQ(given.waits, i >= 3);
  }
  EXPECT_EQ(three->stats(loop.now()).waiting, 47U);
  world_->settle();
  EXPECT_EQ(order_.size(), 50U);
  EXPECT_TRUE(std::ranges::is_sorted(order_));
  EXPECT_EQ(counted_, 50);
  EXPECT_EQ(most, 3U);
}

TEST_P(SimLane, a_call_that_has_not_begun_can_be_taken_back) {
  Loop& loop = world_->loop();
  auto lane = loop.make_lane({.kind = "a", .subject = "a", .threads = 1});
  Offload first = loop.offload(lane.get(), [this] { order_.push_back(1); }, [] {});
  Offload second = loop.offload(lane.get(), [this] { order_.push_back(2); }, [] {});
  loop.offload(lane.get(), [this] { order_.push_back(3); }, [] {});
  EXPECT_FALSE(loop.withdraw(*lane, first.ticket));
  EXPECT_TRUE(loop.withdraw(*lane, second.ticket));
  EXPECT_FALSE(loop.withdraw(*lane, second.ticket));
  world_->settle();
  EXPECT_EQ(order_, (std::vector<int>{1, 3}));
}

TEST_P(SimLane, what_hangs_holds_up_its_own_and_is_refused_after_a_while) {
  auto hung =
      world_->loop().make_lane({.kind = "a", .subject = "a", .threads = 2, .patience = seconds(5)});
  auto other = world_->loop().make_lane({.kind = "b", .subject = "b", .threads = 1});
  world_->options().hung = {"a"};
  int refused = 0;
  auto body = [&](Context context) -> Task<> {
    Group group(context);
    for (int i = 0; i < 10; ++i) group.spawn(note(hung.get(), refused, context));
    co_await co_await count(other.get(), context);
    EXPECT_EQ(counted_, 1);
    co_await co_await sleep_until(context.loop->now() + seconds(6), context);
    EXPECT_EQ(refused, 8);
    EXPECT_EQ(code_of(co_await count(hung.get(), context)), Code::busy);
    world_->options().hung.clear();
    co_await co_await group.join();
    co_return co_await count(hung.get(), context);
  };
  EXPECT_TRUE(world_->run(body(ctx())));
  EXPECT_EQ(counted_, 1 + 2 + 1);
}

TEST_P(SimLane, a_disk_has_so_many_names_and_tells) {
  world_->options().disk_inodes = 20;
  auto folder = world_->loop().open_directory("/d", true).value();
  uint64_t free = folder->space()->free_inodes;
  EXPECT_EQ(free, 18U) << "the root and the folder are two";
  for (uint64_t i = 0; i < free; ++i) {
    EXPECT_TRUE(folder->open("f" + std::to_string(i), OpenMode::create_new));
  }
  EXPECT_EQ(folder->space()->free_inodes, 0U);
  auto none = folder->open("more", OpenMode::create_new);
  EXPECT_EQ(code_of(none), Code::busy);
  EXPECT_EQ(none.error().detail(), "ENOSPC");
  EXPECT_EQ(code_of(folder->make_directory("more")), Code::busy);
  EXPECT_TRUE(folder->open("f0", OpenMode::create)) << "what is there can be opened";
  EXPECT_TRUE(folder->remove("f1"));
  EXPECT_TRUE(folder->open("more", OpenMode::create_new));
}

INSTANTIATE_TEST_SUITE_P(Seeds, SimLane, testing::Values(1, 2, 3));

}  // namespace
}  // namespace forebay::io
