// What the contract of stores (store_test.cpp) cannot ask of every engine: an etcd whose every
// answer the test writes, in a simulated world.
#include "meta/etcd/etcd_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "http/server.h"
#include "io/sim.h"

namespace forebay::meta {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct Said {
  int status = 200;
  std::string body = {};
  bool broken = false;  ///< ends before its body does
  bool never = false;   ///< does not come
};

/// A body of which no more than the beginning comes.
class Broken final : public io::Source {
 public:
  explicit Broken(std::string begin) : text_(std::move(begin)) {}
  Task<io::Chunk> next(Context) override {
    if (std::exchange(begun_, true)) co_return fail(Code::unavailable, "no more");
    co_return Bytes(text_);
  }

 private:
  std::string text_;
  bool begun_ = false;
};

class Member final : public http::Handler {
 public:
  Task<http::Response> handle(http::Request& request, Context ctx) override {
    asked.push_back(std::string(request.target));
    bodies.push_back(co_await co_await io::read_all(request.take_body(), 1 << 21, ctx));
    Said said{.status = 500};
    if (!answers.empty()) {
      said = std::move(answers.front());
      answers.pop_front();
    }
    if (said.never) co_await co_await io::sleep_until(ctx.loop->now() + seconds(3000), ctx);
    http::Response out = http::Response::text(said.status, "application/json", said.body);
    if (said.broken) out.body = {1ULL << 30, std::make_unique<Broken>(said.body)};
    co_return out;
  }
  std::deque<Said> answers;
  std::vector<std::string> asked, bodies;
};

class EtcdStoreTest : public testing::Test {
 protected:
  static constexpr uint16_t kPort = 2379;
  EtcdStoreTest() : world_(io::Simulation::make({.seed = 11})), client_(world_->loop()) {
    for (size_t i = 0; i < 2; ++i) {
      auto port = static_cast<uint16_t>(kPort + i);
      servers_[i].emplace(std::move(world_->loop().listen({"127.0.0.1", port}).value()),
                          members_[i]);
      io::start<void>(world_->loop(), servers_[i]->run(ctx()), [this](Result<>) { ++ended_; });
    }
    at("127.0.0.1:2379,127.0.0.1:2380");
  }
  ~EtcdStoreTest() override {
    client_.close_idle();
    for (auto& server : servers_) (void)world_->run(server->drain(world_->loop().now(), ctx()));
    while (ended_ < 2 && world_->step()) {
    }
  }
  void at(const std::string& members) {
    store_.emplace(EtcdOptions{.url = EtcdUrl::parse("etcd://" + members + "/c").value(),
                               .client = [this](io::Loop&) -> http::Client& { return client_; }});
  }
  Context ctx() { return {.loop = &world_->loop()}; }
  Context within(Duration time) { return ctx().until(world_->loop().now() + time); }
  template <class T>
  Result<T> run(Task<T> task) {
    return world_->run(std::move(task));
  }
  Result<std::optional<std::string>> get(Context context) { return run(store_->get("a", context)); }
  Result<> put(Context context) { return run(store_->commit(Txn().put("a", "1"), context)); }
  void answer(size_t member, Said said) { members_[member].answers.push_back(std::move(said)); }
  size_t asked() const { return members_[0].asked.size() + members_[1].asked.size(); }

  std::unique_ptr<io::Simulation> world_;
  http::Client client_;
  Member members_[2];
  std::optional<http::Server> servers_[2];
  int ended_ = 0;
  std::optional<EtcdStore> store_;
};

const std::string kRow = R"({"header":{"revision":"5"},"kvs":[{"key":"Yy9h","value":"MQ=="}]})";
const std::string kDone = R"({"header":{"revision":"6"},"succeeded":true,"responses":[{}]})";
const std::string kTimedOut = R"({"message":"etcdserver: request timed out","code":14})";
const std::string kGone =
    R"({"message":"etcdserver: mvcc: required revision has been compacted","code":11})";

TEST_F(EtcdStoreTest, ACommitThatMayHaveHappenedIsUnknownAndNotRepeated) {
  for (const Said& said : {Said{.broken = true}, Said{503, kTimedOut}, Said{502, "<html>"},
                           Said{200, "{}"}, Said{200, kRow}, Said{500, ""}, Said{.never = true}}) {
    answer(0, said);
    answer(0, {200, kDone});
    answer(1, {200, kDone});
    size_t before = asked();
    Result<> done = put(within(seconds(5)));
    ASSERT_FALSE(done) << said.body;
    EXPECT_EQ(done.error().code(), Code::unavailable) << said.body;
    EXPECT_THAT(done.error().text(), HasSubstr("http://127.0.0.1:2379"));
    EXPECT_EQ(asked(), before + 1) << said.body;
    for (Member& member : members_) member.answers.clear();
    at("127.0.0.1:2379,127.0.0.1:2380");
  }
}

// A member that hangs or is cut off would else be asked by every commit.
TEST_F(EtcdStoreTest, TheCommitAfterAnUnknownOneBeginsAtTheNext) {
  for (const Said& said : {Said{.broken = true}, Said{503, kTimedOut}, Said{.never = true}}) {
    at("127.0.0.1:2379,127.0.0.1:2380");
    for (Member& member : members_) member.asked.clear();
    for (size_t first : {0, 1}) {
      answer(first, said);
      EXPECT_EQ(put(within(seconds(5))).error().code(), Code::unavailable);
      answer(1 - first, {200, kDone});
      EXPECT_TRUE(put(within(seconds(5))));
    }
    EXPECT_EQ(members_[0].asked.size(), 2u);
    EXPECT_EQ(members_[1].asked.size(), 2u);
  }
}

TEST_F(EtcdStoreTest, ACommitThatIsCancelledBlamesNobody) {
  CancelToken token;
  answer(0, {.never = true});
  world_->loop().post([&] {
    io::start<void>(world_->loop(), io::sleep_until(world_->loop().now() + seconds(1), ctx()),
                    [&](Result<>) { token.cancel(); });
  });
  EXPECT_EQ(put(ctx().under(token)).error().code(), Code::unavailable);
  answer(0, {200, kDone});
  EXPECT_TRUE(put(ctx()));
  EXPECT_EQ(members_[0].asked.size(), 2u);
}

TEST_F(EtcdStoreTest, ACommitThatIsNeverAnsweredEndsWithoutADeadline) {
  answer(0, {.never = true});
  EXPECT_EQ(put(ctx()).error().code(), Code::unavailable);
  EXPECT_EQ(asked(), 1u);
}

TEST_F(EtcdStoreTest, AReadIsAskedOfTheNext) {
  for (const Said& said : {Said{.broken = true}, Said{503, kTimedOut}, Said{502, "<html>"},
                           Said{500, ""}, Said{.never = true}}) {
    answer(0, said);
    answer(1, {200, kRow});
    EXPECT_EQ(get(within(seconds(20))).value(), "1") << said.body;
    at("127.0.0.1:2379,127.0.0.1:2380");
  }
  // A question that changes nothing is a read.
  answer(0, {503, kTimedOut});
  answer(1, {200, R"({"header":{},"succeeded":true})"});
  EXPECT_TRUE(run(store_->commit(Txn().require("a", "1"), ctx())));
}

TEST_F(EtcdStoreTest, WhoIsNotThereIsPassedOver) {
  at("127.0.0.1:7,127.0.0.1:2379");
  for (int i = 0; i < 2; ++i) {
    answer(0, {200, kDone});
    EXPECT_TRUE(put(ctx()));
  }
  answer(0, {200, kRow});
  EXPECT_EQ(get(ctx()).value(), "1");
  EXPECT_THAT(members_[0].asked, ElementsAre("/v3/kv/txn", "/v3/kv/txn", "/v3/kv/range"));
}

TEST_F(EtcdStoreTest, NobodyThereIsAnErrorThatNamesThem) {
  at("127.0.0.1:7,127.0.0.1:8");
  Result<std::optional<std::string>> row = get(within(seconds(2)));
  ASSERT_FALSE(row);
  EXPECT_EQ(row.error().code(), Code::unavailable);
  EXPECT_THAT(row.error().text(), HasSubstr("http://127.0.0.1:7, http://127.0.0.1:8"));
  // It is known that nothing happened.
  EXPECT_EQ(put(within(seconds(2))).error().code(), Code::busy);
  EXPECT_EQ(put(ctx()).error().code(), Code::busy);
}

TEST_F(EtcdStoreTest, ACancelledCallEnds) {
  CancelToken token;
  token.cancel();
  EXPECT_EQ(get(ctx().under(token)).error().code(), Code::cancelled);
  EXPECT_EQ(put(ctx().under(token)).error().code(), Code::cancelled);
}

TEST_F(EtcdStoreTest, WhatItRefusesIsSaidWithItsName) {
  answer(0, {403, R"({"message":"etcdserver: permission denied","code":7})"});
  Result<> done = put(ctx());
  EXPECT_EQ(done.error().code(), Code::denied);
  EXPECT_EQ(done.error().text(), "etcd http://127.0.0.1:2379: etcdserver: permission denied");
  answer(0, {429, R"({"message":"etcdserver: mvcc: database space exceeded","code":8})"});
  EXPECT_EQ(put(ctx()).error().code(), Code::busy);
  answer(0, {200, "nonsense"});
  Result<std::optional<std::string>> row = get(ctx());
  EXPECT_EQ(row.error().code(), Code::corrupt);
  EXPECT_THAT(row.error().text(), HasSubstr("http://127.0.0.1:2379"));
  EXPECT_EQ(asked(), 3u);
}

TEST_F(EtcdStoreTest, AnAnswerHasALimit) {
  answer(0, {200, std::string(EtcdWire::kMaxAnswer + 1, ' ')});
  EXPECT_EQ(get(ctx()).error().code(), Code::corrupt);
  std::string padded = kRow;
  padded.append(EtcdWire::kMaxAnswer - padded.size(), ' ');
  answer(0, {200, padded});
  EXPECT_EQ(get(ctx()).value(), "1");
  // It was done, as far as anybody can tell.
  answer(0, {200, kDone + std::string(EtcdWire::kMaxAnswer, ' ')});
  EXPECT_EQ(put(ctx()).error().code(), Code::unavailable);
}

TEST_F(EtcdStoreTest, APageIsOfOneMoment) {
  answer(0, {200, R"({"header":{"revision":"5"},"kvs":[{"key":"Yy9h"}],"more":true})"});
  answer(0, {200, R"({"header":{"revision":"9"},"kvs":[{"key":"Yy9i"}]})"});
  Page page = run(store_->scan({}, 10, ctx())).value();
  EXPECT_THAT(page.rows, ElementsAre(Row{"a", ""}, Row{"b", ""}));
  EXPECT_FALSE(page.more);
  EXPECT_THAT(members_[0].bodies[0], Not(HasSubstr("revision")));
  EXPECT_THAT(members_[0].bodies[1], HasSubstr(R"("key":"Yy9hAA==")"));
  EXPECT_THAT(members_[0].bodies[1], HasSubstr(R"("revision":5)"));
}

TEST_F(EtcdStoreTest, APageWhoseMomentIsGoneIsBegunAnew) {
  const std::string first = R"({"header":{"revision":"5"},"kvs":[{"key":"Yy9h"}],"more":true})";
  answer(0, {200, first});
  answer(0, {400, kGone});
  answer(0, {200, R"({"header":{"revision":"7"},"kvs":[{"key":"Yy9i"}]})"});
  EXPECT_THAT(run(store_->scan({}, 10, ctx())).value().rows, ElementsAre(Row{"b", ""}));
  for (int i = 0; i < 3; ++i) {
    answer(0, {200, first});
    answer(0, {400, kGone});
  }
  EXPECT_EQ(run(store_->scan({}, 10, ctx())).error().code(), Code::busy);
}

std::string event(std::string_view revision) {
  return R"({"result":{"events":[{"kv":{"key":"Yy9h","value":"MQ==","mod_revision":")" +
         std::string(revision) + R"("}}]}})";
}

TEST_F(EtcdStoreTest, AWatchGoesOnWhereItBroke) {
  auto watch = store_->watch({}, 5);
  answer(0, {200, event("6") + "\n"});
  answer(1, {503, kTimedOut});
  answer(0, {200, R"({"error":{"grpc_code":14,"message":"etcdserver: no leader"}})"
                  "\n"});
  answer(1, {200, R"({"result":{"created":true}})"
                  "\n" +
                      event("9") + "\n"});
  for (uint64_t revision : {6, 9}) {
    Result<std::vector<Event>> events = run(watch->next(ctx()));
    ASSERT_TRUE(events) << events.error().text();
    EXPECT_THAT(*events, ElementsAre(Event{"a", "1", revision}));
  }
  EXPECT_THAT(members_[0].bodies[0], HasSubstr(R"("start_revision":"6")"));
  EXPECT_THAT(members_[1].bodies[0], HasSubstr(R"("start_revision":"7")"));
  EXPECT_THAT(members_[1].bodies.back(), HasSubstr(R"("start_revision":"7")"));
}

// As many as there are members: all of them must not come round to the one that broke.
TEST_F(EtcdStoreTest, WatchesThatBreakTogetherGoOnAtTheNext) {
  auto one = store_->watch({}, 5);
  auto two = store_->watch({}, 5);
  for (Watch* watch : {one.get(), two.get()}) {
    answer(0, {200, event("6") + "\n"});
    EXPECT_TRUE(run(watch->next(ctx())));
  }
  for (Watch* watch : {one.get(), two.get()}) {
    answer(0, {200, event("7") + "\n"});
    answer(1, {200, event("7") + "\n"});
    EXPECT_TRUE(run(watch->next(ctx())));
    members_[0].answers.clear();
  }
  EXPECT_EQ(members_[0].asked.size(), 2u);
  EXPECT_EQ(members_[1].asked.size(), 2u);
}

TEST_F(EtcdStoreTest, AWatchOfNonsenseIsCorrupt) {
  auto watch = store_->watch({}, 5);
  for (const std::string& said : {std::string("nonsense"), event("5"), std::string("[]")}) {
    answer(0, {200, said + "\n"});
    EXPECT_EQ(run(watch->next(ctx())).error().code(), Code::corrupt) << said;
  }
  answer(0, {200, std::string(EtcdWire::kMaxAnswer + 1, ' ')});
  EXPECT_EQ(run(watch->next(ctx())).error().code(), Code::corrupt);
  answer(0, {200, event("6") + "\n"});
  EXPECT_THAT(run(watch->next(ctx())).value(), ElementsAre(Event{"a", "1", 6}));
}

TEST_F(EtcdStoreTest, AWatchThatNobodyAnswersEndsWithItsDeadline) {
  at("127.0.0.1:7,127.0.0.1:8");
  auto watch = store_->watch({}, 5);
  EXPECT_EQ(run(watch->next(within(seconds(2)))).error().code(), Code::unavailable);
}

}  // namespace
}  // namespace forebay::meta
