#include "unit/claims.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace forebay::unit {
namespace {

TEST(ClaimsTest, a_byte_is_claimed_once) {
  Claims claims(100);
  auto first = claims.demand({10, 20});
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0]->at, 10U);
  EXPECT_EQ(first[0]->end, 30U);
  EXPECT_TRUE(claims.demand({10, 20}).empty());
  auto around = claims.demand({0, 100});
  ASSERT_EQ(around.size(), 2U);
  EXPECT_EQ(around[0]->at, 0U);
  EXPECT_EQ(around[0]->end, 10U);
  EXPECT_EQ(around[1]->at, 30U);
  EXPECT_EQ(around[1]->end, 100U);
}

TEST(ClaimsTest, what_a_stream_did_not_fetch_is_free_again) {
  Claims claims(100);
  Claim* claim = claims.demand({0, 100})[0];
  claims.advance(*claim, 40);
  claims.release(*claim);
  EXPECT_TRUE(claims.idle());
  EXPECT_FALSE(claims.complete());
  auto rest = claims.demand({0, 100});
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0]->at, 40U);
  claims.advance(*rest[0], 60);
  claims.release(*rest[0]);
  EXPECT_TRUE(claims.complete());
  EXPECT_TRUE(claims.demand({0, 100}).empty());
}

TEST(ClaimsTest, a_reader_far_ahead_overtakes_and_a_near_one_waits) {
  constexpr uint64_t kFar = Claims::kOvertake;
  Claims claims(64 * kMiB);
  Claim* slow = claims.demand({0, 64 * kMiB})[0];
  EXPECT_TRUE(claims.demand({kFar - 1, 10}).empty());
  auto far = claims.demand({kFar, 10});
  ASSERT_EQ(far.size(), 1U);
  EXPECT_EQ(far[0]->at, kFar);
  EXPECT_EQ(far[0]->end, kFar + 10);
  EXPECT_EQ(slow->end, kFar);
  // What lay behind the overtaken bytes is nobody's now.
  auto behind = claims.demand({kFar, 64 * kMiB - kFar});
  ASSERT_EQ(behind.size(), 1U);
  EXPECT_EQ(behind[0]->at, kFar + 10);
}

// Small steps stand for megabytes: each byte of the model is kOvertake / 4.
TEST(ClaimsTest, no_byte_is_fetched_twice_and_none_is_forgotten) {
  constexpr uint64_t kStep = Claims::kOvertake / 4;
  constexpr uint64_t kSteps = 40;
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    Claims claims(kSteps * kStep);
    std::vector<int> fetched(kSteps);
    std::vector<Claim*> streams;
    auto demand = [&](uint64_t from, uint64_t to) {
      for (Claim* claim : claims.demand({from * kStep, (to - from) * kStep})) {
        ASSERT_LT(claim->at, claim->end);
        streams.push_back(claim);
      }
      // Every byte is there, or exactly one stream brings it.
      for (uint64_t i = from; i < to; ++i) {
        int coming = claims.present().covers({i * kStep, 1});
        for (Claim* claim : streams) coming += claim->at <= i * kStep && i * kStep < claim->end;
        ASSERT_EQ(coming, 1) << "step " << i;
      }
    };
    for (int step = 0; step < 200 && !claims.complete(); ++step) {
      if (streams.empty() || random() % 4 == 0) {
        uint64_t from = random() % kSteps;
        demand(from, from + 1 + random() % (kSteps - from));
        continue;
      }
      size_t chosen = random() % streams.size();
      Claim* claim = streams[chosen];
      if (claim->at == claim->end || random() % 16 == 0) {
        if (claim->at == claim->end || random() % 2 == 0 || !claims.give_back(*claim)) {
          claims.release(*claim);
        }
        streams.erase(streams.begin() + static_cast<ptrdiff_t>(chosen));
      } else if (random() % 8 == 0) {
        for (Claim* made : claims.split(*claim, 1 + random() % 4)) streams.push_back(made);
      } else {
        ++fetched[claim->at / kStep];
        claims.advance(*claim, kStep);
      }
    }
    EXPECT_LE(*std::ranges::max_element(fetched), 1);
    EXPECT_EQ(claims.idle(), streams.empty());
  }
}

TEST(ClaimsTest, what_is_left_is_split_in_shares_that_are_worth_it) {
  constexpr uint64_t kShare = Claims::kShare;
  for (uint64_t at : {uint64_t{0}, uint64_t{1}, kMiB - 1, 3 * kMiB + 777}) {
    Claims claims(64 * kMiB);
    Claim* claim = claims.demand({0, 64 * kMiB})[0];
    if (at > 0) claims.advance(*claim, at);
    auto made = claims.split(*claim, 4);
    ASSERT_EQ(made.size(), 3U);
    EXPECT_EQ(claim->at, at);
    uint64_t begin = claim->end;
    EXPECT_GE(begin, at + kShare) << "never below what a stream moves between two looks";
    for (Claim* share : made) {
      EXPECT_EQ(share->at, begin) << "no gap, nothing twice";
      EXPECT_EQ(share->at % Claims::kShareStep, 0U);
      EXPECT_GE(share->end - share->at, kShare - Claims::kShareStep);
      begin = share->end;
    }
    EXPECT_EQ(begin, 64 * kMiB);
    EXPECT_EQ(claims.active(), 4U);
  }
  for (auto [length, shares] : {std::pair{2 * kShare - 1, 1}, {2 * kShare, 2}, {5 * kShare, 5}}) {
    Claims claims(length);
    Claim* claim = claims.demand({0, length})[0];
    EXPECT_EQ(claims.split(*claim, 8).size(), static_cast<size_t>(shares - 1)) << length;
    EXPECT_EQ(claims.split(*claim, 8).size(), 0U) << "a share has no shares";
  }
  Claims claims(64 * kMiB);
  Claim* all = claims.demand({0, 64 * kMiB})[0];
  EXPECT_TRUE(claims.split(*all, 1).empty());
  claims.widen(*all);
  EXPECT_TRUE(claims.split(*all, 4).empty()) << "one answer brings it all";
  EXPECT_EQ(all->end, 64 * kMiB);
}

TEST(ClaimsTest, a_share_goes_back_to_the_stream_before_it) {
  Claims claims(16 * kMiB);
  Claim* first = claims.demand({0, 16 * kMiB})[0];
  auto made = claims.split(*first, 4);
  claims.advance(*made[1], kMiB);
  EXPECT_FALSE(claims.give_back(*made[1])) << "not what it has come to";
  EXPECT_TRUE(claims.give_back(*made[0]));
  EXPECT_EQ(first->end, 8 * kMiB);
  EXPECT_EQ(claims.active(), 3U);
  claims.advance(*first, 8 * kMiB);
  EXPECT_FALSE(claims.give_back(*made[1]));
  claims.advance(*made[1], 3 * kMiB);
  EXPECT_FALSE(claims.give_back(*made[2])) << "who has come to his end looks no more";
  EXPECT_FALSE(claims.give_back(*first)) << "nobody is before it";
}

TEST(ClaimsTest, a_stream_that_gets_all_takes_what_is_free_on_both_sides) {
  Claims claims(100 * kMiB);
  Claim* first = claims.demand({10 * kMiB, kMiB})[0];
  Claim* third = claims.demand({50 * kMiB, kMiB})[0];
  Claim* second = claims.demand({30 * kMiB, kMiB})[0];
  claims.advance(*first, kMiB);
  claims.release(*first);
  claims.widen(*second);
  EXPECT_EQ(second->at, 11 * kMiB);
  EXPECT_EQ(second->end, 50 * kMiB);
  claims.widen(*third);
  EXPECT_EQ(third->at, 50 * kMiB);
  EXPECT_EQ(third->end, 100 * kMiB);
  EXPECT_TRUE(claims.demand({90 * kMiB, kMiB}).empty()) << "nobody overtakes";
  auto rest = claims.demand({0, 100 * kMiB});
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0]->end, 10 * kMiB);
}

}  // namespace
}  // namespace forebay::unit
