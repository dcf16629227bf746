// The contract of meta::Control, on every implementation.
#include "meta/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "meta/etcd/etcd_server_test.h"
#include "meta/memory_store.h"

namespace forebay::meta {
namespace {

using testing::ElementsAre;

enum class Shared { memory, etcd };

class ControlTest : public testing::TestWithParam<Shared> {
 protected:
  void SetUp() override {
    if (GetParam() == Shared::memory) {
      store_ = std::make_unique<MemoryStore>();
    } else {
      store_ = clients_.store(EtcdServers::shared().url(EtcdServers::new_name()));
    }
    ASSERT_TRUE(run(store_->get("ready", ctx())));
  }
  Context ctx() { return {.loop = &engine_->loop(0)}; }
  Context within(Duration time) { return ctx().until(engine_->loop(0).now() + time); }
  template <class T>
  Result<T> run(Task<T> task) {
    return engine_->run_task(std::move(task));
  }
  Result<> commit(Txn txn) { return run(store_->commit(std::move(txn), ctx())); }
  std::optional<std::string> get(std::string key) {
    return run(store_->get(std::move(key), ctx())).value();
  }
  uint64_t now() { return run(store_->scan({}, 1, ctx()))->revision; }
  Lease grant(Duration ttl) { return run(store_->grant(ttl, ctx())).value(); }
  /// The next `count` events, or more.
  std::vector<Event> take(Watch& watch, size_t count) {
    std::vector<Event> out;
    while (out.size() < count) {
      Result<std::vector<Event>> events = run(watch.next(within(seconds(30))));
      if (!events) {
        ADD_FAILURE() << events.error().text();
        return out;
      }
      for (Event& event : *events) out.push_back(std::move(event));
    }
    return out;
  }
  /// Makes the store forget what it was until now.
  void compact() {
    if (GetParam() == Shared::memory) {
      for (size_t i = 0; i <= MemoryStore::kMaxHistory; ++i) {
        ASSERT_TRUE(commit(Txn().put("z", "")));
      }
      return;
    }
    EtcdWire wire(clients_.options(EtcdServers::shared().url("c")));
    std::string body = R"({"revision":")" + std::to_string(now()) + "\"}";
    ASSERT_TRUE(run(wire.send({.path = "/v3/kv/compaction", .body = body}, ctx())));
  }
  Result<> pause(Duration time) {
    return run(io::sleep_until(engine_->loop(0).now() + time, ctx()));
  }

  std::unique_ptr<io::Engine> engine_ =
      std::move(io::Engine::make({.loops = 1, .pool_threads = 1}).value());
  EtcdClients clients_{*engine_};
  std::unique_ptr<Control> store_;
};

INSTANTIATE_TEST_SUITE_P(All, ControlTest, testing::Values(Shared::memory, Shared::etcd),
                         [](const auto& info) {
                           return info.param == Shared::memory ? "Memory" : "Etcd";
                         });

std::string told(const Event& event) { return event.key + "=" + event.value.value_or("-"); }

std::vector<std::string> told(const std::vector<Event>& events) {
  std::vector<std::string> out;
  for (const Event& event : events) out.push_back(told(event));
  return out;
}

TEST_P(ControlTest, AWatchTellsEveryChangeInOrder) {
  ASSERT_TRUE(commit(Txn().put("k0", "before")));
  uint64_t start = now();
  auto watch = store_->watch(Range::prefix("k"), start);
  ASSERT_TRUE(commit(Txn().put("j", "1").put("k1", "").put("k\xff", "2").put("l", "3")));
  EXPECT_THAT(told(take(*watch, 2)), ElementsAre("k1=", "k\xff=2"));
  ASSERT_TRUE(commit(Txn().remove("k1")));
  ASSERT_TRUE(commit(Txn().remove("k1")));  // changes nothing
  ASSERT_TRUE(commit(Txn().put("k1", "again")));
  EXPECT_FALSE(commit(Txn().require_absent("k1").put("k1", "never")));
  ASSERT_TRUE(commit(Txn().put("k0", "last")));
  std::vector<Event> events = take(*watch, 3);
  EXPECT_THAT(told(events), ElementsAre("k1=-", "k1=again", "k0=last"));
  EXPECT_LT(start, events[0].revision);
  EXPECT_LT(events[0].revision, events[1].revision);
  EXPECT_LT(events[1].revision, events[2].revision);
  EXPECT_EQ(events[2].revision, now());
}

TEST_P(ControlTest, OneTransactionIsOneRevision) {
  auto watch = store_->watch({}, now());
  ASSERT_TRUE(commit(Txn().put("a", "1").put("b", "2")));
  std::vector<Event> events = take(*watch, 2);
  EXPECT_EQ(events[0].revision, events[1].revision);
}

TEST_P(ControlTest, AWatchThatBeginsLateTellsWhatWasMissed) {
  uint64_t start = now();
  ASSERT_TRUE(commit(Txn().put("a", "1")));
  uint64_t later = now();
  ASSERT_TRUE(commit(Txn().put("a", "2")));
  auto all = store_->watch({}, start);
  EXPECT_THAT(told(take(*all, 2)), ElementsAre("a=1", "a=2"));
  auto last = store_->watch({}, later);
  EXPECT_THAT(told(take(*last, 1)), ElementsAre("a=2"));
}

TEST_P(ControlTest, AWatchThatWaitsInVainGoesOn) {
  auto watch = store_->watch({}, now());
  EXPECT_EQ(run(watch->next(within(milliseconds(100)))).error().code(), Code::timeout);
  ASSERT_TRUE(commit(Txn().put("a", "1")));
  EXPECT_THAT(told(take(*watch, 1)), ElementsAre("a=1"));
  EXPECT_EQ(run(watch->next(within(milliseconds(100)))).error().code(), Code::timeout);
  CancelToken token;
  token.cancel();
  EXPECT_EQ(run(watch->next(ctx().under(token))).error().code(), Code::cancelled);
  ASSERT_TRUE(commit(Txn().put("a", "2")));
  EXPECT_THAT(told(take(*watch, 1)), ElementsAre("a=2"));
}

TEST_P(ControlTest, WhatIsCompactedMustBeReadAgain) {
  uint64_t start = now();
  ASSERT_TRUE(commit(Txn().put("a", "1")));
  ASSERT_TRUE(commit(Txn().put("b", "1")));
  auto old = store_->watch({}, start);
  compact();
  Result<std::vector<Event>> events = run(old->next(within(seconds(30))));
  ASSERT_FALSE(events);
  EXPECT_EQ(events.error().code(), Code::conflict);
  EXPECT_EQ(events.error().detail(), kCompacted);
  auto watch = store_->watch({}, now());
  ASSERT_TRUE(commit(Txn().put("a", "2")));
  EXPECT_THAT(told(take(*watch, 1)), ElementsAre("a=2"));
}

TEST_P(ControlTest, ALeaseThatNobodyKeepsEndsWithItsRows) {
  Lease lease = grant(seconds(1));
  ASSERT_TRUE(run(store_->commit_under(
      lease.id, Txn().require_absent("m").put("m", "1").put("n", "1"), ctx())));
  ASSERT_TRUE(commit(Txn().put("stays", "1")));
  auto watch = store_->watch({}, now());
  EXPECT_EQ(get("m"), "1");
  EXPECT_THAT(told(take(*watch, 2)), ElementsAre("m=-", "n=-"));
  EXPECT_EQ(get("m"), std::nullopt);
  EXPECT_EQ(get("stays"), "1");
  EXPECT_EQ(run(store_->keep(lease.id, ctx())).error().code(), Code::not_found);
  EXPECT_EQ(run(store_->commit_under(lease.id, Txn().put("m", "2"), ctx())).error().code(),
            Code::not_found);
  EXPECT_EQ(run(store_->commit_under(0, Txn().put("m", "2"), ctx())).error().code(),
            Code::not_found);
  EXPECT_EQ(get("m"), std::nullopt);
}

TEST_P(ControlTest, ALeaseThatIsKeptLives) {
  Lease lease = grant(seconds(3));
  ASSERT_TRUE(run(store_->commit_under(lease.id, Txn().put("m", "1"), ctx())));
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(pause(milliseconds(500)));
    EXPECT_TRUE(run(store_->keep(lease.id, ctx())));
  }
  EXPECT_EQ(get("m"), "1");
}

TEST_P(ControlTest, ARevokedLeaseTakesWhatIsStillItsOwn) {
  Lease one = grant(seconds(60)), two = grant(seconds(60));
  EXPECT_NE(one.id, two.id);
  Txn rows = Txn().put("a", "1").put("b", "1").put("c", "1");
  ASSERT_TRUE(run(store_->commit_under(one.id, rows, ctx())));
  EXPECT_EQ(run(store_->commit_under(one.id, Txn().require_absent("a").put("d", "1"), ctx()))
                .error()
                .code(),
            Code::conflict);
  ASSERT_TRUE(commit(Txn().put("b", "2")));
  ASSERT_TRUE(run(store_->commit_under(two.id, Txn().put("c", "2"), ctx())));
  ASSERT_TRUE(run(store_->revoke(one.id, ctx())));
  EXPECT_EQ(get("a"), std::nullopt);
  EXPECT_EQ(get("b"), "2");
  EXPECT_EQ(get("c"), "2");
  EXPECT_EQ(get("d"), std::nullopt);
  EXPECT_TRUE(run(store_->revoke(one.id, ctx())));
  EXPECT_EQ(run(store_->keep(one.id, ctx())).error().code(), Code::not_found);
  EXPECT_TRUE(run(store_->keep(two.id, ctx())));
  ASSERT_TRUE(run(store_->revoke(two.id, ctx())));
  EXPECT_EQ(get("c"), std::nullopt);
}

TEST_P(ControlTest, LeasesHaveLimits) {
  EXPECT_EQ(run(store_->grant(milliseconds(999), ctx())).error().code(), Code::invalid);
  EXPECT_EQ(run(store_->grant(Control::kMaxTtl + nanoseconds(1), ctx())).error().code(),
            Code::invalid);
  EXPECT_EQ(grant(Control::kMaxTtl).ttl, Control::kMaxTtl);
  EXPECT_EQ(grant(milliseconds(2001)).ttl, seconds(3));
}

}  // namespace
}  // namespace forebay::meta
