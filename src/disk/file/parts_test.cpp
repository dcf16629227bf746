// The small parts: range set, block sums, space, descriptors.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/hash.h"
#include "disk/file/block_sums.h"
#include "disk/file/data_file.h"
#include "disk/file/range_set.h"
#include "disk/file/writer.h"
#include "disk/space.h"
#include "disk/store_test.h"

namespace forebay::disk {
namespace {

TEST(RangeSet, joins_what_touches_and_refuses_what_overlaps) {
  RangeSet set;
  EXPECT_TRUE(set.add({10, 10}));
  EXPECT_TRUE(set.add({30, 10}));
  EXPECT_FALSE(set.add({19, 1}));
  EXPECT_FALSE(set.add({9, 2}));
  EXPECT_FALSE(set.add({5, 50}));
  EXPECT_FALSE(set.add({39, 5}));
  EXPECT_FALSE(set.add({12, 2}));
  EXPECT_TRUE(set.covers({10, 10}));
  EXPECT_FALSE(set.covers({10, 11}));
  EXPECT_FALSE(set.covers({9, 2}));
  EXPECT_TRUE(set.add({20, 10}));
  EXPECT_TRUE(set.covers({10, 30}));
  EXPECT_EQ(set.length_from(15), 25U);
  EXPECT_EQ(set.length_from(40), 0U);
  EXPECT_EQ(set.length_from(0), 0U);
  EXPECT_TRUE(set.covers({1000, 0}));
  EXPECT_TRUE(set.add({15, 0}));
}

TEST(RangeSet, agrees_with_a_bitmap) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 50; ++round) {
    RangeSet set;
    std::vector<bool> model(64);
    for (int i = 0; i < 60; ++i) {
      uint64_t offset = random() % 60;
      uint64_t length = random() % 5;
      bool fresh = true;
      for (uint64_t at = offset; at < std::min<uint64_t>(offset + length, 64); ++at) {
        fresh = fresh && !model[at];
      }
      if (offset + length > 64) continue;
      ASSERT_EQ(set.add({offset, length}), fresh);
      if (fresh) std::fill_n(model.begin() + static_cast<ptrdiff_t>(offset), length, true);
      for (uint64_t at = 0; at < 64; ++at) {
        uint64_t expected = 0;
        while (at + expected < 64 && model[at + expected]) ++expected;
        ASSERT_EQ(set.length_from(at), expected);
      }
    }
  }
}

// Any cutting of a unit, in any order, gives the sums of its blocks.
TEST(BlockSums, are_right_in_any_order) {
  std::mt19937_64 random(2);
  for (uint64_t length :
       {uint64_t{1}, kBlockBytes - 1, kBlockBytes, kBlockBytes + 1, 3 * kBlockBytes + 12345}) {
    std::string unit = content_of(unit_id(length), {0, length});
    BlockCrcs expected;
    for (uint64_t at = 0; at < length; at += kBlockBytes) {
      expected.push_back(crc32c(as_bytes(unit).subspan(at, std::min(kBlockBytes, length - at))));
    }
    for (int round = 0; round < 6; ++round) {
      std::vector<ByteRange> pieces;
      for (uint64_t at = 0; at < length;) {
        uint64_t part = std::min(length - at, random() % (kBlockBytes / (1 + round)) + 1);
        pieces.push_back({at, part});
        at += part;
      }
      if (round > 0) std::ranges::shuffle(pieces, random);
      BlockSums sums(length);
      size_t gaps = 0;
      for (ByteRange piece : pieces) {
        sums.arrive(piece.offset, as_bytes(unit).subspan(piece.offset, piece.length));
        for (auto& gap : sums.written(piece.offset, piece.length)) {
          auto missing = as_bytes(unit).subspan(gap.offset, gap.length);
          sums.fill(gap, crc32c(missing, sums.sum_before(gap)));
          ++gaps;
        }
      }
      EXPECT_EQ(sums.sums(), expected);
      if (round == 0) EXPECT_EQ(gaps, 0U) << "bytes in order are never read back";
    }
  }
}

TEST(Space, is_taken_up_to_the_limit_and_not_one_byte_more) {
  auto space = std::make_shared<Space>(1000, 100);
  EXPECT_FALSE(space->take(901));
  EXPECT_TRUE(space->take(900));
  EXPECT_FALSE(space->take(1));
  EXPECT_TRUE(space->take_for_recycler(100));
  EXPECT_FALSE(space->take_for_recycler(1));
  space->give(1000);
  EXPECT_EQ(space->used(), 0U);
  EXPECT_FALSE(space->take(UINT64_MAX));
  {
    Reservation held(space, space->take(500) ? 500 : 0);
  }
  EXPECT_EQ(space->used(), 0U);
  space->set_limits(50, UINT64_MAX, 100);
  EXPECT_FALSE(space->take(1));
}

TEST(Space, counts_files_too) {
  Space space(1 << 30, 0);
  space.set_limits(1 << 30, 100, 0);
  for (int i = 0; i < 99; ++i) EXPECT_TRUE(space.take(1));
  uint64_t used = space.used();
  EXPECT_FALSE(space.take(1)) << "one is the recycler's";
  EXPECT_EQ(space.used(), used) << "bytes taken without a file are given back";
  EXPECT_TRUE(space.take_for_recycler(1));
  EXPECT_FALSE(space.take_for_recycler(1));
  EXPECT_EQ(space.excess(), 0U);
  EXPECT_EQ(space.excess_files(), 16U);
  EXPECT_TRUE(space.bound_by_files());
  for (int i = 0; i < 16; ++i) space.add_leaving(1);
  EXPECT_EQ(space.excess_files(), 0U) << "sixteen free are enough";
  for (int i = 0; i < 100; ++i) space.give(1);
  EXPECT_EQ(space.files().used(), 0U);
  EXPECT_FALSE(space.bound_by_files());
}

TEST(Space, asks_for_eviction_before_it_is_full) {
  Space space(100'000, 1000);
  EXPECT_EQ(space.target(), 5000U);
  EXPECT_TRUE(space.take(95'000));
  EXPECT_EQ(space.excess(), 0U);
  EXPECT_TRUE(space.take(1));
  EXPECT_EQ(space.excess(), 1U);
  space.add_leaving(1);
  EXPECT_EQ(space.excess(), 0U);
  EXPECT_EQ(Space(10'000, 1000).target(), 2000U) << "two segments";
  EXPECT_EQ(Space(4000, 1000).target(), 1000U) << "but no more than a quarter";
}

class NoFile final : public io::File {
 public:
  explicit NoFile(int& open) : open_(open) { ++open_; }
  ~NoFile() override { --open_; }
  Result<size_t> read_at(uint64_t, ByteSpan) override { return size_t{0}; }
  ssize_t try_read_at(uint64_t, ByteSpan) override { return 0; }
  Result<> write_at(uint64_t, ByteView) override { return ok; }
  Result<> allocate(uint64_t) override { return ok; }
  Result<> truncate(uint64_t) override { return ok; }
  Result<> sync() override { return ok; }
  Result<io::FileStat> stat() override { return io::FileStat(); }
  bool resident(uint64_t, uint64_t) override { return true; }
  void read_ahead(uint64_t, uint64_t) override {}
  int descriptor() const override { return -1; }
  Result<> make_private() override { return ok; }

 private:
  int& open_;
};

struct Files {
  explicit Files(size_t most) : cache(most) {}
  std::shared_ptr<DataFile> add(uint64_t number) {
    EXPECT_TRUE(space->take(10));
    auto data = std::make_shared<DataFile>(space, 0, number, 10, unit_id(number));
    open_again(data);
    return data;
  }
  void open_again(const std::shared_ptr<DataFile>& data) {
    bool added = false;
    data->cache(std::make_shared<NoFile>(open), &added);
    if (added) cache.add(data);
  }
  int open = 0;
  std::shared_ptr<Space> space = std::make_shared<Space>(1000, 0);
  OpenFiles cache;
};

TEST(OpenFiles, holds_so_many_descriptors_and_no_more) {
  Files files(3);
  std::vector<std::shared_ptr<DataFile>> all;
  for (uint64_t n = 0; n < 20; ++n) {
    all.push_back(files.add(n));
    EXPECT_LE(files.open, 3);
  }
  EXPECT_EQ(files.cache.size(), 3U);
  EXPECT_EQ(files.open, 3);
  all.clear();
  EXPECT_EQ(files.open, 0);
  EXPECT_EQ(files.space->used(), 0U);
}

TEST(OpenFiles, gives_a_second_chance_to_what_is_used) {
  Files files(2);
  auto hot = files.add(1);
  auto cold = files.add(2);
  for (uint64_t n = 3; n < 10; ++n) {
    EXPECT_NE(hot->file(), nullptr);
    files.add(n);  // its owner lets go at once
  }
  EXPECT_TRUE(hot->cached());
  EXPECT_FALSE(cold->cached());
}

TEST(OpenFiles, a_reader_keeps_its_file_open_after_eviction) {
  Files files(1);
  auto first = files.add(1);
  auto reading = first->file();
  auto second = files.add(2);
  EXPECT_FALSE(first->cached());
  EXPECT_EQ(files.open, 2);
  files.open_again(first);
  EXPECT_FALSE(second->cached());
  reading.reset();
  EXPECT_EQ(files.open, 1);
}

TEST(DataFile, two_openers_share_one_descriptor) {
  Files files(4);
  auto data = files.add(1);
  auto mine = data->file();
  files.open_again(data);
  EXPECT_EQ(data->file(), mine);
  EXPECT_EQ(files.open, 1);
  EXPECT_EQ(files.cache.size(), 1U);
}

TEST(DataFile, space_comes_back_when_the_last_reader_has_gone) {
  Files files(4);
  auto data = files.add(1);
  std::shared_ptr<const void> pin = data;
  data->retire();
  EXPECT_EQ(files.space->used(), 10U);
  EXPECT_EQ(files.space->staying(), 0U);
  data.reset();
  EXPECT_EQ(files.space->used(), 10U);
  pin.reset();
  EXPECT_EQ(files.space->used(), 0U);
  EXPECT_EQ(files.space->staying(), 0U);
}

}  // namespace
}  // namespace forebay::disk
