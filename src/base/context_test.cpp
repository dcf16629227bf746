#include "base/context.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace forebay {
namespace {

class Listener final : public CancelListener {
 public:
  explicit Listener(std::vector<int>* log, int name) : log_(log), name_(name) {}
  void on_cancel() override {
    log_->push_back(name_);
    if (also_removes != nullptr) CancelToken::remove(*also_removes);
    if (also_adds != nullptr) token->add(*also_adds);
  }
  CancelListener* also_removes = nullptr;
  CancelListener* also_adds = nullptr;
  CancelToken* token = nullptr;

 private:
  std::vector<int>* log_;
  int name_;
};

TEST(CancelToken, TellsEveryListenerOnce) {
  std::vector<int> log;
  CancelToken token;
  Listener a(&log, 1);
  Listener b(&log, 2);
  token.add(a);
  token.add(b);
  EXPECT_FALSE(token.cancelled());
  token.cancel();
  EXPECT_TRUE(token.cancelled());
  EXPECT_EQ(log.size(), 2U);
  token.cancel();
  EXPECT_EQ(log.size(), 2U);
}

TEST(CancelToken, RemovedListenersHearNothing) {
  std::vector<int> log;
  CancelToken token;
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 0; i < 3; ++i) {
    listeners.push_back(std::make_unique<Listener>(&log, i));
    token.add(*listeners.back());
  }
  CancelToken::remove(*listeners[1]);
  CancelToken::remove(*listeners[1]);  // twice is nothing
  token.cancel();
  EXPECT_EQ(log, (std::vector<int>{2, 0}));
}

TEST(CancelToken, EveryOrderOfRemovalLeavesAWholeList) {
  int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  for (auto& order : orders) {
    std::vector<int> log;
    CancelToken token;
    Listener a(&log, 0), b(&log, 1), c(&log, 2);
    Listener* all[] = {&a, &b, &c};
    for (Listener* one : all) token.add(*one);
    CancelToken::remove(*all[order[0]]);
    CancelToken::remove(*all[order[1]]);
    token.cancel();
    EXPECT_EQ(log, std::vector<int>{order[2]});
  }
}

TEST(CancelToken, ListenersMayChangeTheListWhileItIsTold) {
  std::vector<int> log;
  CancelToken token;
  Listener a(&log, 1), b(&log, 2), c(&log, 3);
  token.add(a);
  token.add(b);
  b.also_removes = &a;
  b.also_adds = &c;
  b.token = &token;
  token.cancel();
  EXPECT_EQ(log, (std::vector<int>{2, 3}));
}

TEST(CancelToken, AListenerMayBeUsedAgain) {
  std::vector<int> log;
  CancelToken first;
  CancelToken second;
  Listener listener(&log, 1);
  first.add(listener);
  first.cancel();
  second.add(listener);
  second.cancel();
  EXPECT_EQ(log.size(), 2U);
}

TEST(CancelTokenDeath, BookkeepingIsChecked) {
  std::vector<int> log;
  EXPECT_DEATH(
      {
        CancelToken token;
        Listener listener(&log, 1);
        token.add(listener);
        token.add(listener);
      },
      "linked twice");
  EXPECT_DEATH(
      {
        Listener listener(&log, 1);
        CancelToken token;
        token.add(listener);
      },
      "dies with listeners");
}

TEST(Context, DeadlinesOnlyShrink) {
  Context context;
  EXPECT_EQ(context.deadline, kNever);
  Context soon = context.until(Time{5});
  EXPECT_EQ(soon.deadline, Time{5});
  EXPECT_EQ(soon.until(Time{9}).deadline, Time{5});
  EXPECT_EQ(soon.until(Time{4}).deadline, Time{4});
}

TEST(Context, TokensAreReplaced) {
  CancelToken token;
  Context context;
  context.trace = 7;
  Context under = context.under(token);
  EXPECT_EQ(under.cancel, &token);
  EXPECT_EQ(under.trace, 7U);
  EXPECT_EQ(context.cancel, nullptr);
}

}  // namespace
}  // namespace forebay
