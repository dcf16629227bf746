#include "base/allowance.h"

#include <gtest/gtest.h>

#include <vector>

namespace forebay {
namespace {

TEST(Allowance, GivesNoMoreThanItHasAndTakesItBack) {
  auto allowance = std::make_shared<Allowance>(100);
  auto all = allowance->take(100);
  EXPECT_TRUE(all);
  EXPECT_FALSE(allowance->take(1));
  EXPECT_TRUE(allowance->take(0));
  all.reset();
  EXPECT_FALSE(allowance->take(101));
  std::vector<Allowance::Share> shares;
  for (int i = 0; i < 10; ++i) {
    auto share = allowance->take(10);
    ASSERT_TRUE(share);
    shares.push_back(std::move(*share));
  }
  EXPECT_EQ(allowance->left(), 0U);
  shares.clear();
  EXPECT_EQ(allowance->left(), 100U);
}

TEST(Allowance, SharesGrowWithinIt) {
  auto allowance = std::make_shared<Allowance>(100);
  auto share = allowance->take(0);
  ASSERT_TRUE(share);
  EXPECT_TRUE(share->grow(60));
  EXPECT_FALSE(share->grow(41));
  EXPECT_EQ(allowance->left(), 40U);
  EXPECT_TRUE(share->grow(40));
  share.reset();
  EXPECT_EQ(allowance->left(), 100U);
}

TEST(Allowance, SharesAreCutToSize) {
  auto allowance = std::make_shared<Allowance>(100);
  auto share = allowance->none();
  EXPECT_TRUE(share.resize(100));
  EXPECT_FALSE(share.resize(101));
  EXPECT_EQ(share.bytes(), 100U) << "what it had it keeps";
  EXPECT_TRUE(share.resize(30));
  EXPECT_EQ(allowance->left(), 70U);
  EXPECT_TRUE(share.resize(0));
  EXPECT_EQ(allowance->left(), 100U);
}

TEST(Allowance, SharesMayOutliveIt) {
  auto allowance = std::make_shared<Allowance>(100);
  auto share = allowance->take(60);
  allowance.reset();
  EXPECT_TRUE(share);
}

}  // namespace
}  // namespace forebay
