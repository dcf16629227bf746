// Real members of an etcd: clusters that share one, and what is left when one of three dies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/json.h"
#include "io/sync.h"
#include "meta/etcd/etcd_server_test.h"

namespace forebay::meta {
namespace {

using testing::ElementsAre;

class EtcdClusterTest : public testing::Test {
 protected:
  Context ctx() { return {.loop = &engine_->loop(0)}; }
  template <class T>
  Result<T> run(Task<T> task) {
    return engine_->run_task(std::move(task));
  }
  /// Which member leads, within a minute.
  size_t leader(EtcdServers& servers) {
    for (int tries = 0; tries < 600; ++tries) {
      for (size_t i = 0; i < servers.size(); ++i) {
        auto one = "etcd://127.0.0.1:" + std::to_string(servers.port(i));
        EtcdWire wire(clients_.options(EtcdUrl::parse(one).value()));
        Result<EtcdText> said = run(wire.send({"/v3/maintenance/status", "{}", true}, ctx()));
        if (!said) continue;
        Json json = Json::parse(said->text).value();
        const Json* leads = json.find("leader");
        if (leads != nullptr && *leads == *json.find("header")->find("member_id")) return i;
      }
      ::poll(nullptr, 0, 100);
    }
    ADD_FAILURE() << "nobody leads";
    return 0;
  }
  /// A store whose first call asks that member.
  std::unique_ptr<EtcdStore> store_that_begins_at(EtcdServers& servers, size_t member) {
    EtcdUrl url = servers.url("c");
    std::swap(url.endpoints[0], url.endpoints[member]);
    return clients_.store(url);
  }

  /// As callers do it: each try has its time. On a busy machine others than the one that hangs may
  /// need more than theirs.
  Result<> commit_in_tries(EtcdStore& store, const Txn& txn) {
    Result<> done = fail(Code::unavailable, "not tried");
    for (int tries = 0; !done && tries < 10; ++tries) {
      done = run(store.commit(txn, ctx().until(engine_->loop(0).now() + seconds(1))));
    }
    return done;
  }

  std::unique_ptr<io::Engine> engine_ =
      std::move(io::Engine::make({.loops = 1, .pool_threads = 2}).value());
  EtcdClients clients_{*engine_};
};

TEST_F(EtcdClusterTest, ClustersThatShareAnEtcdDoNotMeet) {
  static int runs = 0;  // of one process; the servers outlive each
  const std::string mark = "m" + std::to_string(++runs);
  std::vector<std::unique_ptr<EtcdStore>> stores;
  for (std::string end : {"east", "eas", "east-", "east.1", "EAST", "west"}) {
    std::string name = mark + end;
    stores.push_back(clients_.store(EtcdServers::shared().url(name)));
    std::string value = name;
    EXPECT_TRUE(run(stores.back()->commit(
        Txn().require_absent("row").require_absent("\xff").put("row", value).put("\xff", value),
        ctx())))
        << name;
    Page page = run(stores.back()->scan({}, kMaxPageRows, ctx())).value();
    EXPECT_THAT(page.rows, ElementsAre(Row{"row", value}, Row{"\xff", value}));
  }
  EXPECT_TRUE(run(stores[0]->commit(Txn().remove("row").remove("\xff"), ctx())));
  EXPECT_THAT(run(stores[0]->scan({}, kMaxPageRows, ctx()))->rows, ElementsAre());
  EXPECT_EQ(run(stores[1]->get("row", ctx())).value(), mark + "eas");
}

/// What the writers of one test know.
struct Ledger {
  std::set<std::string> done, unknown;
  std::vector<std::string> wrong;
  std::string last;  ///< an acknowledged row
  int after = 0;     ///< acknowledged since the leader died
  bool dead = false;
};

constexpr int kWriters = 4;
constexpr int kBefore = 100;
constexpr int kAfter = 100;

Task<> write_rows(Store& store, int writer, Ledger& ledger, Context ctx) {
  for (int i = 0; i < 2000 && ledger.after < kAfter; ++i) {
    std::string key = std::string("w").append(std::to_string(writer * 10000 + i));
    Context one = ctx.until(ctx.loop->now() + seconds(30));
    Result<> done = co_await store.commit(Txn().require_absent(key).put(key, "v"), one);
    if (done) {
      ledger.done.insert(key);
      ledger.last = key;
      ledger.after += ledger.dead ? 1 : 0;
    } else if (done.error().code() == Code::unavailable) {
      ledger.unknown.insert(key);
    } else {
      ledger.wrong.push_back(done.error().text());
    }
  }
  co_return ok;
}

Task<> read_rows(Store& store, Ledger& ledger, Context ctx) {
  for (int i = 0; i < 20000 && ledger.after < kAfter; ++i) {
    std::string key = ledger.last;
    if (key.empty()) {
      co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(1), ctx);
      continue;
    }
    Context one = ctx.until(ctx.loop->now() + seconds(30));
    Result<std::optional<std::string>> row = co_await store.get(key, one);
    if (!row) ledger.wrong.push_back(row.error().text());
    if (row && !*row) ledger.wrong.push_back("lost: " + key);
  }
  co_return ok;
}

Task<> kill_leader(EtcdServers& servers, size_t leader, Ledger& ledger, Context ctx) {
  while (ledger.done.size() < kBefore) {
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(1), ctx);
  }
  servers.kill(leader);
  ledger.dead = true;
  co_return ok;
}

Task<> all_at_once(std::vector<std::unique_ptr<EtcdStore>>& stores, EtcdServers& servers,
                   size_t leader, Ledger& ledger, Context ctx) {
  io::Group group(ctx);
  for (int i = 0; i < kWriters; ++i) {
    group.spawn(write_rows(*stores[static_cast<size_t>(i) % stores.size()], i, ledger, ctx));
  }
  group.spawn(read_rows(*stores[0], ledger, ctx));
  group.spawn(kill_leader(servers, leader, ledger, ctx));
  co_return co_await group.join();
}

TEST_F(EtcdClusterTest, ALeaderThatDiesLosesNothingAcknowledged) {
  EtcdServers servers(3);
  std::vector<std::unique_ptr<EtcdStore>> stores;
  for (int i = 0; i < 2; ++i) stores.push_back(clients_.store(servers.url("c")));
  size_t leads = leader(servers);
  // One store talks to the leader, as its first choice; the other to whom it likes.
  EtcdUrl url = servers.url("c");
  std::swap(url.endpoints[0], url.endpoints[leads]);
  stores.push_back(clients_.store(url));
  Ledger ledger;
  EXPECT_TRUE(run(all_at_once(stores, servers, leads, ledger, ctx())));
  EXPECT_THAT(ledger.wrong, ElementsAre());
  EXPECT_GE(ledger.after, kAfter);
  std::set<std::string> there;
  for (Row& row : run(scan_all(*stores[1], Range::prefix("w"), 100000, ctx())).value()) {
    there.insert(std::move(row.key));
  }
  for (const std::string& key : ledger.done) EXPECT_TRUE(there.contains(key)) << key;
  for (const std::string& key : there) {
    EXPECT_TRUE(ledger.done.contains(key) || ledger.unknown.contains(key)) << key;
  }
}

TEST_F(EtcdClusterTest, AMemberThatHangsIsPassedOverByReads) {
  EtcdServers servers(3);
  size_t hung = (leader(servers) + 1) % 3;
  auto store = store_that_begins_at(servers, hung);
  ASSERT_TRUE(run(store->commit(Txn().put("a", "1"), ctx())));
  servers.pause(hung);
  EXPECT_EQ(run(store->get("a", ctx())).value(), "1");
  EXPECT_TRUE(commit_in_tries(*store, Txn().put("a", "2")));
  servers.resume(hung);
  EXPECT_EQ(run(store->get("a", ctx())).value(), "2");
}

TEST_F(EtcdClusterTest, AMemberThatHangsIsPassedOverByCommits) {
  EtcdServers servers(3);
  size_t hung = (leader(servers) + 1) % 3;
  auto store = store_that_begins_at(servers, hung);
  ASSERT_TRUE(run(store->commit(Txn().put("a", "1"), ctx())));
  servers.pause(hung);
  // No read shows the way: one that is not answered in its time sends the next one elsewhere.
  EXPECT_TRUE(commit_in_tries(*store, Txn().put("a", "2")));
  servers.resume(hung);
  EXPECT_EQ(run(store->get("a", ctx())).value(), "2");
}

TEST_F(EtcdClusterTest, OneOfThreeIsNotEnough) {
  EtcdServers servers(3);
  auto store = clients_.store(servers.url("c"));
  (void)leader(servers);
  ASSERT_TRUE(run(store->commit(Txn().put("a", "1"), ctx())));
  servers.kill(0);
  servers.kill(1);
  Context soon = ctx().until(engine_->loop(0).now() + seconds(2));
  // An old truth is no answer.
  EXPECT_EQ(run(store->get("a", soon)).error().code(), Code::unavailable);
  soon = ctx().until(engine_->loop(0).now() + seconds(2));
  EXPECT_EQ(run(store->commit(Txn().put("a", "2"), soon)).error().code(), Code::unavailable);
  servers.restart(0);
  std::optional<std::string> row = run(store->get("a", ctx())).value();
  EXPECT_TRUE(row == "1" || row == "2");
}

}  // namespace
}  // namespace forebay::meta
