#include "origin/write_block.h"

#include <gtest/gtest.h>

namespace forebay::origin {
namespace {

constexpr size_t kFirst = WriteBlock::kFirst;
constexpr size_t kMost = WriteBlock::kMost;

TEST(WriteBlock, GrowsWithWhatHasCome) {
  auto all = std::make_shared<Allowance>(2 * kMost);
  WriteBlock block(all);
  EXPECT_EQ(all->left(), 2 * kMost) << "what has not come holds nothing";
  std::vector<std::byte> piece(16 << 10, std::byte{7});
  for (size_t come = piece.size(); come <= kMost; come += piece.size()) {
    EXPECT_TRUE(block.gather(piece).empty());
    EXPECT_EQ(block.bytes().size(), come);
    EXPECT_LE(2 * kMost - all->left(), std::max(2 * come, kFirst));
  }
  EXPECT_EQ(block.gather(piece).size(), piece.size()) << "it is as large as any may be";
  EXPECT_EQ(block.bytes().size(), kMost);
  block.clear();
  EXPECT_TRUE(block.gather(piece).empty());
  EXPECT_EQ(all->left(), kMost) << "it keeps its size from write to write";
}

TEST(WriteBlock, TakesNoMoreThanThereIsForAll) {
  auto all = std::make_shared<Allowance>(3 * kFirst);
  std::vector<std::byte> piece(kFirst, std::byte{7});
  {
    WriteBlock first(all), second(all), third(all);
    EXPECT_TRUE(first.gather(piece).empty());
    EXPECT_TRUE(first.gather(piece).empty());
    EXPECT_EQ(first.gather(piece).size(), kFirst) << "no room to grow: it is written as it is";
    EXPECT_TRUE(second.gather(piece).empty());
    EXPECT_EQ(all->left(), 0U);
    EXPECT_EQ(third.gather(piece).size(), kFirst);
    EXPECT_TRUE(third.empty());
    first.clear();
    EXPECT_TRUE(first.gather(piece).empty()) << "what it has is used again";
  }
  EXPECT_EQ(all->left(), 3 * kFirst);
}

}  // namespace
}  // namespace forebay::origin
