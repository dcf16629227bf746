// A real PostgreSQL that dies or hangs amid commits, and stores on several loops that race.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "io/sync.h"
#include "meta/postgres/postgres_server_test.h"

namespace forebay::meta {
namespace {

using testing::ElementsAre;

class PostgresCrashTest : public testing::Test {
 protected:
  Context ctx() { return {.loop = &engine_->loop(0)}; }
  Context within(Duration time) { return ctx().until(engine_->loop(0).now() + time); }
  template <class T>
  Result<T> run(Task<T> task) {
    return engine_->run_task(std::move(task));
  }
  std::unique_ptr<PostgresStore> store(PostgresServer& server, size_t connections = 4) {
    PostgresOptions options{.url = server.url(name_), .connections = connections};
    auto made = run(PostgresStore::open(std::move(options), ctx()));
    EXPECT_TRUE(made) << made.error().text();
    return std::move(made.value());
  }

  std::unique_ptr<io::Engine> engine_ =
      std::move(io::Engine::make({.loops = 2, .pool_threads = 2}).value());
  const std::string name_ = PostgresServer::new_name();
};

/// What the writers of one test know.
struct Book {
  std::set<std::string> done, unknown;
  std::vector<std::string> wrong;
  std::string last;  ///< an acknowledged row
  int after = 0;     ///< acknowledged since the server died
  bool dead = false;
};

constexpr int kBookWriters = 6;
constexpr int kDoneBefore = 200;
constexpr int kDoneAfter = 100;

Task<> write_book(Store& store, int writer, Book& book, Context ctx) {
  for (int i = 0; i < 20000 && book.after < kDoneAfter; ++i) {
    std::string key = std::string("w").append(std::to_string(writer * 100000 + i));
    Context one = ctx.until(ctx.loop->now() + seconds(30));
    Result<> done = co_await store.commit(Txn().require_absent(key).put(key, "v"), one);
    if (done) {
      book.done.insert(key);
      book.last = key;
      book.after += book.dead ? 1 : 0;
    } else if (done.error().code() == Code::unavailable) {
      book.unknown.insert(key);
    } else if (done.error().code() != Code::busy) {
      book.wrong.push_back(done.error().text());
    }
  }
  co_return ok;
}

Task<> read_book(Store& store, Book& book, Context ctx) {
  for (int i = 0; i < 100000 && book.after < kDoneAfter; ++i) {
    std::string key = book.last;
    if (key.empty()) {
      co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(1), ctx);
      continue;
    }
    Context one = ctx.until(ctx.loop->now() + seconds(30));
    Result<std::optional<std::string>> row = co_await store.get(key, one);
    if (!row) book.wrong.push_back(row.error().text());
    if (row && !*row) book.wrong.push_back("lost: " + key);
  }
  co_return ok;
}

Task<> kill_server(PostgresServer& server, Book& book, Context ctx) {
  while (book.done.size() < kDoneBefore) {
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(1), ctx);
  }
  co_return co_await io::run_blocking(ctx, [&]() -> Result<> {
    server.kill();
    server.restart();
    book.dead = true;
    return ok;
  });
}

Task<> write_and_kill(std::vector<std::unique_ptr<PostgresStore>>& stores, PostgresServer& server,
                      Book& book, Context ctx) {
  io::Group group(ctx);
  for (int i = 0; i < kBookWriters; ++i) {
    group.spawn(write_book(*stores[static_cast<size_t>(i) % stores.size()], i, book, ctx));
  }
  group.spawn(read_book(*stores[0], book, ctx));
  group.spawn(kill_server(server, book, ctx));
  co_return co_await group.join();
}

TEST_F(PostgresCrashTest, AServerThatDiesLosesNothingAcknowledged) {
  PostgresServer server;
  std::vector<std::unique_ptr<PostgresStore>> stores;
  for (int i = 0; i < 2; ++i) stores.push_back(store(server));
  Book book;
  EXPECT_TRUE(run(write_and_kill(stores, server, book, ctx())));
  EXPECT_THAT(book.wrong, ElementsAre());
  EXPECT_GE(book.after, kDoneAfter);
  std::set<std::string> there;
  for (Row& row : run(scan_all(*stores[1], Range::prefix("w"), 1000000, ctx())).value()) {
    there.insert(std::move(row.key));
  }
  for (const std::string& key : book.done) EXPECT_TRUE(there.contains(key)) << key;
  for (const std::string& key : there) {
    EXPECT_TRUE(book.done.contains(key) || book.unknown.contains(key)) << key;
  }
}

Task<> put_into(Store& store, std::string key, std::vector<Code>& codes, Context ctx) {
  Result<> done = co_await store.commit(Txn().put(key, "1"), ctx);
  EXPECT_FALSE(done);
  if (!done) codes.push_back(done.error().code());
  co_return ok;
}

Task<> put_many(Store& store, int count, std::vector<Code>& codes, Context ctx) {
  io::Group group(ctx);
  for (int i = 0; i < count; ++i) {
    group.spawn(put_into(store, std::string("k").append(std::to_string(i)), codes, ctx));
  }
  co_return co_await group.join();
}

TEST_F(PostgresCrashTest, AServerThatHangsLeavesUnknownOnlyWhatItWasAsked) {
  PostgresServer& server = PostgresServer::shared();
  auto made = store(server, 2);
  ASSERT_TRUE(run(made->commit(Txn().put("a", "1"), ctx())));
  server.pause();
  std::vector<Code> codes;
  EXPECT_TRUE(run(put_many(*made, 10, codes, within(milliseconds(300)))));
  EXPECT_EQ(codes.size(), 10U);
  EXPECT_EQ(std::ranges::count(codes, Code::unavailable), 2);
  EXPECT_EQ(std::ranges::count(codes, Code::busy), 8);
  EXPECT_EQ(run(made->get("a", within(milliseconds(100)))).error().code(), Code::busy);
  server.resume();
  EXPECT_EQ(run(made->get("a", ctx())).value(), "1");
  EXPECT_LE(run(made->scan(Range::prefix("k"), 100, ctx()))->rows.size(), 2U);
}

// Runs `make`'s task on loop 1, of which `token` is cancelled a little later, when the server has
// been asked.
template <class T>
Result<T> cancelled_there(io::Engine& engine, Task<T> task, CancelToken& token) {
  std::optional<Result<T>> out;
  int left = 2;
  auto one_ended = [&] {
    if (--left == 0) engine.stop();
  };
  io::Loop& loop = engine.loop(1);
  loop.post([&] {
    io::start<T>(loop, std::move(task), [&](Result<T> result) {
      out.emplace(std::move(result));
      one_ended();
    });
    io::start<void>(loop, io::sleep_until(loop.now() + milliseconds(50), {.loop = &loop}),
                    [&](Result<>) {
                      token.cancel();
                      one_ended();
                    });
  });
  engine.run();
  return std::move(*out);
}

TEST_F(PostgresCrashTest, ACancelIsHeardOnTheStoresLoop) {
  PostgresServer& server = PostgresServer::shared();
  auto made = store(server);
  ASSERT_TRUE(run(made->commit(Txn().put("a", "1"), ctx())));
  io::Loop& there = engine_->loop(1);
  for (bool before : {false, true}) {
    CancelToken first, second;
    if (before) first.cancel();
    if (before) second.cancel();
    server.pause();
    Context one = Context{.loop = &there}.under(first), two = Context{.loop = &there}.under(second);
    EXPECT_EQ(
        cancelled_there(*engine_, made->commit(Txn().put("b", "1"), one), first).error().code(),
        before ? Code::cancelled : Code::unavailable);
    EXPECT_EQ(cancelled_there(*engine_, made->get("a", two), second).error().code(),
              Code::cancelled);
    server.resume();
  }
  EXPECT_EQ(run(made->get("a", ctx())).value(), "1");
}

/// Who has won each row, and who was told so wrongly.
struct Race {
  static constexpr int kRows = 40;
  std::atomic<int> won[kRows] = {}, left = 0;
  std::atomic<int> wrong = 0;
};

// Each row is fought for by all, together with its neighbour, in either order.
Task<> race_for_all(Store& store, std::string who, bool absent, bool backwards, Race& race,
                    Context ctx) {
  for (int i = 0; i < Race::kRows; ++i) {
    std::string key = "r" + std::to_string(i), beside = "s" + std::to_string(i);
    if (backwards) std::swap(key, beside);
    Txn txn;
    if (absent) {
      txn.require_absent(key).require_absent(beside);
    } else {
      txn.require(key, "free").require(beside, "free");
    }
    txn.put(key, who).put(beside, who);
    Result<> done = co_await store.commit(std::move(txn), ctx);
    if (done) ++race.won[i];
    if (!done && done.error().code() != Code::conflict) ++race.wrong;
  }
  co_return ok;
}

class PostgresRaceTest : public PostgresCrashTest, public testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(Rows, PostgresRaceTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Absent" : "Present"; });

TEST_P(PostgresRaceTest, OfAllStoresOneWins) {
  PostgresServer& server = PostgresServer::shared();
  std::vector<std::unique_ptr<PostgresStore>> stores;
  for (int i = 0; i < 2; ++i) stores.push_back(store(server));
  for (int i = 0; i < Race::kRows && !GetParam(); ++i) {
    Txn txn = Txn().put("r" + std::to_string(i), "free").put("s" + std::to_string(i), "free");
    ASSERT_TRUE(run(stores[0]->commit(std::move(txn), ctx())));
  }
  Race race;
  constexpr int kRacers = 8;
  race.left = kRacers;
  for (int i = 0; i < kRacers; ++i) {
    io::Loop& loop = engine_->loop(static_cast<size_t>(i) / 2 % 2);
    Store& one = *stores[static_cast<size_t>(i) % 2];
    loop.post([&, i] {
      io::start<void>(
          loop, race_for_all(one, std::to_string(i), GetParam(), i % 3 == 0, race, {.loop = &loop}),
          [&](Result<>) {
            if (--race.left == 0) engine_->stop();
          });
    });
  }
  engine_->run();
  EXPECT_EQ(race.wrong, 0);
  for (int i = 0; i < Race::kRows; ++i) {
    EXPECT_EQ(race.won[i], 1) << i;
    std::string key = "r" + std::to_string(i), beside = "s" + std::to_string(i);
    EXPECT_EQ(run(stores[0]->get(key, ctx())).value(), run(stores[0]->get(beside, ctx())).value());
  }
}

}  // namespace
}  // namespace forebay::meta
