#include "origin/s3/hedge.h"

#include <gtest/gtest.h>

namespace forebay::origin {
namespace {

using enum Hedge::Question;

class HedgeTest : public testing::Test {
 protected:
  void answers(int count, Duration took, Hedge::Question question = head) {
    for (int i = 0; i < count; ++i) hedge_.answered(question, took);
  }
  std::optional<Duration> late(Hedging after = Hedging::p99, Hedge::Question question = head) {
    return hedge_.asked(question, after);
  }
  int again() {
    int out = 0;
    while (hedge_.may_ask_again()) ++out;
    return out;
  }
  Hedge hedge_;
};

TEST_F(HedgeTest, nothing_is_late_before_enough_is_known) {
  answers(Hedge::kEnough - 1, milliseconds(20));
  EXPECT_FALSE(late());
  answers(1, milliseconds(20));
  EXPECT_TRUE(late());
  EXPECT_FALSE(late(Hedging::off));
  EXPECT_FALSE(late(Hedging::p99, get)) << "of the other kind nothing is known";
}

TEST_F(HedgeTest, late_is_a_little_more_than_most_have_taken) {
  for (int64_t us : {6'000, 7'999, 8'000, 8'001, 50'000, 1'000'000, 59'000'000}) {
    hedge_ = {};
    answers(100, microseconds(us));
    EXPECT_GT(late(), microseconds(us));
    EXPECT_LE(late(), microseconds(us + us / 4 + 1));
  }
  hedge_ = {};
  answers(100, seconds(100'000));
  EXPECT_GT(late(), seconds(100)) << "what lasts for ever is in the last bucket";
  hedge_ = {};
  answers(50, Duration{});
  answers(50, microseconds(3));
  EXPECT_EQ(late(), Hedge::kFloor);
}

TEST_F(HedgeTest, one_of_a_hundred_may_be_late_or_five) {
  answers(99, milliseconds(20));
  answers(1, seconds(2));
  EXPECT_LT(late(), milliseconds(30));
  answers(98, milliseconds(20));
  answers(2, seconds(2));
  EXPECT_GT(late(), seconds(1)) << "three of two hundred";
  EXPECT_LT(late(Hedging::p95), milliseconds(30));
  answers(8, seconds(2));
  EXPECT_GT(late(Hedging::p95), seconds(1)) << "eleven of 208";
}

TEST_F(HedgeTest, what_was_is_forgotten) {
  answers(Hedge::kRemembered, milliseconds(20));
  answers(Hedge::kRemembered / 2, seconds(1));
  EXPECT_GT(late(), seconds(1));
  int until = 0;
  for (; late() > milliseconds(100); ++until) answers(1, milliseconds(20));
  EXPECT_GT(until, 1000);
  EXPECT_LT(until, 5000);
}

TEST_F(HedgeTest, one_of_twenty_questions_is_asked_again_at_most) {
  EXPECT_EQ(again(), 0) << "none has been earned";
  for (uint32_t i = 0; i + 1 < Hedge::kQuestionsPerHedge; ++i) (void)late();
  EXPECT_EQ(again(), 0);
  (void)late(Hedging::p99, get);
  EXPECT_EQ(again(), 1);
  int all = 0;
  for (int i = 0; i < 1000; ++i) {
    (void)late();
    all += again();
  }
  EXPECT_EQ(all, 1000 / static_cast<int>(Hedge::kQuestionsPerHedge));
  for (int i = 0; i < 10'000; ++i) (void)late();
  EXPECT_EQ(again(), static_cast<int>(Hedge::kSaved)) << "no more are saved up";
}

}  // namespace
}  // namespace forebay::origin
