#include "cluster/tenure.h"

#include <gtest/gtest.h>

#include "cluster/records.h"
#include "io/sim.h"
#include "meta/faulty_control.h"
#include "meta/memory_store.h"
#include "meta/schema.h"
#include "testkit/seeds.h"

namespace forebay::cluster {
namespace {

const std::string kDisk(32, '7');

/// A member, and the store as it is.
class TenureWorld {
 public:
  explicit TenureWorld(uint64_t seed, meta::FaultOptions faults = {.delay = milliseconds(2)})
      : sim_(io::Simulation::make({.seed = seed, .machines = 2})),
        faults_(faults),
        first_(*this, 1) {}
  ~TenureWorld() {
    check_ = nullptr;
    first_.token.cancel();
    pass(seconds(10));
    EXPECT_TRUE(first_.ended);
  }

  struct One {
    One(TenureWorld& world, uint64_t nonce)
        : control(world.store_, world.home(), world.faults_, world.late_),
          tenure(control, {.disk = kDisk,
                           .nonce = nonce,
                           .name = "n",
                           .peer = "10.0.0.2:7070",
                           .zone = "",
                           .state = place::MemberState::active}) {
      Context ctx{.loop = &world.here(), .cancel = &token};
      io::start<void>(world.here(), tenure.run(ctx), [this](Result<> r) {
        ended = true;
        if (!r) code = r.error().code();
      });
    }
    meta::FaultyControl control;
    Tenure tenure;
    CancelToken token;
    bool ended = false;
    std::optional<Code> code;
  };

  One& first() { return first_; }
  io::Loop& home() { return sim_->machine(0).loop(); }
  io::Loop& here() { return sim_->machine(1).loop(); }
  bool valid(const One& one) { return one.tenure.valid(here().now()); }

  /// After each step what is asked of both.
  void pass(Duration time) {
    for (Time end = home().now() + time; home().now() < end && sim_->step();) {
      if (check_) check_();
    }
  }
  void each_step(std::function<void()> check) { check_ = std::move(check); }

  std::optional<std::string> row(std::string key) {
    std::optional<std::string> out;
    io::start<std::optional<std::string>>(home(), store_.get(std::move(key), {.loop = &home()}),
                                          [&](Result<std::optional<std::string>> got) {
                                            out = *got;
                                            done_ = true;
                                          });
    auto check = std::exchange(check_, nullptr);
    while (!std::exchange(done_, false)) sim_->step();
    check_ = std::move(check);
    return out;
  }
  std::optional<Presence> presence() {
    auto found = row(meta::schema::member(kDisk));
    if (!found) return std::nullopt;
    return *Presence::parse(*found);
  }
  void remove(std::string key) {
    meta::Txn txn;
    txn.remove(std::move(key));
    ASSERT_TRUE(sim_->run(store_.commit(std::move(txn), {.loop = &home()})));
  }
  void revoke(uint64_t lease) { ASSERT_TRUE(sim_->run(store_.revoke(lease, {.loop = &home()}))); }

 private:
  std::unique_ptr<io::Simulation> sim_;
  meta::MemoryStore store_;
  meta::FaultOptions faults_;
  const std::shared_ptr<meta::LateCommits> late_ = std::make_shared<meta::LateCommits>();
  One first_;
  std::function<void()> check_;
  bool done_ = false;
};

TEST(Tenure, HoldsItsRowUnderItsLease) {
  TenureWorld world(1);
  EXPECT_FALSE(world.valid(world.first()));
  world.pass(seconds(20));
  EXPECT_TRUE(world.valid(world.first()));
  EXPECT_EQ(world.first().tenure.number(), 1);
  ASSERT_TRUE(world.presence());
  EXPECT_EQ(world.presence()->member, world.first().tenure.self());
}

// Whoever sees no row waits a lease and a margin from then; so nothing may be believed past the end
// of the lease as the store counts it.
TEST(Tenure, BelievesNothingThatTheStoreDoesNot) {
  for (uint64_t seed = 1; seed <= testkit::seeds(60); ++seed) {
    TenureWorld world(
        seed, {.delay = milliseconds(450), .refuse = 0.05, .lose_answer = 0.1, .late = 0.1});
    for (int i = 0; i < 4; ++i) {
      world.pass(milliseconds(static_cast<int64_t>(3000 + world.here().random() % 4000)));
      world.first().control.cut(true);
      for (int look = 0; look < 60; ++look) {
        world.pass(milliseconds(100));
        bool there = world.presence().has_value();
        ASSERT_TRUE(there || !world.valid(world.first())) << "seed " << seed;
      }
      world.first().control.cut(false);
    }
  }
}

TEST(Tenure, ALostLeaseIsOverAndAnotherBegins) {
  TenureWorld world(3);
  world.pass(seconds(5));
  world.revoke(world.presence()->lease);
  bool doubted = false;
  world.each_step([&] { doubted |= !world.valid(world.first()); });
  world.pass(seconds(2));
  EXPECT_TRUE(doubted);
  EXPECT_TRUE(world.valid(world.first()));
  EXPECT_EQ(world.first().tenure.number(), 2);
  EXPECT_TRUE(world.presence());
}

TEST(Tenure, WithoutItsRowALeaseIsNothing) {
  TenureWorld world(4);
  world.pass(seconds(5));
  world.remove(meta::schema::member(kDisk));
  bool doubted = false;
  world.each_step([&] { doubted |= !world.valid(world.first()); });
  world.pass(seconds(3));
  EXPECT_TRUE(doubted);
  EXPECT_TRUE(world.valid(world.first()));
  EXPECT_TRUE(world.presence());
  EXPECT_EQ(world.first().tenure.number(), 2);
}

TEST(Tenure, WhoLeavesBelievesNothingAnyMoreBeforeItSaysSo) {
  for (uint64_t seed = 1; seed <= testkit::seeds(40); ++seed) {
    TenureWorld world(seed, {.delay = milliseconds(100)});
    world.pass(seconds(5));
    EXPECT_TRUE(world.valid(world.first()));
    world.first().token.cancel();
    world.each_step([&] {
      auto said = world.row(meta::schema::confirmation(kDisk));
      if (said) ASSERT_FALSE(world.valid(world.first()));
    });
    world.pass(seconds(1));
    world.each_step(nullptr);
    auto said = world.row(meta::schema::confirmation(kDisk));
    ASSERT_TRUE(said);
    EXPECT_TRUE(Confirmation::parse(*said)->left);
    EXPECT_FALSE(world.presence());
    EXPECT_TRUE(world.first().ended);
  }
}

TEST(Tenure, OneDiskHasOneProcess) {
  TenureWorld world(5);
  world.pass(seconds(5));
  TenureWorld::One second(world, 2);
  world.pass(seconds(5));
  EXPECT_FALSE(second.ended);
  EXPECT_FALSE(world.valid(second));
  world.pass(seconds(10));
  EXPECT_TRUE(second.ended);
  EXPECT_EQ(second.code, Code::exists);
  EXPECT_TRUE(world.valid(world.first()));

  // One that died goes with its lease.
  world.first().control.cut(true);
  TenureWorld::One third(world, 3);
  world.pass(seconds(7));
  EXPECT_TRUE(world.valid(third));
  EXPECT_EQ(world.presence()->member.nonce, 3);
  third.token.cancel();
  world.pass(seconds(2));
  EXPECT_TRUE(third.ended);
  world.first().control.cut(false);
}

TEST(Tenure, WhatItBecomesIsToldAtTheNextRenewal) {
  TenureWorld world(6);
  world.pass(seconds(5));
  place::Member self = world.first().tenure.self();
  self.state = place::MemberState::leaving;
  world.first().tenure.become(self);
  world.pass(seconds(2));
  EXPECT_EQ(world.presence()->member.state, place::MemberState::leaving);
  EXPECT_EQ(world.first().tenure.number(), 1);
}

}  // namespace
}  // namespace forebay::cluster
