#include "auth/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "io/sim.h"
#include "meta/faulty_store.h"
#include "meta/memory_store.h"
#include "meta/schema.h"

namespace forebay::auth {
namespace {

using testing::ElementsAre;
using testing::MatchesRegex;

AccessKey root() { return {"ROOT", Secret("rootsecret"), {}, true, false}; }
AccessKey other() {
  return {"OTHER", Secret("othersecret"), WallTime{1445412480'000000000}, true, false};
}

class KeysTest : public testing::Test {
 protected:
  Context ctx() { return {.loop = &world_->loop()}; }
  template <class T>
  Result<T> run(Task<T> task) {
    return world_->run(std::move(task));
  }
  std::vector<std::string> ids(const Keys& keys) {
    std::vector<std::string> out;
    for (const AccessKey& key : keys.list()) out.push_back(key.id);
    return out;
  }

  std::unique_ptr<io::Simulation> world_ = io::Simulation::make({.seed = 5});
  meta::MemoryStore store_;
  Keys keys_{store_, root()};
};

TEST_F(KeysTest, RootIsThereWithoutARow) {
  EXPECT_TRUE(run(keys_.load(ctx())));
  auto key = keys_.find("ROOT");
  ASSERT_NE(key, nullptr);
  EXPECT_TRUE(key->root);
  EXPECT_TRUE(key->enabled);
  EXPECT_EQ(key->secret.reveal(), "rootsecret");
  EXPECT_EQ(keys_.find("root"), nullptr);
  EXPECT_EQ(keys_.find(""), nullptr);
}

TEST_F(KeysTest, AKeyIsInForceAtOnceAndAfterRestart) {
  EXPECT_TRUE(run(keys_.add(other(), ctx())));
  ASSERT_NE(keys_.find("OTHER"), nullptr);
  EXPECT_FALSE(keys_.find("OTHER")->root);
  Keys again(store_, root());
  EXPECT_EQ(again.find("OTHER"), nullptr);
  EXPECT_TRUE(run(again.load(ctx())));
  auto key = again.find("OTHER");
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(key->secret.reveal(), "othersecret");
  EXPECT_EQ(key->created, other().created);
  EXPECT_THAT(ids(again), ElementsAre("OTHER", "ROOT"));
}

TEST_F(KeysTest, DisablingAndRemoving) {
  EXPECT_TRUE(run(keys_.add(other(), ctx())));
  auto held = keys_.find("OTHER");
  EXPECT_TRUE(run(keys_.set_enabled("OTHER", false, ctx())));
  EXPECT_FALSE(keys_.find("OTHER")->enabled);
  EXPECT_TRUE(held->enabled);  // a snapshot does not change
  EXPECT_TRUE(run(keys_.set_enabled("OTHER", true, ctx())));
  EXPECT_TRUE(keys_.find("OTHER")->enabled);
  EXPECT_TRUE(run(keys_.remove("OTHER", ctx())));
  EXPECT_EQ(keys_.find("OTHER"), nullptr);
  EXPECT_EQ(run(keys_.remove("OTHER", ctx())).error().code(), Code::not_found);
  EXPECT_EQ(run(keys_.set_enabled("OTHER", true, ctx())).error().code(), Code::not_found);
}

TEST_F(KeysTest, WhatMayNotBe) {
  EXPECT_TRUE(run(keys_.add(other(), ctx())));
  EXPECT_EQ(run(keys_.add(other(), ctx())).error().code(), Code::exists);
  EXPECT_EQ(run(keys_.add(root(), ctx())).error().code(), Code::exists);
  EXPECT_EQ(run(keys_.remove("ROOT", ctx())).error().code(), Code::denied);
  EXPECT_EQ(run(keys_.set_enabled("ROOT", false, ctx())).error().code(), Code::denied);
  AccessKey bad = other();
  bad.id = "a/b";
  EXPECT_EQ(run(keys_.add(bad, ctx())).error().code(), Code::invalid);
  bad.id = "abc";
  bad.secret = Secret();
  EXPECT_EQ(run(keys_.add(bad, ctx())).error().code(), Code::invalid);
}

TEST_F(KeysTest, ARowWithRootsNameIsNotUsed) {
  AccessKey thief = other();
  thief.id = "ROOT";
  EXPECT_TRUE(run(store_.commit(
      meta::Txn().put(meta::schema::access_key("ROOT"), thief.to_row().dump()), ctx())));
  EXPECT_TRUE(run(keys_.load(ctx())));
  EXPECT_EQ(keys_.find("ROOT")->secret.reveal(), "rootsecret");
}

TEST_F(KeysTest, ADamagedRowStopsTheLoad) {
  const char* rows[] = {"",
                        "x",
                        "{}",
                        R"({"v":2,"secret":"s","created":"","enabled":true})",
                        R"({"v":1,"secret":"","created":"2015-10-21T07:28:00Z","enabled":true})",
                        R"({"v":1,"secret":"s","created":"then","enabled":true})",
                        R"({"v":1,"secret":"s","created":"2015-10-21T07:28:00Z"})"};
  for (const char* row : rows) {
    EXPECT_TRUE(run(store_.commit(meta::Txn().put("key/OTHER", row), ctx())));
    EXPECT_EQ(run(keys_.load(ctx())).error().code(), Code::corrupt) << row;
  }
}

TEST_F(KeysTest, AnUnknownOutcomeIsLookedUp) {
  meta::FaultyStore faulty(store_, {.lose_answer = 1});
  Keys keys(faulty, root());
  EXPECT_EQ(run(keys.add(other(), ctx())).error().code(), Code::unavailable);
  EXPECT_NE(keys.find("OTHER"), nullptr);
  EXPECT_EQ(run(keys.set_enabled("OTHER", false, ctx())).error().code(), Code::unavailable);
  EXPECT_FALSE(keys.find("OTHER")->enabled);
  EXPECT_EQ(run(keys.remove("OTHER", ctx())).error().code(), Code::unavailable);
  EXPECT_EQ(keys.find("OTHER"), nullptr);
}

TEST_F(KeysTest, MadeKeysLookAsToolsExpect) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    AccessKey key = run(keys_.create(ctx())).value();
    EXPECT_THAT(key.id, MatchesRegex("FB[A-Z0-9]{18}"));
    EXPECT_THAT(key.secret.reveal(), MatchesRegex("[A-Za-z0-9]{40}"));
    EXPECT_EQ(key.created, keys_.find(key.id)->created);
    EXPECT_TRUE(seen.insert(key.id).second);
    EXPECT_TRUE(seen.insert(key.secret.reveal()).second);
  }
}

TEST(AccessKeyId, HasLimits) {
  EXPECT_FALSE(check_key_id("ab"));
  EXPECT_TRUE(check_key_id("abc"));
  EXPECT_TRUE(check_key_id(std::string(128, 'a')));
  EXPECT_FALSE(check_key_id(std::string(129, 'a')));
  EXPECT_TRUE(check_key_id("A.b_c-1"));
  EXPECT_FALSE(check_key_id("a b c"));
}

}  // namespace
}  // namespace forebay::auth
