#include "base/held_text.h"

#include <gtest/gtest.h>

namespace forebay {
namespace {

TEST(HeldText, SmallOnesNeedNoShare) {
  auto all = std::make_shared<Allowance>(0);
  HeldText held(all);
  std::string whole(HeldText::kFree, 'x');
  EXPECT_TRUE(held.append(whole, whole.size()));
  EXPECT_FALSE(held.append("y"));
  EXPECT_EQ(held.text, whole) << "nothing is added";
}

TEST(HeldText, SharesWhatHasCome) {
  auto all = std::make_shared<Allowance>(1 << 20);
  {
    HeldText held(all);
    EXPECT_TRUE(held.append("x", 1 << 20));
    EXPECT_EQ(all->left(), 1U << 20) << "what is only announced has nothing";
    std::string piece(1000, 'x');
    while (held.append(piece)) {
      ASSERT_LE(held.text.capacity(), HeldText::kFree + held.share.bytes());
      ASSERT_LE(held.text.size(), 2U << 20);
    }
    EXPECT_EQ(all->left(), (1U << 20) - held.share.bytes());
    EXPECT_GE(held.text.size(), 512U << 10) << "half of it may be used, whatever the steps are";
  }
  EXPECT_EQ(all->left(), 1U << 20);
}

TEST(HeldText, AShareOfNothingCannotGrow) {
  Allowance::Share none;
  EXPECT_TRUE(none.resize(0));
  EXPECT_FALSE(none.grow(1));
  auto all = std::make_shared<Allowance>(10);
  none = all->none();
  EXPECT_TRUE(none.grow(10));
  none = Allowance::Share();
  EXPECT_EQ(all->left(), 10U);
}

}  // namespace
}  // namespace forebay
