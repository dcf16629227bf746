// The contract of meta::Store, on every implementation.
#include "meta/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "io/engine.h"
#include "io/sync.h"
#include "meta/etcd/etcd_server_test.h"
#include "meta/faulty_store.h"
#include "meta/memory_store.h"
#include "meta/postgres/postgres_server_test.h"
#include "meta/rocks_store.h"
#include "meta/schema.h"

namespace forebay::meta {
namespace {

using testing::ElementsAre;

enum class Kind { memory, faulty, rocks, etcd, postgres };

class StoreTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    switch (GetParam()) {
      case Kind::memory: store_ = std::make_unique<MemoryStore>(); break;
      case Kind::faulty:
        inner_ = std::make_unique<MemoryStore>();
        store_ = std::make_unique<FaultyStore>(*inner_, FaultOptions{.delay = microseconds(50)});
        break;
      case Kind::rocks:
        path_ = testing::TempDir() + "/meta_store_test-" + std::to_string(::getpid());
        std::filesystem::remove_all(path_);
        store_ = std::move(run(RocksStore::open({.path = path_}, ctx())).value());
        break;
      case Kind::etcd:
        store_ = etcd_.store(EtcdServers::shared().url(EtcdServers::new_name()));
        // A member that has just started may be choosing itself.
        ASSERT_TRUE(run(store_->get("ready", ctx())));
        break;
      case Kind::postgres:
        store_ = std::move(
            run(PostgresStore::open(
                    {.url = PostgresServer::shared().url(PostgresServer::new_name())}, ctx()))
                .value());
        break;
    }
  }
  void TearDown() override {
    store_.reset();
    if (!path_.empty()) std::filesystem::remove_all(path_);
  }

  Context ctx() { return {.loop = &engine_->loop(0)}; }
  template <class T>
  Result<T> run(Task<T> task) {
    return engine_->run_task(std::move(task));
  }
  Result<> commit(Txn txn) { return run(store_->commit(std::move(txn), ctx())); }
  std::optional<std::string> get(std::string key) {
    return run(store_->get(std::move(key), ctx())).value();
  }
  Page scan(Range range, uint32_t limit = kMaxPageRows) {
    return run(store_->scan(std::move(range), limit, ctx())).value();
  }

  std::unique_ptr<io::Engine> engine_ =
      std::move(io::Engine::make({.loops = 2, .pool_threads = 2}).value());
  EtcdClients etcd_{*engine_};
  std::unique_ptr<MemoryStore> inner_;
  std::unique_ptr<Store> store_;
  std::string path_;
};

std::vector<std::string> keys(const Page& page) {
  std::vector<std::string> out;
  for (const Row& row : page.rows) out.push_back(row.key);
  return out;
}

INSTANTIATE_TEST_SUITE_P(All, StoreTest,
                         testing::Values(Kind::memory, Kind::faulty, Kind::rocks, Kind::etcd,
                                         Kind::postgres),
                         [](const auto& info) {
                           switch (info.param) {
                             case Kind::memory: return "Memory";
                             case Kind::faulty: return "Faulty";
                             case Kind::rocks: return "Rocks";
                             case Kind::etcd: return "Etcd";
                             case Kind::postgres: return "Postgres";
                           }
                           return "";
                         });

TEST_P(StoreTest, ARowIsThereAfterItsCommit) {
  EXPECT_EQ(get("a"), std::nullopt);
  EXPECT_TRUE(commit(Txn().put("a", "1")));
  EXPECT_EQ(get("a"), "1");
  EXPECT_TRUE(commit(Txn().put("a", "2")));
  EXPECT_EQ(get("a"), "2");
  EXPECT_TRUE(commit(Txn().remove("a")));
  EXPECT_EQ(get("a"), std::nullopt);
  EXPECT_TRUE(commit(Txn().remove("a")));
}

TEST_P(StoreTest, AnEmptyValueIsAValue) {
  EXPECT_TRUE(commit(Txn().put("a", "")));
  EXPECT_EQ(get("a"), "");
  EXPECT_FALSE(commit(Txn().require_absent("a").put("b", "1")));
  EXPECT_TRUE(commit(Txn().require("a", "").put("b", "1")));
}

TEST_P(StoreTest, AnyBytesAreKept) {
  std::string key("\0\xff\n", 3), value("\xff\0\x80", 3);
  EXPECT_TRUE(commit(Txn().put(key, value)));
  EXPECT_EQ(get(key), value);
  EXPECT_THAT(scan(Range::prefix("")).rows, ElementsAre(Row{key, value}));
}

TEST_P(StoreTest, BytesOfKeysAreCompared) {
  using namespace std::string_literals;
  std::vector<std::string> all = {"\0"s,        "\0\0"s, "a"s,    "a\0"s,    "a\0b"s,    "a\xff"s,
                                  "a\xff\xff"s, "b"s,    "\xff"s, "\xff\0"s, "\xff\xff"s};
  Txn txn;
  for (const std::string& key : all) txn.put(key, "");
  ASSERT_TRUE(commit(std::move(txn)));
  EXPECT_EQ(keys(scan({})), all);
  EXPECT_THAT(keys(scan(Range::prefix("a\xff"))), ElementsAre("a\xff", "a\xff\xff"));
  EXPECT_THAT(keys(scan(Range::prefix("\xff"))), ElementsAre("\xff", "\xff\0"s, "\xff\xff"));
  EXPECT_THAT(keys(scan(Range::prefix("a\0"s))), ElementsAre("a\0"s, "a\0b"s));
  EXPECT_THAT(keys(scan(Range::prefix("").after("\xff\0"s))), ElementsAre("\xff\xff"));
  EXPECT_THAT(keys(scan({.from = "\0"s, .to = "a"})), ElementsAre("\0"s, "\0\0"s));
  for (const std::string& key : all) EXPECT_EQ(get(key), "");
  EXPECT_EQ(get("\0\0\0"s), std::nullopt);
}

TEST_P(StoreTest, AConflictIsAboutTheFirstRowThatDiffers) {
  ASSERT_TRUE(commit(Txn().put("a", "1").put("b", "").put("c", "3")));
  auto blamed = [&](Txn txn) { return commit(std::move(txn.put("d", "4"))).error().detail(); };
  EXPECT_EQ(blamed(Txn().require("a", "1").require_absent("b").require("c", "x")), "b");
  EXPECT_EQ(blamed(Txn().require("a", "1").require("b", "x").require_absent("c")), "b");
  EXPECT_EQ(blamed(Txn().require("a", "1").require("missing", "")), "missing");
  EXPECT_EQ(blamed(Txn().require("c", "3").require("a", "11")), "a");
  EXPECT_EQ(blamed(Txn().require("c", "3").require("a", "")), "a");
  EXPECT_EQ(get("d"), std::nullopt);
}

// More than an engine's answer may hold.
TEST_P(StoreTest, AConflictOfBigRowsNamesItsRow) {
  Txn txn;
  for (int i = 0; i < 12; ++i) {
    std::string key = "k" + std::to_string(i);
    ASSERT_TRUE(commit(Txn().without_sync().put(key, std::string(800000, 'x'))));
    txn.require(key, "y");
  }
  Result<> refused = commit(Txn(txn).put("k0", "z"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::conflict);
  EXPECT_EQ(refused.error().detail(), "k0");
}

TEST_P(StoreTest, ConditionsGuardTheWholeTransaction) {
  EXPECT_TRUE(commit(Txn().require_absent("a").put("a", "1").put("b", "1")));
  Result<> again = commit(Txn().require_absent("a").put("a", "2").put("b", "2"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Code::conflict);
  EXPECT_EQ(again.error().detail(), "a");
  Result<> second = commit(Txn().require("a", "1").require("b", "other").remove("a"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().detail(), "b");
  EXPECT_FALSE(commit(Txn().require("missing", "x").put("a", "3")));
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(get("b"), "1");
  EXPECT_TRUE(commit(Txn().require("a", "1").remove("a").put("c", "1")));
  EXPECT_EQ(get("a"), std::nullopt);
  EXPECT_EQ(get("c"), "1");
}

TEST_P(StoreTest, ConditionsAloneAreAQuestion) {
  EXPECT_TRUE(commit(Txn().put("a", "1")));
  EXPECT_TRUE(commit(Txn().require("a", "1").require_absent("b")));
  EXPECT_FALSE(commit(Txn().require_absent("a")));
  EXPECT_TRUE(commit(Txn()));
}

TEST_P(StoreTest, KeysComeInByteOrder) {
  EXPECT_TRUE(commit(Txn()
                         .put("b", "")
                         .put("a/b", "")
                         .put("a.txt", "")
                         .put("\xff", "")
                         .put("a", "")
                         .put("\x7f", "")
                         .put("\x80", "")));
  EXPECT_THAT(keys(scan(Range::prefix(""))),
              ElementsAre("a", "a.txt", "a/b", "b", "\x7f", "\x80", "\xff"));
}

TEST_P(StoreTest, RangesHaveAFirstAndAnEnd) {
  EXPECT_TRUE(commit(Txn().put("a", "").put("b", "").put("ba", "").put("c", "").put("d", "")));
  EXPECT_THAT(keys(scan({"b", "d"})), ElementsAre("b", "ba", "c"));
  EXPECT_THAT(keys(scan({"b", ""})), ElementsAre("b", "ba", "c", "d"));
  EXPECT_THAT(keys(scan({"", "b"})), ElementsAre("a"));
  EXPECT_THAT(keys(scan({"c", "c"})), ElementsAre());
  EXPECT_THAT(keys(scan({"d", "a"})), ElementsAre());
  EXPECT_THAT(keys(scan(Range::prefix("b"))), ElementsAre("b", "ba"));
  EXPECT_THAT(keys(scan(Range::prefix("b").after("b"))), ElementsAre("ba"));
  EXPECT_FALSE(scan({"b", "d"}).more);
}

TEST_P(StoreTest, APageSaysWhetherThereIsMore) {
  EXPECT_TRUE(commit(Txn().put("a", "1").put("b", "2").put("c", "3")));
  Page page = scan(Range::prefix(""), 2);
  EXPECT_THAT(page.rows, ElementsAre(Row{"a", "1"}, Row{"b", "2"}));
  EXPECT_TRUE(page.more);
  page = scan(Range::prefix("").after("b"), 2);
  EXPECT_THAT(page.rows, ElementsAre(Row{"c", "3"}));
  EXPECT_FALSE(page.more);
  EXPECT_FALSE(scan(Range::prefix(""), 3).more);
  EXPECT_EQ(run(store_->scan({}, 0, ctx())).error().code(), Code::invalid);
  EXPECT_TRUE(run(store_->scan({}, kMaxPageRows, ctx())));
  EXPECT_EQ(run(store_->scan({}, kMaxPageRows + 1, ctx())).error().code(), Code::invalid);
}

TEST_P(StoreTest, APageOfBigRowsEndsEarly) {
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(
        commit(Txn().without_sync().put("k" + std::to_string(i), std::string(900000, 'x'))));
  }
  Page page = scan(Range::prefix("k"));
  EXPECT_TRUE(page.more);
  EXPECT_EQ(page.rows.size(), 5u);  // the first count at or over 4 MiB
  EXPECT_EQ(run(scan_all(*store_, Range::prefix("k"), 10, ctx()))->size(), 10u);
}

TEST_P(StoreTest, APageEndsWithTheRowThatFillsIt) {
  // Eight rows fill a page to the byte.
  std::string value((kMaxPageBytes / 8) - 2, 'x');
  for (char k = 'a'; k < 'j'; ++k) {
    ASSERT_TRUE(commit(Txn().without_sync().put(std::string("k") + k, value)));
  }
  Page page = scan(Range::prefix("k"));
  EXPECT_EQ(page.rows.size(), 8u);
  EXPECT_TRUE(page.more);
  EXPECT_FALSE(scan({.from = "ka", .to = "ki"}).more);  // full, and nothing after it
  ASSERT_TRUE(commit(Txn().without_sync().put("ka", value.substr(1))));
  EXPECT_EQ(scan(Range::prefix("k")).rows.size(), 9u);
  EXPECT_FALSE(scan(Range::prefix("k")).more);
  page = scan(Range::prefix("k"), 3);
  EXPECT_EQ(page.rows.size(), 3u);
  EXPECT_TRUE(page.more);
}

TEST_P(StoreTest, ScanAllTakesEveryPage) {
  for (int i = 0; i < 1050; i += 50) {
    Txn txn;
    for (int k = i; k < i + 50; ++k) txn.put("k" + std::to_string(10000 + k), "v");
    ASSERT_TRUE(commit(std::move(txn.without_sync())));
  }
  EXPECT_EQ(run(scan_all(*store_, Range::prefix("k"), 1050, ctx()))->size(), 1050u);
  EXPECT_EQ(run(scan_all(*store_, Range::prefix("k"), 1049, ctx())).error().code(),
            Code::too_large);
}

TEST_P(StoreTest, OperationsHaveALimit) {
  Txn at;
  for (size_t i = 0; i < kMaxOperations; i += 2) {
    at.require_absent("a" + std::to_string(i)).put("k" + std::to_string(i), "v");
  }
  Txn past = at;
  past.remove("one more");
  Result<> refused = commit(past);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::too_large);
  EXPECT_EQ(get("k0"), std::nullopt);
  EXPECT_TRUE(commit(at));
  EXPECT_EQ(get("k98"), "v");
}

TEST_P(StoreTest, BytesHaveALimit) {
  EXPECT_TRUE(commit(Txn().put("k", std::string(kMaxTxnBytes - 1, 'x'))));
  EXPECT_EQ(commit(Txn().put("k", std::string(kMaxTxnBytes, 'x'))).error().code(), Code::too_large);
  std::string half(kMaxTxnBytes / 2, 'x');
  EXPECT_EQ(commit(Txn().require("k", half).put("k", half)).error().code(), Code::too_large);
}

TEST_P(StoreTest, KeysHaveALimit) {
  std::string at(kMaxKeyBytes, 'k'), past(kMaxKeyBytes + 1, 'k');
  EXPECT_TRUE(commit(Txn().put(at, "v")));
  EXPECT_EQ(get(at), "v");
  EXPECT_EQ(commit(Txn().put(past, "v")).error().code(), Code::too_large);
  EXPECT_EQ(commit(Txn().require_absent(past)).error().code(), Code::too_large);
  EXPECT_EQ(run(store_->get(past, ctx())).error().code(), Code::too_large);
  EXPECT_EQ(commit(Txn().put("", "v")).error().code(), Code::invalid);
  EXPECT_EQ(run(store_->get("", ctx())).error().code(), Code::invalid);
}

TEST_P(StoreTest, EveryLimitAtOnce) {
  Txn txn;
  size_t bytes = 0;
  for (size_t i = 0; i < kMaxOperations / 2; ++i) {
    std::string key = std::to_string(1000 + i);
    key.append(kMaxKeyBytes - key.size(), '\xff');
    txn.require_absent(key).put(key, "");
    bytes += 2 * key.size();
  }
  size_t left = kMaxTxnBytes - bytes;
  for (Txn::Change& change : txn.changes) {
    change.value->assign(std::min<size_t>(left, 16 << 10), '\0');
    left -= change.value->size();
  }
  txn.changes.back().value->append(left, '\0');
  Txn past = txn;
  past.changes.back().value->push_back('\0');
  EXPECT_EQ(commit(past).error().code(), Code::too_large);
  EXPECT_TRUE(commit(txn));
  EXPECT_EQ(scan(Range::prefix("1")).rows.size(), kMaxOperations / 2);
  EXPECT_EQ(get(txn.changes.back().key), txn.changes.back().value);
  EXPECT_EQ(commit(txn).error().detail(), txn.conditions.front().key);
}

TEST_P(StoreTest, ARowIsChangedOnceInATransaction) {
  EXPECT_EQ(commit(Txn().put("a", "1").remove("a")).error().code(), Code::invalid);
  EXPECT_EQ(commit(Txn().put("a", "1").put("a", "1")).error().code(), Code::invalid);
  EXPECT_EQ(get("a"), std::nullopt);
}

// Adds one to the row as often as asked; a lost race is tried again.
Task<> count_up(Store& store, int times, Context ctx) {
  for (int i = 0; i < times;) {
    std::optional<std::string> row = co_await co_await store.get("counter", ctx);
    Txn txn;
    if (row) {
      txn.require("counter", *row);
    } else {
      txn.require_absent("counter");
    }
    txn.put("counter", std::to_string(row ? std::stoi(*row) + 1 : 1));
    Result<> done = co_await store.commit(std::move(txn), ctx);
    if (done) {
      ++i;
    } else if (done.error().code() != Code::conflict) {
      co_return std::move(done.error());
    }
  }
  co_return ok;
}

Task<> count_together(Store& store, int tasks, int times, Context ctx) {
  io::Group group(ctx);
  for (int i = 0; i < tasks; ++i) group.spawn(count_up(store, times, ctx));
  co_return co_await group.join();
}

TEST_P(StoreTest, NoAdditionIsLostAmongManyLoops) {
  // The decorator belongs to one loop; the others are for all.
  size_t loops = GetParam() == Kind::faulty ? 1 : engine_->loops();
  std::atomic<size_t> left = loops;
  for (size_t l = 0; l < loops; ++l) {
    engine_->loop(l).post([&, l] {
      io::Loop& loop = engine_->loop(l);
      io::start<void>(loop, count_together(*store_, 4, 10, {.loop = &loop}), [&](Result<> result) {
        EXPECT_TRUE(result);
        if (--left == 0) engine_->stop();
      });
    });
  }
  engine_->run();
  EXPECT_EQ(get("counter"), std::to_string(loops * 40));
}

Task<> take_once(Store& store, std::string value, int& won, Context ctx) {
  Result<> done = co_await store.commit(Txn().require("row", "free").put("row", value), ctx);
  won += done ? 1 : 0;
  bool lost = !done && done.error().code() == Code::conflict && done.error().detail() == "row";
  co_return done || lost ? Result<>(ok) : done;
}

Task<> take_together(Store& store, int tasks, int& won, Context ctx) {
  io::Group group(ctx);
  for (int i = 0; i < tasks; ++i) {
    group.spawn(take_once(store, std::string("taken ").append(std::to_string(i)), won, ctx));
  }
  co_return co_await group.join();
}

TEST_P(StoreTest, OfManyOneWinsARow) {
  ASSERT_TRUE(commit(Txn().put("row", "free")));
  int won = 0;
  EXPECT_TRUE(run(take_together(*store_, 20, won, ctx())));
  EXPECT_EQ(won, 1);
  EXPECT_TRUE(get("row")->starts_with("taken "));
}

TEST_P(StoreTest, AStoreKnowsItsFormat) {
  EXPECT_TRUE(run(schema::ensure_format(*store_, ctx())));
  EXPECT_TRUE(run(schema::ensure_format(*store_, ctx())));
  EXPECT_TRUE(commit(Txn().put("format", R"({"version":2})")));
  EXPECT_EQ(run(schema::ensure_format(*store_, ctx())).error().code(), Code::invalid);
}

TEST(Range, PrefixEndsAfterTheLastKeyThatBeginsSo) {
  EXPECT_EQ(Range::prefix("a/").to, "a0");
  EXPECT_EQ(Range::prefix("a\xff\xff").to, "b");
  EXPECT_EQ(Range::prefix("\xff").to, "");
  EXPECT_EQ(Range::prefix("").to, "");
  EXPECT_EQ(Range::prefix("\x7f").to, "\x80");
}

}  // namespace
}  // namespace forebay::meta
