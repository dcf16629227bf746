#include "unit/blocks.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

namespace forebay::unit {
namespace {

TEST(BlockPoolTest, hands_out_as_many_as_it_has_and_not_one_more) {
  BlockPool pool(3 * kBlock);
  std::vector<Block> taken;
  for (int i = 0; i < 3; ++i) taken.push_back(pool.take());
  for (auto& block : taken) ASSERT_NE(block, nullptr);
  EXPECT_EQ(pool.take(), nullptr);
  EXPECT_EQ(pool.left(), 0U);
  taken.pop_back();
  EXPECT_EQ(pool.left(), 1U);
  EXPECT_NE(pool.take(), nullptr);
}

TEST(BlockPoolTest, blocks_do_not_overlap_and_are_page_aligned) {
  BlockPool pool(4 * kBlock);
  std::vector<Block> taken;
  for (int i = 0; i < 4; ++i) {
    taken.push_back(pool.take());
    ASSERT_NE(taken.back(), nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(taken.back().get()) % 4096, 0U);
    std::memset(taken.back().get(), i, kBlock);
  }
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(taken[i].get()[0], std::byte(i));
    EXPECT_EQ(taken[i].get()[kBlock - 1], std::byte(i));
  }
}

TEST(BlockPoolTest, without_a_whole_block_there_is_none) {
  EXPECT_EQ(BlockPool(kBlock - 1).take(), nullptr);
}

TEST(BlockPoolTest, a_block_outlives_its_pool_and_crosses_threads) {
  Block block;
  {
    BlockPool pool(kBlock);
    block = pool.take();
  }
  std::thread other([held = std::move(block)] { std::memset(held.get(), 1, kBlock); });
  other.join();
}

}  // namespace
}  // namespace forebay::unit
