// What the contract of stores (store_test.cpp) cannot ask of every engine: a real PostgreSQL that
// hangs, loses connections, refuses, or is not as it should be.
#include "meta/postgres/postgres_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/sync.h"
#include "meta/postgres/postgres_proxy_test.h"
#include "meta/postgres/postgres_server_test.h"
#include "meta/postgres/sql.h"

namespace forebay::meta {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class PostgresStoreTest : public testing::Test {
 protected:
  Context ctx() { return {.loop = &engine_->loop(0)}; }
  Context within(Duration time) { return ctx().until(engine_->loop(0).now() + time); }
  template <class T>
  Result<T> run(Task<T> task) {
    return engine_->run_task(std::move(task));
  }
  Result<std::unique_ptr<PostgresStore>> open(PostgresUrl url, Context context) {
    return run(PostgresStore::open({.url = std::move(url), .connections = 4}, context));
  }
  std::unique_ptr<PostgresStore> store(PostgresUrl url) {
    auto made = open(std::move(url), ctx());
    EXPECT_TRUE(made) << made.error().text();
    return std::move(made.value());
  }
  Result<> put(PostgresStore& to, std::string key, Context context) {
    return run(to.commit(Txn().put(std::move(key), "1"), context));
  }
  std::optional<std::string> get(PostgresStore& from, std::string key) {
    return run(from.get(std::move(key), ctx())).value();
  }
  /// A session of somebody else, who may do everything.
  std::unique_ptr<PgConnection> session() {
    uint16_t port = server_.port();
    auto made = run(PgConnection::open(PostgresServer::url("x", port, PostgresServer::kAdmin),
                                       {"127.0.0.1", port}, {"127.0.0.1", port}, ctx()));
    EXPECT_TRUE(made) << made.error().text();
    return std::move(made.value());
  }
  void say(PgConnection& session, std::string sql) {
    PgFault fault;
    auto said = run(session.script(std::move(sql), fault, ctx()));
    EXPECT_TRUE(said) << said.error().text();
  }
  /// Whom a session of the store waits for, within a minute; as pg_stat_activity calls it.
  void await_wait(const std::string& what) {
    for (int i = 0; i < 500; ++i) {
      if (server_.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'forebay' "
                      "AND usename = 'forebay' AND wait_event = '" +
                      what + "'") != "0") {
        return;
      }
      ::poll(nullptr, 0, 20);
    }
    ADD_FAILURE() << "nobody waits for " << what;
  }
  /// Starts a call of which the test has yet to hear.
  template <class T>
  void begin(Task<T> task, std::optional<Result<T>>& into) {
    io::start<T>(engine_->loop(0), std::move(task),
                 [&into](Result<T> result) { into.emplace(std::move(result)); });
    (void)run(io::yield(ctx()));
  }
  template <class T>
  Result<T> end(std::optional<Result<T>>& begun) {
    for (int i = 0; i < 30000 && !begun; ++i) {
      (void)run(io::sleep_until(engine_->loop(0).now() + milliseconds(1), ctx()));
    }
    EXPECT_TRUE(begun);
    return std::move(*begun);
  }

  std::unique_ptr<io::Engine> engine_ =
      std::move(io::Engine::make({.loops = 2, .pool_threads = 2}).value());
  PostgresServer& server_ = PostgresServer::shared();
  const std::string name_ = PostgresServer::new_name();
};

/// Of nobody's key.
constexpr std::string_view kOtherCertificate = R"(-----BEGIN CERTIFICATE-----
MIIBdzCCAR2gAwIBAgIUHM47IXu7VPZR0/lSdzivvrxFvM4wCgYIKoZIzj0EAwIw
EDEOMAwGA1UEAwwFb3RoZXIwIBcNMjYxMjAxMTE1MTEwWhgPMjEyNjExMDcxMTUx
MTBaMBAxDjAMBgNVBAMMBW90aGVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
nexpDfHjdKmOPKMSl1cyr4eIg8zwBgMWNLSo5tMkafBhtJT//vgNq0ui+hYtPYi/
qJXyBDrBB0rwHHhhQV0Zt6NTMFEwHQYDVR0OBBYEFCNIrE6gmnpo0YJMdHg7pEds
LKLjMB8GA1UdIwQYMBaAFCNIrE6gmnpo0YJMdHg7pEdsLKLjMA8GA1UdEwEB/wQF
MAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgWt6dod5AKqJGF0Uys2r+1MeLcshZUFJS
JZ5sBa5CpsoCIQD1N+w/cGGJLB8yZgTnwcxMa/0HUhgt10tkLfofl+FyCg==
-----END CERTIFICATE-----
)";

/// A setting of the whole server, as long as this is there.
class ServerSetting {
 public:
  ServerSetting(PostgresServer& server, std::string name, const std::string& value)
      : server_(server), name_(std::move(name)) {
    server.sql("ALTER SYSTEM SET " + name_ + " = " + value);
    reload();
  }
  ServerSetting(const ServerSetting&) = delete;
  ServerSetting& operator=(const ServerSetting&) = delete;
  ~ServerSetting() {
    server_.sql("ALTER SYSTEM RESET " + name_);
    reload();
  }

 private:
  // New sessions have what a session that was made after it has; poll for it.
  void reload() {
    const std::string before = server_.sql("SELECT pg_conf_load_time()");
    server_.sql("SELECT pg_reload_conf()");
    for (int i = 0; i < 500 && server_.sql("SELECT pg_conf_load_time()") == before; ++i) {
      ::poll(nullptr, 0, 10);
    }
  }
  PostgresServer& server_;
  const std::string name_;
};

TEST_F(PostgresStoreTest, ClustersOfOneDatabaseDoNotMeet) {
  static int runs = 0;  // of one process; the server outlives each
  const std::string mark = "m" + std::to_string(++runs);
  std::vector<std::unique_ptr<PostgresStore>> stores;
  for (std::string end : {"east", "eas", "east-", "east.1", "EAST", "west"}) {
    std::string name = mark + end;
    stores.push_back(store(server_.url(name)));
    EXPECT_TRUE(run(stores.back()->commit(
        Txn().require_absent("row").require_absent("\xff").put("row", name).put("\xff", name),
        ctx())));
    Page page = run(stores.back()->scan({}, kMaxPageRows, ctx())).value();
    EXPECT_THAT(page.rows, ElementsAre(Row{"row", name}, Row{"\xff", name}));
  }
  EXPECT_TRUE(run(stores[0]->commit(Txn().remove("row").remove("\xff"), ctx())));
  EXPECT_THAT(run(stores[0]->scan({}, kMaxPageRows, ctx()))->rows, ElementsAre());
  EXPECT_EQ(get(*stores[1], "row"), mark + "eas");
}

TEST_F(PostgresStoreTest, WhoComesSecondFindsTheRows) {
  auto first = store(server_.url(name_));
  EXPECT_TRUE(put(*first, "a", ctx()));
  EXPECT_EQ(get(*store(server_.url(name_)), "a"), "1");
}

Task<> open_one(PostgresUrl url, std::unique_ptr<PostgresStore>& into, Context ctx) {
  into = co_await co_await PostgresStore::open({.url = std::move(url), .connections = 2}, ctx);
  co_return ok;
}

Task<> open_together(PostgresUrl url, std::vector<std::unique_ptr<PostgresStore>>& into,
                     Context ctx) {
  io::Group group(ctx);
  for (std::unique_ptr<PostgresStore>& one : into) group.spawn(open_one(url, one, ctx));
  co_return co_await group.join();
}

TEST_F(PostgresStoreTest, ManyMayMakeTheTablesAtOnce) {
  std::vector<std::unique_ptr<PostgresStore>> stores(8);
  Result<> opened = run(open_together(server_.url(name_), stores, ctx()));
  ASSERT_TRUE(opened) << opened.error().text();
  EXPECT_TRUE(put(*stores.front(), "a", ctx()));
  EXPECT_EQ(get(*stores.back(), "a"), "1");
}

TEST_F(PostgresStoreTest, NobodyThereIsAnErrorThatNamesThem) {
  std::vector<uint16_t> ports = free_ports(2);
  std::string servers =
      "127.0.0.1:" + std::to_string(ports[0]) + ",127.0.0.1:" + std::to_string(ports[1]);
  auto refused =
      open(PostgresUrl::parse("postgres://me:hush@" + servers + "/db?sslmode=disable").value(),
           within(milliseconds(300)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::busy);
  for (uint16_t port : ports) {
    EXPECT_THAT(refused.error().text(),
                HasSubstr("PostgreSQL 127.0.0.1:" + std::to_string(port) + ": "));
  }
  EXPECT_THAT(refused.error().text(), Not(HasSubstr("hush")));
}

TEST_F(PostgresStoreTest, WhoIsNotThereIsPassedOver) {
  PostgresUrl url = server_.url(name_);
  url.endpoints.insert(url.endpoints.begin(), {"127.0.0.1", free_ports(1)[0]});
  auto made = store(url);
  EXPECT_TRUE(put(*made, "a", ctx()));
  EXPECT_EQ(get(*made, "a"), "1");
}

TEST_F(PostgresStoreTest, APasswordOpensAndAWrongOneDoesNot) {
  // Of a run before this one in the same process.
  server_.sql(
      "DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'guarded') THEN "
      "DROP OWNED BY guarded; DROP ROLE guarded; END IF; END $$");
  server_.sql("CREATE ROLE guarded LOGIN PASSWORD 'p:/@#'");
  server_.sql("GRANT CREATE ON DATABASE forebay TO guarded");
  auto url = [&](const std::string& password, const std::string& database) {
    return PostgresUrl::parse("postgres://guarded" + password +
                              "@127.0.0.1:" + std::to_string(server_.port()) + "/" + database +
                              "?sslmode=disable#" + name_)
        .value();
  };
  EXPECT_TRUE(put(*store(url(":p%3A%2F%40%23", "forebay")), "a", ctx()));
  for (const char* wrong : {":p%3A%2F%40%23hush", ""}) {
    auto refused = open(url(wrong, "forebay"), ctx());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::denied) << refused.error().text();
    EXPECT_THAT(refused.error().text(), AllOf(HasSubstr(std::to_string(server_.port())),
                                              HasSubstr("password"), Not(HasSubstr("hush"))));
  }
  auto missing = open(url(":p%3A%2F%40%23", "nowhere"), ctx());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::invalid) << missing.error().text();
  EXPECT_THAT(missing.error().text(), HasSubstr("nowhere"));
}

TEST_F(PostgresStoreTest, AServerThatCouldLoseCommitsIsRefusedByName) {
  struct Unsafe {
    std::string setting, value, word;
  };
  for (const Unsafe& unsafe : {Unsafe{"synchronous_commit", "off", "synchronous_commit is off"},
                               {"synchronous_commit", "local", "synchronous_commit is local"},
                               {"synchronous_commit", "remote_write", "is remote_write"},
                               {"fsync", "off", "fsync is off"},
                               {"full_page_writes", "off", "full_page_writes is off"}}) {
    ServerSetting setting(server_, unsafe.setting, unsafe.value);
    auto refused = open(server_.url(name_), ctx());
    ASSERT_FALSE(refused) << unsafe.word;
    EXPECT_EQ(refused.error().code(), Code::invalid);
    EXPECT_THAT(refused.error().text(),
                AllOf(HasSubstr(unsafe.word), HasSubstr("PostgreSQL 127.0.0.1:"),
                      HasSubstr(std::to_string(server_.port()))));
  }
  ServerSetting stronger(server_, "synchronous_commit", "remote_apply");
  EXPECT_TRUE(put(*store(server_.url(name_)), "a", ctx()));
}

TEST_F(PostgresStoreTest, WhatComesBetweenIsRefusedByName) {
  PostgresProxy proxy(*engine_, server_.port());
  proxy.lies = true;
  auto refused = open(PostgresServer::url(name_, proxy.port()), ctx());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::invalid);
  EXPECT_THAT(refused.error().text(), HasSubstr("PgBouncer"));
}

TEST_F(PostgresStoreTest, LocksThatExcludeNobodyAreRefusedByName) {
  for (std::string fake : {"pg_try_advisory_xact_lock", "pg_try_advisory_xact_lock_shared"}) {
    for (std::string answer : {"true", "false"}) {
      if (fake == "pg_try_advisory_xact_lock" && answer == "false") continue;
      // What is of the system is of each database alone.
      server_.sql("DROP DATABASE IF EXISTS elsewhere");
      server_.sql("CREATE DATABASE elsewhere OWNER forebay");
      PostgresUrl url = server_.url(name_);
      url.database = "elsewhere";
      EXPECT_TRUE(put(*store(url), "a", ctx()));
      PostgresUrl admin = url;
      admin.user = PostgresServer::kAdmin;
      io::Address at = admin.endpoints[0];
      auto other = std::move(run(PgConnection::open(admin, at, at, ctx())).value());
      say(*other, "SET allow_system_table_mods = on");
      say(*other, "CREATE OR REPLACE FUNCTION pg_catalog." + fake +
                      "(bigint) RETURNS bool LANGUAGE sql AS 'SELECT " + answer + "'");
      other.reset();
      auto refused = open(url, ctx());
      ASSERT_FALSE(refused) << fake << " " << answer;
      EXPECT_EQ(refused.error().code(), Code::invalid);
      EXPECT_THAT(refused.error().text(), HasSubstr("advisory locks"));
    }
  }
}

TEST_F(PostgresStoreTest, AServerThatTakesNoWritesIsWaitedFor) {
  auto made = store(server_.url(name_));
  EXPECT_TRUE(put(*made, "a", ctx()));
  std::optional<Result<>> later;
  {
    ServerSetting setting(server_, "default_transaction_read_only", "on");
    auto refused = open(server_.url(name_), within(milliseconds(300)));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::busy);
    EXPECT_THAT(refused.error().text(), HasSubstr(std::to_string(server_.port())));
    // What is connected learns of it by its own commit; so nothing has happened.
    Result<> done = put(*made, "b", within(milliseconds(300)));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), Code::busy) << done.error().text();
    begin(made->commit(Txn().put("c", "1"), ctx()), later);
    // Long enough for every try that it has, were it to go on with that session.
    (void)run(io::sleep_until(engine_->loop(0).now() + milliseconds(300), ctx()));
    EXPECT_FALSE(later);
  }
  EXPECT_TRUE(end(later));
  EXPECT_EQ(get(*made, "b"), std::nullopt);
  EXPECT_EQ(get(*made, "c"), "1");
}

TEST_F(PostgresStoreTest, ACommitWhoseAnswerIsLostIsUnknownAndNotRepeated) {
  PostgresProxy proxy(*engine_, server_.port());
  auto made = store(PostgresServer::url(name_, proxy.port()));
  auto beside = store(server_.url(name_));
  Txn txn = Txn().require_absent("a").put("a", "1");
  proxy.lost_answers = 1;
  Result<> done = run(made->commit(txn, ctx()));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::unavailable);
  EXPECT_THAT(done.error().text(), HasSubstr("PostgreSQL 127.0.0.1:"));
  EXPECT_EQ(get(*beside, "a"), "1");
  // The same seen from here, of one that never came there.
  proxy.lost_questions = 1;
  EXPECT_EQ(put(*made, "b", ctx()).error().code(), Code::unavailable);
  EXPECT_EQ(get(*beside, "b"), std::nullopt);
  EXPECT_TRUE(put(*made, "b", ctx()));
}

TEST_F(PostgresStoreTest, WhatChangesNothingIsAskedAgain) {
  PostgresProxy proxy(*engine_, server_.port());
  auto made = store(PostgresServer::url(name_, proxy.port()));
  EXPECT_TRUE(put(*made, "a", ctx()));
  for (int* lost : {&proxy.lost_answers, &proxy.lost_questions}) {
    *lost = 1;
    EXPECT_EQ(get(*made, "a"), "1");
    *lost = 1;
    EXPECT_EQ(run(made->scan({}, 10, ctx()))->rows.size(), 1U);
    *lost = 1;
    EXPECT_TRUE(run(made->commit(Txn().require("a", "1"), ctx())));
    EXPECT_EQ(*lost, 0);
  }
  // Not for ever.
  proxy.lost_questions = 1000;
  EXPECT_FALSE(run(made->get("a", within(seconds(1)))));
}

TEST_F(PostgresStoreTest, AConnectionThatWasEndedIsNotUsed) {
  auto made = store(server_.url(name_));
  EXPECT_TRUE(put(*made, "a", ctx()));
  server_.sql(
      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
      "WHERE usename = 'forebay'");
  EXPECT_TRUE(put(*made, "b", ctx()));
}

TEST_F(PostgresStoreTest, ASessionThatIsEndedAmidACommitLeavesItUnknown) {
  auto made = store(server_.url(name_));
  EXPECT_TRUE(put(*made, "a", ctx()));
  auto other = session();
  say(*other, "BEGIN; SELECT * FROM " + server_.url(name_).schema() + ".rows FOR UPDATE");
  std::optional<Result<>> begun;
  begin(made->commit(Txn().require("a", "1").put("a", "2"), ctx()), begun);
  await_wait("transactionid");
  say(*other,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
      "WHERE wait_event = 'transactionid'");
  EXPECT_EQ(end(begun).error().code(), Code::unavailable);
}

TEST_F(PostgresStoreTest, ACommitThatTheServerStopsHasNotHappened) {
  auto made = store(server_.url(name_));
  EXPECT_TRUE(put(*made, "a", ctx()));
  auto other = session();
  say(*other, "BEGIN; SELECT * FROM " + server_.url(name_).schema() + ".rows FOR UPDATE");
  std::optional<Result<>> begun;
  begin(made->commit(Txn().require("a", "1").put("a", "2"), ctx()), begun);
  await_wait("transactionid");
  say(*other,
      "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
      "WHERE wait_event = 'transactionid'");
  EXPECT_EQ(end(begun).error().code(), Code::busy);
  say(*other, "ROLLBACK");
  EXPECT_EQ(get(*made, "a"), "1");
}

TEST_F(PostgresStoreTest, AWaitForTheStandbyThatIsGivenUpLeavesItUnknown) {
  auto made = store(server_.url(name_));
  EXPECT_TRUE(put(*made, "a", ctx()));
  std::optional<Result<>> commit;
  {
    ServerSetting setting(server_, "synchronous_standby_names", "'nobody'");
    begin(made->commit(Txn().put("b", "1"), ctx()), commit);
    await_wait("SyncRep");
    // Who is primary no more cannot say that a row is not there. What is there is told, and leaves
    // a connection that the deadline need not wait for.
    auto soon = [&] {
      EXPECT_EQ(get(*made, "a"), "1");
      return within(milliseconds(200));
    };
    EXPECT_EQ(run(made->get("c", soon())).error().code(), Code::timeout);
    EXPECT_EQ(run(made->scan({}, 10, soon())).error().code(), Code::timeout);
    EXPECT_EQ(run(made->commit(Txn().require_absent("c"), soon())).error().code(), Code::timeout);
    EXPECT_EQ(put(*made, "d", soon()).error().code(), Code::unavailable);
    server_.sql(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
        "WHERE wait_event = 'SyncRep'");
    Result<> done = end(commit);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), Code::unavailable);
    EXPECT_THAT(done.error().text(), HasSubstr("PostgreSQL 127.0.0.1:"));
  }
  EXPECT_TRUE(put(*made, "e", ctx()));
}

TEST_F(PostgresStoreTest, WhatTheServerRollsBackForOthersIsTriedAgain) {
  auto made = store(server_.url(name_));
  const std::string schema = server_.url(name_).schema();
  server_.sql("CREATE SEQUENCE " + schema + ".tries");
  server_.sql("GRANT ALL ON SEQUENCE " + schema + ".tries TO forebay");
  auto fail_for = [&](const std::string& state, int times) {
    server_.sql("ALTER SEQUENCE " + schema + ".tries RESTART");
    server_.sql(
        "CREATE OR REPLACE FUNCTION " + schema + ".refuse() RETURNS trigger LANGUAGE " +
        "plpgsql AS $$ BEGIN IF nextval('" + schema + ".tries') <= " + std::to_string(times) +
        " THEN RAISE EXCEPTION 'no' USING ERRCODE = '" + state + "'; END IF; RETURN NEW; END $$");
  };
  fail_for("40001", 0);
  server_.sql("CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON " + schema +
              ".rows FOR EACH ROW EXECUTE FUNCTION " + schema + ".refuse()");
  for (const char* state : {"40001", "40P01", "53200"}) {
    fail_for(state, PostgresStore::kTries - 1);
    EXPECT_TRUE(put(*made, "a", ctx())) << state;
    fail_for(state, PostgresStore::kTries);
    EXPECT_EQ(put(*made, "b", ctx()).error().code(), Code::busy) << state;
    EXPECT_TRUE(put(*made, "b", ctx())) << state;
  }
  for (auto [state, code] : {std::pair{"53100", Code::busy}, std::pair{"42501", Code::denied},
                             std::pair{"XX001", Code::corrupt}, std::pair{"XX000", Code::internal},
                             std::pair{"23505", Code::internal}}) {
    fail_for(state, 1);
    Result<> done = put(*made, "c", ctx());
    ASSERT_FALSE(done) << state;
    EXPECT_EQ(done.error().code(), code) << state;
    EXPECT_THAT(done.error().text(), HasSubstr(state));
    EXPECT_EQ(get(*made, "c"), std::nullopt);
  }
}

TEST_F(PostgresStoreTest, ARowThatCameWhileOthersWereWaitedForIsNoAnswer) {
  auto made = store(server_.url(name_));
  const std::string rows = server_.url(name_).schema() + ".rows";
  EXPECT_TRUE(run(made->commit(Txn().put("a", "1").put("k", "1"), ctx())));
  auto other = session();
  say(*other, "BEGIN; SELECT * FROM " + rows + " WHERE key = 'a' FOR UPDATE");
  std::optional<Result<>> begun;
  begin(made->commit(Txn().require("a", "1").require("k", "1").put("a", "2"), ctx()), begun);
  await_wait("transactionid");
  // It is there again, as it was; but not the row that the commit saw, and it does not hold it.
  EXPECT_TRUE(run(made->commit(Txn().remove("k"), ctx())));
  EXPECT_TRUE(put(*made, "k", ctx()));
  say(*other, "COMMIT");
  Result<> done = end(begun);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::conflict);
  EXPECT_EQ(done.error().detail(), "k");
}

TEST_F(PostgresStoreTest, WhatIsDecidedIsWhatIsThereAfterTheWait) {
  auto made = store(server_.url(name_));
  const std::string rows = server_.url(name_).schema() + ".rows";
  EXPECT_TRUE(put(*made, "a", ctx()));
  auto other = session();
  for (std::string value : {"1", "2"}) {
    say(*other, "BEGIN; UPDATE " + rows + " SET value = '" + value + "' WHERE key = 'a'");
    std::optional<Result<>> begun;
    begin(made->commit(Txn().require("a", "2").put("b", value), ctx()), begun);
    await_wait("transactionid");
    say(*other, "COMMIT");
    EXPECT_EQ(end(begun).has_value(), value == "2");
  }
  EXPECT_EQ(get(*made, "b"), "2");
}

// Of a row that another transaction is about to make nobody sees anything yet.
TEST_F(PostgresStoreTest, WhoRequiresAbsenceWaitsForWhoMakesTheRow) {
  auto made = store(server_.url(name_));
  auto other = session();
  for (bool committed : {false, true}) {
    say(*other, "BEGIN; SELECT " + server_.url(name_).schema() + ".commit_1(NULL, '{" +
                    std::to_string(pg::lock_of(name_, "a")) +
                    "}', '{a}', '{NULL}', '{a}', '{first}', '{}')");
    std::optional<Result<>> begun;
    begin(made->commit(Txn().require_absent("a").put("a", "second"), ctx()), begun);
    await_wait("advisory");
    say(*other, committed ? "COMMIT" : "ROLLBACK");
    Result<> done = end(begun);
    EXPECT_EQ(done.has_value(), !committed);
    EXPECT_EQ(get(*made, "a"), committed ? "first" : "second");
    EXPECT_TRUE(run(made->commit(Txn().remove("a"), ctx())));
  }
}

// Else two of them could each hold what the other waits for.
TEST_F(PostgresStoreTest, LocksAreTakenInTheOrderOfTheirNumbers) {
  auto made = store(server_.url(name_));
  std::string low = "a", high = "b";
  if (pg::lock_of(name_, low) > pg::lock_of(name_, high)) std::swap(low, high);
  for (bool low_first : {false, true}) {
    auto other = session();
    say(*other,
        "BEGIN; SELECT pg_advisory_xact_lock(" + std::to_string(pg::lock_of(name_, high)) + ")");
    std::optional<Result<>> begun;
    Txn txn = low_first ? Txn().put(low, "").put(high, "") : Txn().put(high, "").put(low, "");
    begin(made->commit(std::move(txn), ctx()), begun);
    await_wait("advisory");
    EXPECT_EQ(server_.sql("SELECT pg_try_advisory_xact_lock(" +
                          std::to_string(pg::lock_of(name_, low)) + ")"),
              "f");
    say(*other, "COMMIT");
    EXPECT_TRUE(end(begun));
  }
}

TEST_F(PostgresStoreTest, CommitsStaySyncedWhateverTheServerIsToldLater) {
  auto made = store(server_.url(name_));
  const std::string schema = server_.url(name_).schema();
  server_.sql("CREATE FUNCTION " + schema + ".insist() RETURNS trigger LANGUAGE plpgsql AS $$ " +
              "BEGIN IF current_setting('synchronous_commit') <> 'on' THEN RAISE 'relaxed'; " +
              "END IF; RETURN NEW; END $$");
  server_.sql("CREATE TRIGGER insist BEFORE INSERT OR UPDATE ON " + schema +
              ".rows FOR EACH ROW EXECUTE FUNCTION " + schema + ".insist()");
  EXPECT_TRUE(put(*made, "a", ctx()));
  ServerSetting setting(server_, "synchronous_commit", "off");
  EXPECT_TRUE(put(*made, "b", ctx()));
  EXPECT_TRUE(run(made->commit(Txn().without_sync().put("c", "1"), ctx())));
}

TEST_F(PostgresStoreTest, TlsIsAsTheUrlSays) {
  PostgresUrl url = server_.url(name_);
  url.ssl_mode = "verify-full";
  url.root_cert = server_.certificate();
  auto made = store(url);
  EXPECT_TRUE(put(*made, "a", ctx()));
  EXPECT_NE(server_.sql("SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                        "WHERE ssl AND usename = 'forebay'"),
            "0");
  // Signed by somebody else, or for another host.
  PostgresUrl wrong = url;
  wrong.root_cert = testing::TempDir() + "/forebay-pg-other-" + std::to_string(::getpid()) + ".crt";
  const std::string other = wrong.root_cert;
  std::ofstream(other) << kOtherCertificate;
  EXPECT_THAT(open(wrong, within(seconds(5))).error().text(),
              HasSubstr("certificate verify failed"));
  wrong = url;
  wrong.endpoints[0].host = "localhost";
  EXPECT_THAT(open(wrong, within(seconds(5))).error().text(), HasSubstr("localhost"));
  std::filesystem::remove(other);
  // Nothing falls back to plain text.
  ServerSetting setting(server_, "ssl", "off");
  url.ssl_mode = "require";
  url.root_cert.clear();
  auto plain = open(url, within(seconds(5)));
  ASSERT_FALSE(plain);
  EXPECT_THAT(plain.error().text(), HasSubstr("SSL"));
}

TEST_F(PostgresStoreTest, AChangeOfTermWaitsForCommitsAndTheyForIt) {
  auto made = store(server_.url(name_));
  const std::string schema = server_.url(name_).schema();
  auto commit_under = [&](const std::string& term) {
    return server_.sql("SELECT " + schema + ".commit_1(" + term +
                       ", '{}', '{}', '{}', '{x}', '{y}', '{}')");
  };
  EXPECT_EQ(server_.sql("SELECT term FROM " + schema + ".fence"), "0");
  EXPECT_EQ(commit_under("0"), std::to_string(pg::kApplied));
  EXPECT_EQ(commit_under("NULL"), std::to_string(pg::kApplied));
  EXPECT_EQ(commit_under("1"), std::to_string(pg::kFenced));
  // Whoever changes it holds the fence's lock alone.
  const std::string lock = server_.sql(
      "SELECT substring(prosrc from 'lock_shared(\\([^;]*\\))') FROM pg_proc WHERE oid = '" +
      schema + ".commit_1'::regproc");
  auto other = session();
  say(*other, "BEGIN; SELECT pg_advisory_xact_lock" + lock);
  std::optional<Result<>> begun;
  begin(made->commit(Txn().put("a", "1"), ctx()), begun);
  await_wait("advisory");
  say(*other, "UPDATE " + schema + ".fence SET term = 7");
  say(*other, "COMMIT");
  EXPECT_TRUE(end(begun));
  EXPECT_EQ(commit_under("0"), std::to_string(pg::kFenced));
  EXPECT_EQ(commit_under("7"), std::to_string(pg::kApplied));
}

// Nodes of different versions lock the same rows by it.
TEST(PostgresSql, TheLockOfAKeyIsTheSameForEver) {
  EXPECT_EQ(pg::lock_of("forebay", "a"), pg::lock_of("forebay", "a"));
  EXPECT_NE(pg::lock_of("forebay", "a"), pg::lock_of("forebay", "b"));
  EXPECT_NE(pg::lock_of("forebay", "a"), pg::lock_of("forebayx", "a"));
  EXPECT_EQ(pg::lock_of("forebay", std::string("a\0\xff", 3)), 2787957665561295608);
}

TEST(PostgresSql, OnlyRowsThatMayBeAbsentAreLockedByName) {
  PostgresUrl url = PostgresUrl::parse("postgres://u@a:1/d?sslmode=disable#c").value();
  auto locks = [&](const Txn& txn) { return pg::commit_arguments(url, std::nullopt, txn)[1]; };
  auto of = [&](std::vector<std::string> keys) {
    std::vector<int64_t> out;
    for (const std::string& key : keys) out.push_back(pg::lock_of("c", key));
    std::ranges::sort(out);
    return pg_int8s(out);
  };
  EXPECT_EQ(locks(Txn().require("a", "1").put("a", "2")), of({}));
  EXPECT_EQ(locks(Txn().require_absent("a").put("a", "2")), of({"a"}));
  EXPECT_EQ(locks(Txn().require("a", "1").put("a", "2").put("b", "").remove("c")), of({"b", "c"}));
  EXPECT_EQ(locks(Txn().require("a", "1").require_absent("b")), of({"b"}));
}

}  // namespace
}  // namespace forebay::meta
