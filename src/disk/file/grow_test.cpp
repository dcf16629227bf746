// Units whose room is taken as their bytes come.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "disk/real_store_test.h"
#include "disk/space.h"

namespace forebay::disk {
namespace {

constexpr uint64_t kPage = 4096;

class Growing : public RealStore {
 protected:
  std::shared_ptr<Writer> begin(uint64_t n, uint64_t length, uint64_t first) {
    auto room = store_->reserve(unit_id(n), first);
    if (!room) return nullptr;
    Terms terms(Admission::hot, {.incarnation = 7, .slot = 3}, UnitClass::native);
    terms.grows = true;
    auto made = run(store_->create(unit_id(n), length, std::move(*room), terms, ctx()));
    EXPECT_TRUE(made) << made.error().text();
    return made ? *made : nullptr;
  }
  Result<> write(Writer& writer, uint64_t n, ByteRange range) {
    std::string bytes = content_of(unit_id(n), range);
    return run(writer.write(range.offset, as_bytes(bytes), ctx()));
  }
  /// Bytes that the files of units under way have on the disk.
  uint64_t allocated() {
    uint64_t all = 0;
    for (auto& path : files("new")) all += std::filesystem::file_size(path);
    return all;
  }
};

TEST_F(Growing, room_is_taken_for_what_comes_and_for_as_much_again) {
  open();
  const uint64_t before = stats().used, length = 3 * kMiB + 5;
  auto writer = begin(1, length, 64 * kKiB);
  ASSERT_NE(writer, nullptr);
  EXPECT_EQ(stats().used, before + 64 * kKiB);
  EXPECT_EQ(allocated(), 64 * kKiB);
  EXPECT_TRUE(write(*writer, 1, {0, 60 * kKiB}));
  ByteRange beyond{60 * kKiB, 4 * kKiB + 1};
  EXPECT_EQ(write(*writer, 1, beyond).error().code(), Code::invalid) << "there is no room for it";
  EXPECT_TRUE(writer->grow(64 * kKiB));
  EXPECT_EQ(stats().used, before + 64 * kKiB) << "it is there";
  EXPECT_TRUE(writer->grow(beyond.end()));
  EXPECT_EQ(stats().used, before + 128 * kKiB);
  EXPECT_TRUE(write(*writer, 1, beyond));
  EXPECT_EQ(allocated(), 128 * kKiB);
  EXPECT_TRUE(writer->grow(2 * kMiB + 1));
  EXPECT_EQ(stats().used, before + 2 * kMiB + kPage) << "more than twice is taken as it is";
  EXPECT_TRUE(writer->grow(2 * kMiB + kPage + 1));
  EXPECT_EQ(stats().used, before + disk_bytes(length)) << "never more than the unit";
  EXPECT_TRUE(writer->grow(~uint64_t{0}));
  EXPECT_EQ(stats().used, before + disk_bytes(length));
  EXPECT_TRUE(write(*writer, 1, {beyond.end(), length - beyond.end()}));
  EXPECT_EQ(allocated(), length);
  ASSERT_TRUE(run(writer->commit(ctx())));
  writer.reset();
  restart();
  EXPECT_TRUE(good(1, {0, length}, Verify::always));
  EXPECT_EQ(stats().used, before + disk_bytes(length));
  store_->remove_native(unit_id(1));
  ASSERT_TRUE(run(store_->evict(ctx())));
  EXPECT_EQ(stats().used, before);
}

TEST_F(Growing, without_room_all_is_as_it_was) {
  open();
  const uint64_t before = stats().used;
  auto writer = begin(1, 8 * kMiB, kMiB);
  ASSERT_NE(writer, nullptr);
  auto others = store_->reserve(unit_id(2), stats().limit - stats().segment_bytes - stats().used);
  ASSERT_TRUE(others);
  uint64_t full = stats().used;
  Result<> grown = writer->grow(kMiB + 1);
  ASSERT_FALSE(grown);
  EXPECT_EQ(grown.error().code(), Code::busy);
  EXPECT_EQ(grown.error().detail(), "ENOSPC");
  EXPECT_EQ(stats().refused, 1U);
  EXPECT_EQ(stats().used, full);
  EXPECT_TRUE(write(*writer, 1, {0, kMiB})) << "what it has it keeps";
  // A little room is enough for what must be, not for as much again.
  uint64_t least = others->bytes() - kPage;
  others = Reservation();
  others = store_->reserve(unit_id(2), least);
  ASSERT_TRUE(others);
  EXPECT_TRUE(writer->grow(kMiB + 1));
  EXPECT_EQ(stats().used, full);
  EXPECT_TRUE(write(*writer, 1, {kMiB, kPage}));
  others = Reservation();
  EXPECT_EQ(stats().used, before + kMiB + kPage);
  writer.reset();
  ASSERT_TRUE(run(store_->evict(ctx())));
  EXPECT_EQ(stats().used, before);
  EXPECT_EQ(files("new").size(), 0U);
}

TEST_F(Growing, nothing_is_not_enough_to_begin_with) {
  open();
  Terms terms;
  terms.grows = true;
  auto made = run(store_->create(unit_id(1), kMiB, Reservation(), terms, ctx()));
  EXPECT_EQ(made.error().code(), Code::invalid);
}

}  // namespace
}  // namespace forebay::disk
