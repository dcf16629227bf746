// A real PostgreSQL and its synchronous standby, which takes over; and the old primary, which
// nobody has told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "meta/postgres/postgres_server_test.h"

namespace forebay::meta {
namespace {

class PostgresTakeOverTest : public testing::Test {
 protected:
  Context ctx() { return {.loop = &engine_->loop(0)}; }
  Context within(Duration time) { return ctx().until(engine_->loop(0).now() + time); }
  template <class T>
  Result<T> run(Task<T> task) {
    return engine_->run_task(std::move(task));
  }
  std::unique_ptr<PostgresStore> store(PostgresUrl url) {
    auto made = run(PostgresStore::open({.url = std::move(url), .connections = 4}, ctx()));
    EXPECT_TRUE(made) << made.error().text();
    return std::move(made.value());
  }
  static void await(PostgresServer& server, const std::string& question) {
    for (int i = 0; i < 500 && server.sql(question) != "t"; ++i) ::poll(nullptr, 0, 20);
    EXPECT_EQ(server.sql(question), "t");
  }

  std::unique_ptr<io::Engine> engine_ =
      std::move(io::Engine::make({.loops = 1, .pool_threads = 2}).value());
};

TEST_F(PostgresTakeOverTest, WhoTakesOverHasAllAndTheOldPrimaryAnswersNothing) {
  PostgresServer primary;
  PostgresServer standby(primary.port());
  primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
  primary.sql("SELECT pg_reload_conf()");
  await(primary, "SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'");
  PostgresUrl url = standby.url("c");
  url.endpoints.push_back(primary.url("c").endpoints[0]);
  // The standby is asked first, and takes no writes.
  auto made = store(url);
  EXPECT_TRUE(run(made->commit(Txn().put("a", "1"), ctx())));
  EXPECT_EQ(run(made->get("a", ctx())).value(), "1");

  primary.kill();
  standby.sql("SELECT pg_promote()");
  EXPECT_TRUE(run(made->commit(Txn().require("a", "1").put("b", "1"), ctx())));
  EXPECT_EQ(run(made->get("b", ctx())).value(), "1");

  // It begins anew, as the primary that it was; who follows it is gone.
  primary.restart();
  auto late = store(primary.url("c"));
  // A row that was there is still told, and leaves a connection that the deadline need not wait
  // for.
  auto soon = [&] {
    EXPECT_EQ(run(late->get("a", ctx())).value(), "1");
    return within(milliseconds(300));
  };
  for (const char* key : {"b", "c"}) {
    EXPECT_EQ(run(late->get(key, soon())).error().code(), Code::timeout);
  }
  EXPECT_EQ(run(late->scan({}, 10, soon())).error().code(), Code::timeout);
  EXPECT_EQ(run(late->commit(Txn().require_absent("b"), soon())).error().code(), Code::timeout);
  EXPECT_EQ(run(late->commit(Txn().put("d", "1"), soon())).error().code(), Code::unavailable);
  EXPECT_EQ(run(made->get("d", ctx())).value(), std::nullopt);
}

}  // namespace
}  // namespace forebay::meta
