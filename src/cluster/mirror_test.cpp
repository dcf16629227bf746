#include "cluster/mirror.h"

#include <gtest/gtest.h>

#include "cluster/fence.h"
#include "io/sim.h"
#include "meta/faulty_control.h"
#include "meta/memory_store.h"

namespace forebay::cluster {
namespace {

class MirrorTest : public testing::Test {
 protected:
  MirrorTest()
      : sim_(io::Simulation::make({.seed = 3, .machines = 2})),
        control_(store_, sim_->loop(), {.delay = milliseconds(5)},
                 std::make_shared<meta::LateCommits>()),
        mirror_(control_, meta::Range::prefix("m/")) {}
  ~MirrorTest() override {
    token_.cancel();
    pass();
    EXPECT_TRUE(ended_);
  }
  void begin() {
    ended_ = false;
    io::Loop& here = sim_->machine(1).loop();
    io::start<void>(here, mirror_.run({.loop = &here, .cancel = &token_}),
                    [this](Result<>) { ended_ = true; });
    pass();
  }
  void commit(meta::Txn txn) { ASSERT_TRUE(sim_->run(store_.commit(std::move(txn), ctx()))); }
  void pass(Duration time = seconds(2)) {
    ASSERT_TRUE(sim_->run(io::sleep_until(ctx().loop->now() + time, ctx())));
  }
  Context ctx() { return {.loop = &sim_->loop()}; }

  std::unique_ptr<io::Simulation> sim_;
  meta::MemoryStore store_;
  meta::FaultyControl control_;
  Mirror mirror_;
  CancelToken token_;
  bool ended_ = true;
};

TEST_F(MirrorTest, ShowsRowsAsTheyChange) {
  commit(meta::Txn().put("m/a", "1").put("m/b", "2").put("n", "none of its"));
  EXPECT_EQ(mirror_.rows(), nullptr);
  begin();
  EXPECT_EQ(*mirror_.rows(), (Mirror::Rows{{"m/a", "1"}, {"m/b", "2"}}));
  uint64_t seen = mirror_.changed()->count();
  commit(meta::Txn().put("m/a", "3").remove("m/b").put("m/c", "4"));
  pass();
  EXPECT_EQ(*mirror_.rows(), (Mirror::Rows{{"m/a", "3"}, {"m/c", "4"}}));
  EXPECT_GT(mirror_.changed()->count(), seen);
}

TEST_F(MirrorTest, ReadsAnewWhatIsNotToldAnyMore) {
  commit(meta::Txn().put("m/a", "1").put("m/b", "1"));
  begin();
  control_.cut(true);
  pass();
  commit(meta::Txn().remove("m/b"));
  for (size_t i = 0; i <= meta::MemoryStore::kMaxHistory + 5; ++i) {
    commit(meta::Txn().put("m/a", std::to_string(i)));
  }
  control_.cut(false);
  pass();
  EXPECT_EQ(*mirror_.rows(),
            (Mirror::Rows{{"m/a", std::to_string(meta::MemoryStore::kMaxHistory + 5)}}));
}

TEST_F(MirrorTest, SeesAPageAfterAnother) {
  for (int i = 0; i < 2500; ++i) commit(meta::Txn().put("m/" + std::to_string(i), "x"));
  begin();
  EXPECT_EQ(mirror_.rows()->size(), 2500U);
}

TEST_F(MirrorTest, TheFenceOnlyRises) {
  StoreFence fence(store_);
  auto term = [&] { return **sim_->run(store_.get("term", ctx())); };
  EXPECT_TRUE(sim_->run(fence.raise(7, ctx())));
  EXPECT_EQ(term(), "7");
  EXPECT_TRUE(sim_->run(fence.raise(5, ctx())));
  EXPECT_EQ(term(), "7");
  EXPECT_TRUE(sim_->run(fence.raise(12, ctx())));
  EXPECT_EQ(term(), "12");
  commit(meta::Txn().put("term", "12x"));
  EXPECT_EQ(sim_->run(fence.raise(13, ctx())).error().code(), Code::corrupt);
  EXPECT_EQ(term(), "12x");
}

}  // namespace
}  // namespace forebay::cluster
