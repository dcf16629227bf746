#include "unit/native.h"

#include "unit/world_test.h"

namespace forebay::unit {
namespace {

class NativeTest : public CacheTest {
 protected:
  static constexpr uint64_t kSmall = 64 * kKiB;
  static constexpr UnitOwner kOwner{.incarnation = 7, .slot = 3};

  void begin(uint64_t memory = 4 * kMiB, uint64_t capacity = 64 * kMiB) {
    open({}, capacity);
    native_ = std::make_unique<Native>(store_, kSmall, memory);
  }
  static UnitId id(uint64_t n) {
    return UnitName{.incarnation = 7, .key = "k", .tag = "t", .offset = n, .length = 1}.id();
  }
  static Task<> write(Native& native, UnitId id, std::string bytes, size_t piece, Context ctx) {
    Native::Writing writing =
        co_await co_await native.begin(id, kOwner, std::max<size_t>(bytes.size(), 1), ctx);
    for (size_t at = 0; at < bytes.size(); at += piece) {
      ByteView part = as_bytes(bytes).subspan(at, std::min(piece, bytes.size() - at));
      co_await co_await writing.add(part, ctx);
    }
    co_return co_await writing.commit(ctx);
  }
  static Task<std::string> read(Native& native, UnitId id, ByteRange range, Context ctx) {
    io::FileSlice slice = co_await co_await native.open(id, range, Verify::always, ctx);
    std::vector<std::byte> buffer(64 * kKiB);
    io::Chunk chunk = std::move(slice);
    std::string out;
    while (out.size() < range.length) {
      out += as_text(co_await co_await io::load(chunk, out.size(), buffer, ctx));
    }
    co_return out;
  }
  Result<> put(uint64_t n, std::string bytes, size_t piece = 100'000) {
    return world_->run(write(*native_, id(n), std::move(bytes), piece, ctx()));
  }
  /// One that was begun and has got its first bytes.
  Result<Native::Writing> begun(uint64_t n, uint64_t length, uint64_t come) {
    auto writing = world_->run(native_->begin(id(n), kOwner, length, ctx()));
    if (!writing) return writing;
    Result<> added = world_->run(writing->add(as_bytes(pattern(come, n)), ctx()));
    if (!added) return std::move(added.error());
    return writing;
  }
  disk::DiskStats disk() {
    EXPECT_TRUE(world_->run(store_->evict(ctx())));
    return store_->stats().disks[0];
  }
  Result<std::string> get(uint64_t n, ByteRange range) {
    return world_->run(read(*native_, id(n), range, ctx()));
  }

  std::unique_ptr<Native> native_;
};

TEST_F(NativeTest, units_of_every_size_in_pieces_of_every_size) {
  // With and without blocks to gather in.
  uint64_t n = 0;
  begin();
  for (uint64_t memory : {uint64_t{0}, 1 * kMiB, 8 * kMiB}) {
    native_ = std::make_unique<Native>(store_, kSmall, memory);
    for (uint64_t size : {uint64_t{1}, kSmall, kSmall + 1, kMiB, 3 * kMiB + 17}) {
      for (size_t piece : {size_t{1000}, size_t{100'000}, size_t{5'000'000}}) {
        std::string bytes = pattern(size, ++n);
        ASSERT_TRUE(put(n, bytes, piece)) << size << " by " << piece;
        uint64_t half = size / 2;
        auto back = get(n, {half, size - half});
        ASSERT_TRUE(back);
        EXPECT_TRUE(*back == bytes.substr(half)) << size << " by " << piece;
      }
    }
  }
  EXPECT_EQ(native_->of(7).size(), n);
  native_->remove(id(1));
  EXPECT_EQ(native_->of(7).size(), n - 1);
  EXPECT_EQ(get(1, {0, 1}).error().code(), Code::not_found);
}

TEST_F(NativeTest, what_is_not_committed_or_not_whole_is_not_there) {
  begin();
  EXPECT_EQ(world_->run(native_->begin(id(1), kOwner, 0, ctx())).error().code(), Code::invalid);
  for (uint64_t size : {uint64_t{100}, 2 * kMiB}) {
    auto writing = world_->run(native_->begin(id(1), kOwner, size, ctx()));
    ASSERT_TRUE(writing);
    std::string bytes = pattern(size);
    EXPECT_EQ(world_->run(writing->commit(ctx())).error().code(), Code::invalid);
    EXPECT_EQ(world_->run(writing->add(as_bytes(bytes + "x"), ctx())).error().code(),
              Code::invalid);
    EXPECT_TRUE(world_->run(writing->add(as_bytes(bytes), ctx())));
    EXPECT_EQ(writing->left(), 0U);
  }
  EXPECT_TRUE(native_->of(7).empty());
}

TEST_F(NativeTest, who_announces_much_and_sends_little_takes_little) {
  for (uint64_t blocks : {uint64_t{0}, uint64_t{4}}) {
    begin(blocks * kMiB);
    const uint64_t before = disk().used;
    std::vector<Native::Writing> dawdlers;
    for (uint64_t n = 0; n < 50; ++n) {
      auto one = begun(n, 30 * kMiB, 20'000);
      ASSERT_TRUE(one) << n << ": " << one.error().text();
      dawdlers.push_back(std::move(*one));
    }
    EXPECT_EQ(disk().used - before, blocks * kBlock + (50 - blocks) * Native::kFirstRoom);
    EXPECT_TRUE(put(100, pattern(20 * kMiB, 100)));
    dawdlers.clear();
    EXPECT_EQ(disk().used - before, 20 * kMiB);
    native_->remove(id(100));
    EXPECT_EQ(disk().used, before);
  }
}

TEST_F(NativeTest, room_that_ends_halfway_is_told_and_all_is_as_it_was) {
  begin(0);
  const uint64_t before = disk().used;
  auto one = begun(1, 40 * kMiB, kMiB);
  ASSERT_TRUE(one);
  auto others = store_->reserve(id(2), 50 * kMiB);
  ASSERT_TRUE(others);
  Result<> added = ok;
  uint64_t come = kMiB;
  while (added && come < 40 * kMiB) {
    added = world_->run(one->add(as_bytes(pattern(kMiB)), ctx()));
    come += kMiB;
  }
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().detail(), "InsufficientStorage");
  EXPECT_GT(come, 4 * kMiB) << "what there was was used";
  {
    auto gone = std::move(*one);
  }
  others = disk::Reservation();
  EXPECT_EQ(disk().used, before);
  EXPECT_TRUE(put(1, pattern(40 * kMiB)));
}

TEST_F(NativeTest, a_file_system_that_others_fill_is_told_the_same_way) {
  begin(0);
  auto one = begun(1, 20 * kMiB, kMiB);
  ASSERT_TRUE(one);
  world_->options().disk_bytes = 2 * kMiB;
  Result<> added = world_->run(one->add(as_bytes(pattern(4 * kMiB)), ctx()));
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().detail(), "InsufficientStorage");
}

TEST_F(NativeTest, what_cannot_fit_is_refused_before_its_bytes_come) {
  begin(4 * kMiB, 16 * kMiB);
  const uint64_t before = disk().used;
  auto one = world_->run(native_->begin(id(1), kOwner, 16 * kMiB, ctx()));
  ASSERT_FALSE(one);
  EXPECT_EQ(one.error().detail(), "InsufficientStorage");
  EXPECT_EQ(disk().used, before);
}

TEST_F(NativeTest, small_units_that_find_no_memory_are_written_as_they_come) {
  begin(2 * kSmall);
  std::vector<Native::Writing> held;
  for (uint64_t n = 0; n < 2; ++n) held.push_back(std::move(*begun(n, kSmall, kSmall - 1)));
  const uint64_t files = disk().files;
  held.push_back(std::move(*begun(2, kSmall, kSmall - 1)));
  EXPECT_EQ(disk().files, files + 1) << "it has one of its own";
  for (uint64_t n = 0; n < 3; ++n) {
    EXPECT_TRUE(world_->run(held[n].add(as_bytes(pattern(1, n)), ctx())));
    EXPECT_TRUE(world_->run(held[n].commit(ctx())));
    auto back = get(n, {0, kSmall});
    EXPECT_TRUE(back && *back == pattern(kSmall - 1, n) + pattern(1, n)) << n;
  }
  held.clear();
  const uint64_t now = disk().files;
  auto again = begun(3, kSmall, kSmall - 1);
  EXPECT_EQ(disk().files, now) << "the memory came back";
}

TEST_F(NativeTest, clean_units_go_before_what_is_kept_for_readers) {
  begin(4 * kMiB, 16 * kMiB);
  int relieved = 0;
  native_->when_full([&] {
    ++relieved;
    return true;
  });
  auto put_clean = [&](uint64_t n) -> Task<> {
    disk::Reservation room = co_await store_->reserve(id(n), kMiB);
    disk::Terms clean(disk::Admission::hot, kOwner, disk::UnitClass::clean);
    auto writer = co_await co_await store_->create(id(n), kMiB, std::move(room), clean, ctx());
    co_await co_await writer->write(0, as_bytes(pattern(kMiB, n)), ctx());
    co_return co_await writer->commit(ctx());
  };
  uint64_t clean = 1000;
  while (clean < 1100 && world_->run(put_clean(clean))) ++clean;
  ASSERT_LT(clean, 1100U) << "it never was full";
  CancelToken token;
  bool ended = false;
  io::start<void>(loop_, store_->run_evictor({.loop = &loop_, .cancel = &token}),
                  [&](Result<>) { ended = true; });
  for (uint64_t n = 0; n < 6; ++n) {
    Result<> done = put(n, pattern(kMiB, n));
    ASSERT_TRUE(done) << n << ": " << done.error().text();
  }
  for (uint64_t n = 10; n < 40; ++n) ASSERT_TRUE(put(n, pattern(kSmall, n))) << n;
  EXPECT_EQ(relieved, 0);
  token.cancel();
  while (!ended) ASSERT_TRUE(world_->step());
}

TEST_F(NativeTest, without_room_what_is_kept_in_vain_goes_first_and_then_it_is_said) {
  begin(4 * kMiB, 16 * kMiB);
  int relieved = 0;
  native_->when_full([&] {
    if (++relieved == 1) native_->remove(id(0));
    return false;
  });
  uint64_t stored = 0;
  Result<> put = ok;
  while (stored < 100 && (put = this->put(stored, pattern(kMiB, stored)))) {
    ++stored;
    if (relieved > 0) break;
  }
  ASSERT_GT(relieved, 0) << "it never was full";
  Time before = loop_.now();
  while (put && stored < 100) {
    if ((put = this->put(stored, pattern(kMiB, stored)))) ++stored;
  }
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().detail(), "InsufficientStorage");
  EXPECT_LT(loop_.now() - before, Native::kRoomWait) << "nothing can make room: no waiting";
  for (uint64_t n = 1; n < stored; ++n) {
    auto back = get(n, {0, kMiB});
    EXPECT_TRUE(back && *back == pattern(kMiB, n)) << n;
  }
}

}  // namespace
}  // namespace forebay::unit
