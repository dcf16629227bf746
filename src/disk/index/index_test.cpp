#include "disk/index/index.h"

#include <gtest/gtest.h>

#include "disk/store_test.h"
#include "disk/temp_folder_test.h"

namespace forebay::disk {
namespace {

using Rows = std::vector<std::pair<UnitId, std::string>>;

Rows rows_of(Index& index) {
  Rows rows;
  Result<> loaded = index.load([&](const UnitId& id, ByteView value) {
    rows.emplace_back(id, std::string(as_text(value)));
  });
  EXPECT_TRUE(loaded) << loaded.error().text();
  return rows;
}

Change put(const UnitId& id, std::string value) { return {id, std::move(value)}; }
Change gone(const UnitId& id) { return {id, std::nullopt}; }

UnitId id_of(uint8_t first, uint8_t last = 0) {
  UnitId id;
  id.bytes.front() = first;
  id.bytes.back() = last;
  return id;
}

/// One implementation, closed and opened at will, as the death of its process would do it.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual std::shared_ptr<Index> reopen() = 0;
};

class MemorySubject final : public Subject {
 public:
  std::shared_ptr<Index> reopen() override { return index_; }

 private:
  std::shared_ptr<MemoryIndex> index_ = std::make_shared<MemoryIndex>();
};

class RocksSubject final : public Subject {
 public:
  std::shared_ptr<Index> reopen() override {
    index_.reset();
    auto index = open_rocks_index(folder_.path() + "/index", 1 << 30);
    EXPECT_TRUE(index) << index.error().text();
    index_ = *index;
    return std::move(*index);
  }

 private:
  TempFolder folder_;
  std::shared_ptr<Index> index_;
};

// The contract suite: every implementation of Index runs it.
class IndexContract : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "rocks") {
      subject_ = std::make_unique<RocksSubject>();
    } else {
      subject_ = std::make_unique<MemorySubject>();
    }
  }
  std::unique_ptr<Subject> subject_;
};

TEST_P(IndexContract, begins_empty) {
  auto index = subject_->reopen();
  EXPECT_TRUE(rows_of(*index).empty());
  EXPECT_TRUE(index->apply({}));
  EXPECT_TRUE(index->flush());
  EXPECT_TRUE(rows_of(*index).empty());
}

TEST_P(IndexContract, gives_rows_in_order_of_their_ids_as_unsigned_bytes) {
  auto index = subject_->reopen();
  std::vector<Change> batch{put(id_of(0xff), "c"), put(id_of(0x00, 1), "a"), put(id_of(0x7f), "b"),
                            put(id_of(0x80), "bb")};
  ASSERT_TRUE(index->apply(batch));
  EXPECT_EQ(
      rows_of(*index),
      (Rows{{id_of(0, 1), "a"}, {id_of(0x7f), "b"}, {id_of(0x80), "bb"}, {id_of(0xff), "c"}}));
}

TEST_P(IndexContract, the_last_change_of_an_id_stays) {
  auto index = subject_->reopen();
  std::vector<Change> first{put(id_of(1), "old"), put(id_of(2), "x"), gone(id_of(2)),
                            gone(id_of(3)), put(id_of(3), "y")};
  ASSERT_TRUE(index->apply(first));
  EXPECT_EQ(rows_of(*index), (Rows{{id_of(1), "old"}, {id_of(3), "y"}}));
  std::vector<Change> second{put(id_of(1), "new"), gone(id_of(3)), gone(id_of(9))};
  ASSERT_TRUE(index->apply(second));
  EXPECT_EQ(rows_of(*index), (Rows{{id_of(1), "new"}}));
}

TEST_P(IndexContract, values_are_any_bytes) {
  auto index = subject_->reopen();
  std::string all(256, '\0');
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>(i);
  std::vector<Change> batch{put(id_of(1), all), put(id_of(2), ""),
                            put(id_of(3), std::string(100'000, 'z'))};
  ASSERT_TRUE(index->apply(batch));
  EXPECT_EQ(rows_of(*index),
            (Rows{{id_of(1), all}, {id_of(2), ""}, {id_of(3), std::string(100'000, 'z')}}));
}

TEST_P(IndexContract, what_was_applied_survives_the_process_without_flush) {
  auto index = subject_->reopen();
  for (uint8_t i = 0; i < 100; ++i) {
    std::vector<Change> batch{put(id_of(i), "v" + std::to_string(i)), gone(id_of(i / 2, 1))};
    ASSERT_TRUE(index->apply(batch));
  }
  index.reset();
  index = subject_->reopen();
  Rows rows = rows_of(*index);
  ASSERT_EQ(rows.size(), 100U);
  EXPECT_EQ(rows[42], std::pair(id_of(42), std::string("v42")));
}

TEST_P(IndexContract, many_rows_pass_through_and_come_back) {
  auto index = subject_->reopen();
  constexpr uint64_t kRows = 20'000;
  std::map<UnitId, std::string> model;
  for (uint64_t n = 0; n < kRows; n += 1000) {
    std::vector<Change> batch;
    for (uint64_t i = n; i < n + 1000; ++i) {
      model[unit_id(i)] = std::to_string(i);
      batch.push_back(put(unit_id(i), std::to_string(i)));
      if (i % 3 != 0) continue;
      model.erase(unit_id(i / 2));
      batch.push_back(gone(unit_id(i / 2)));
    }
    ASSERT_TRUE(index->apply(batch));
  }
  ASSERT_TRUE(index->flush());
  index.reset();
  index = subject_->reopen();
  EXPECT_EQ(rows_of(*index), Rows(model.begin(), model.end()));
}

INSTANTIATE_TEST_SUITE_P(All, IndexContract, testing::Values("memory", "rocks"),
                         [](auto& info) { return info.param; });

TEST(RocksIndex, a_second_process_cannot_open_it) {
  TempFolder folder;
  auto first = open_rocks_index(folder.path() + "/index", 1 << 30);
  ASSERT_TRUE(first);
  EXPECT_FALSE(open_rocks_index(folder.path() + "/index", 1 << 30));
}

TEST(MemoryIndex, a_power_loss_keeps_what_was_flushed_and_some_first_batches) {
  MemoryIndex index;
  auto apply = [&](Change change) {
    std::vector<Change> batch{std::move(change)};
    ASSERT_TRUE(index.apply(batch));
  };
  apply(put(id_of(1), "flushed"));
  ASSERT_TRUE(index.flush());
  EXPECT_EQ(index.unflushed(), 0U);
  apply(put(id_of(2), "first"));
  apply(put(id_of(1), "second"));
  apply(put(id_of(3), "third"));
  EXPECT_EQ(index.unflushed(), 3U);
  index.crash(2);
  EXPECT_EQ(rows_of(index), (Rows{{id_of(1), "second"}, {id_of(2), "first"}}));
  apply(gone(id_of(1)));
  index.crash(0);
  EXPECT_EQ(rows_of(index), (Rows{{id_of(1), "second"}, {id_of(2), "first"}}));
  index.crash(99);
  EXPECT_EQ(rows_of(index).size(), 2U);
}

TEST(MemoryIndex, fails_when_told_and_heals) {
  MemoryIndex index;
  index.fail_with(fail(Code::corrupt, "EIO"));
  EXPECT_EQ(index.apply({}).error().code(), Code::corrupt);
  EXPECT_EQ(index.flush().error().code(), Code::corrupt);
  EXPECT_FALSE(index.load([](const UnitId&, ByteView) {}));
  index.fail_with(std::nullopt);
  EXPECT_TRUE(index.flush());
}

}  // namespace
}  // namespace forebay::disk
