// FaultyStore in the simulated world: its faults happen, and the store stays a store under them.
#include "meta/faulty_store.h"

#include <gtest/gtest.h>

#include "io/sim.h"
#include "io/sync.h"
#include "meta/memory_store.h"

namespace forebay::meta {
namespace {

struct Tally {
  int done = 0;
  int unknown = 0;
  int refused = 0;
};

// Adds one under a condition, as often as asked, and counts what it was told.
Task<> count_up(Store& store, Tally& tally, int times, Context ctx) {
  for (int i = 0; i < times; ++i) {
    Result<std::optional<std::string>> row = co_await store.get("counter", ctx);
    if (!row) {
      ++tally.refused;
      continue;
    }
    Txn txn;
    if (*row) {
      txn.require("counter", **row);
    } else {
      txn.require_absent("counter");
    }
    txn.put("counter", std::to_string(*row ? std::stoi(**row) + 1 : 1));
    Result<> result = co_await store.commit(std::move(txn), ctx);
    if (result) {
      ++tally.done;
    } else if (result.error().code() == Code::unavailable) {
      ++tally.unknown;
    } else {
      ++tally.refused;
    }
  }
  co_return ok;
}

Task<> count_together(Store& store, Tally& tally, Context ctx) {
  io::Group group(ctx);
  for (int i = 0; i < 4; ++i) group.spawn(count_up(store, tally, 10, ctx));
  co_return co_await group.join();
}

TEST(FaultyStore, AnsweredCommitsHappenedAndOthersMayHave) {
  Tally all;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    auto world = io::Simulation::make({.seed = seed});
    MemoryStore inner;
    FaultyStore store(inner,
                      {.delay = milliseconds(5), .refuse = 0.1, .lose_answer = 0.1, .late = 0.1});
    Context ctx{.loop = &world->loop()};
    Tally tally;
    ASSERT_TRUE(world->run(count_together(store, tally, ctx)));
    auto row = world->run(inner.get("counter", ctx)).value();
    int value = row ? std::stoi(*row) : 0;
    EXPECT_GE(value, tally.done) << "seed " << seed;
    EXPECT_LE(value, tally.done + tally.unknown) << "seed " << seed;
    EXPECT_EQ(store.unknown(), static_cast<uint64_t>(tally.unknown));
    all.done += tally.done;
    all.unknown += tally.unknown;
    all.refused += tally.refused;
  }
  EXPECT_GT(all.done, 0);
  EXPECT_GT(all.unknown, 0);
  EXPECT_GT(all.refused, 0);
}

class FaultyStoreTest : public testing::Test {
 protected:
  Context ctx() { return {.loop = &world_->loop()}; }
  Code commit(FaultyStore& store) {
    return world_->run(store.commit(Txn().put("a", "1"), ctx())).error().code();
  }
  bool there() { return world_->run(inner_.get("a", ctx())).value().has_value(); }

  std::unique_ptr<io::Simulation> world_ = io::Simulation::make({.seed = 7});
  MemoryStore inner_;
};

TEST_F(FaultyStoreTest, ARefusedCommitDidNotHappen) {
  FaultyStore store(inner_, {.refuse = 1});
  EXPECT_EQ(commit(store), Code::busy);
  EXPECT_FALSE(there());
  EXPECT_EQ(world_->run(store.get("a", ctx())).error().code(), Code::unavailable);
  EXPECT_EQ(world_->run(store.scan({}, 1, ctx())).error().code(), Code::unavailable);
}

TEST_F(FaultyStoreTest, ALostAnswerIsOfACommitThatHappened) {
  FaultyStore store(inner_, {.lose_answer = 1});
  EXPECT_EQ(commit(store), Code::unavailable);
  EXPECT_TRUE(there());
  EXPECT_EQ(store.unknown(), 1u);
}

TEST_F(FaultyStoreTest, ALateCommitHappensLaterIfAtAll) {
  int happened = 0;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    world_ = io::Simulation::make({.seed = seed});
    MemoryStore rows;
    FaultyStore store(rows, {.late = 1});
    EXPECT_EQ(commit(store), Code::unavailable);
    EXPECT_FALSE(world_->run(rows.get("a", ctx())).value());
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(world_->run(store.get("b", ctx())));
    happened += world_->run(rows.get("a", ctx())).value() ? 1 : 0;
  }
  EXPECT_GT(happened, 10);
  EXPECT_LT(happened, 50);
}

TEST_F(FaultyStoreTest, ADeadlineBeforeTheCommitIsDefiniteAfterItUnknown) {
  int definite = 0, unknown = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    world_ = io::Simulation::make({.seed = seed});
    MemoryStore rows;
    FaultyStore store(rows, {.delay = milliseconds(10)});
    Context soon = ctx().until(world_->loop().now() + milliseconds(8));
    Result<> result = world_->run(store.commit(Txn().put("a", "1"), soon));
    bool happened = world_->run(rows.get("a", ctx())).value().has_value();
    if (result) {
      EXPECT_TRUE(happened);
    } else if (result.error().code() == Code::timeout) {
      EXPECT_FALSE(happened);
      ++definite;
    } else {
      EXPECT_EQ(result.error().code(), Code::unavailable);
      EXPECT_TRUE(happened);
      ++unknown;
    }
  }
  EXPECT_GT(definite, 0);
  EXPECT_GT(unknown, 0);
}

}  // namespace
}  // namespace forebay::meta
