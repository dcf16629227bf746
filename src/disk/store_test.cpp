#include "disk/store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "base/bytes.h"
#include "disk/format.h"
#include "disk/real_store_test.h"

namespace forebay::disk {
namespace {

class StoreTest : public RealStore {};

TEST_F(StoreTest, a_large_unit_is_found_after_commit_and_not_before) {
  open();
  UnitId id = unit_id(1);
  auto reserved = store_->reserve(id, 3 * kMiB);
  ASSERT_TRUE(reserved);
  auto made = run(store_->create(id, 3 * kMiB, std::move(*reserved), Admission::hot, ctx()));
  ASSERT_TRUE(made);
  Writer& writer = **made;
  std::string bytes = content_of(id, {0, 3 * kMiB});
  ASSERT_TRUE(run(writer.write(0, as_bytes(bytes).first(kMiB), ctx())));
  EXPECT_EQ(store_->find(id, {0, 1}).state, Found::State::absent);
  EXPECT_FALSE(run(writer.commit(ctx()))) << "bytes are missing";
  ASSERT_TRUE(run(writer.write(kMiB, as_bytes(bytes).subspan(kMiB), ctx())));
  ASSERT_TRUE(run(writer.commit(ctx())));
  EXPECT_EQ(store_->find(id, {0, 1}).state, Found::State::ready);
  EXPECT_TRUE(good(1, {0, 3 * kMiB}));
  EXPECT_TRUE(good(1, {kMiB - 1, 2}));
  EXPECT_TRUE(good(1, {3 * kMiB - 1, 1}));
  EXPECT_EQ(store_->find(id, {3 * kMiB, 1}).state, Found::State::absent);
}

TEST_F(StoreTest, readers_follow_a_growing_unit) {
  open();
  UnitId id = unit_id(1);
  auto reserved = store_->reserve(id, 2 * kMiB);
  auto writer = *run(store_->create(id, 2 * kMiB, std::move(*reserved), Admission::hot, ctx()));
  std::string bytes = content_of(id, {0, 2 * kMiB});
  // The asked range first, then the rest around it.
  ASSERT_TRUE(run(writer->write(kMiB - 10, as_bytes(bytes).subspan(kMiB - 10, 1000), ctx())));
  EXPECT_TRUE(writer->present({kMiB - 10, 1000}));
  EXPECT_FALSE(writer->present({kMiB - 11, 1000}));
  EXPECT_FALSE(writer->present({0, 1}));
  EXPECT_EQ(writer->present_from(kMiB), 990U);
  EXPECT_EQ(*run(read_slice({writer->file(), kMiB, 990}, ctx())), bytes.substr(kMiB, 990));
  ASSERT_TRUE(run(writer->write(0, as_bytes(bytes).first(kMiB - 10), ctx())));
  ASSERT_TRUE(run(writer->write(kMiB + 990, as_bytes(bytes).subspan(kMiB + 990), ctx())));
  EXPECT_EQ(writer->present_from(0), 2 * kMiB);
  ASSERT_TRUE(run(writer->commit(ctx())));
  EXPECT_TRUE(good(1, {0, 2 * kMiB}, Verify::always)) << "the sums are right in this order too";
}

TEST_F(StoreTest, a_writer_takes_each_byte_once_and_none_outside) {
  open();
  auto reserved = store_->reserve(unit_id(1), 100);
  auto writer = *run(store_->create(unit_id(1), 100, std::move(*reserved), Admission::hot, ctx()));
  std::string bytes(101, 'x');
  EXPECT_EQ(run(writer->write(0, as_bytes(bytes), ctx())).error().code(), Code::invalid);
  EXPECT_EQ(run(writer->write(101, {}, ctx())).error().code(), Code::invalid);
  EXPECT_TRUE(run(writer->write(50, as_bytes(bytes).first(50), ctx())));
  EXPECT_EQ(run(writer->write(49, as_bytes(bytes).first(2), ctx())).error().code(), Code::invalid);
  EXPECT_TRUE(run(writer->write(0, as_bytes(bytes).first(50), ctx())));
}

TEST_F(StoreTest, a_dropped_writer_leaves_nothing) {
  open();
  uint64_t before = stats().used;
  auto reserved = store_->reserve(unit_id(1), kMiB);
  auto writer = *run(store_->create(unit_id(1), kMiB, std::move(*reserved), Admission::hot, ctx()));
  EXPECT_EQ(stats().used, before + kMiB);
  EXPECT_EQ(files("new").size(), 1U);
  writer.reset();
  ASSERT_TRUE(run(store_->evict(ctx())));
  EXPECT_EQ(files("new").size(), 0U);
  EXPECT_EQ(stats().used, before);
}

TEST_F(StoreTest, of_two_writers_of_a_unit_the_first_to_publish_wins) {
  open();
  auto reserved = store_->reserve(unit_id(1), kMiB);
  auto writer = *run(store_->create(unit_id(1), kMiB, std::move(*reserved), Admission::hot, ctx()));
  std::string other(kMiB, 'x');
  ASSERT_TRUE(run(writer->write(0, as_bytes(other), ctx())));
  EXPECT_TRUE(fill(1, kMiB)) << "the first may have been given up";
  EXPECT_EQ(fill(1, kMiB).error().code(), Code::exists);
  EXPECT_EQ(run(writer->commit(ctx())).error().code(), Code::exists);
  writer.reset();
  ASSERT_TRUE(run(store_->evict(ctx())));
  EXPECT_TRUE(good(1, {0, kMiB}));
  EXPECT_EQ(files("new").size(), 0U);
  EXPECT_EQ(files("units").size(), 1U);
  EXPECT_EQ(stats().used, kMiB);
}

TEST_F(StoreTest, small_units_come_back_and_share_a_segment) {
  open();
  for (uint64_t n = 1; n <= 50; ++n) ASSERT_TRUE(put(n, n * 100));
  for (uint64_t n = 1; n <= 50; ++n) EXPECT_TRUE(good(n, {0, n * 100}));
  EXPECT_TRUE(good(50, {4999, 1}));
  EXPECT_EQ(files("segments").size(), 1U);
  EXPECT_EQ(put(7, 700).error().code(), Code::exists);
}

TEST_F(StoreTest, small_units_have_limits) {
  open();
  EXPECT_EQ(put(1, 0).error().code(), Code::invalid);
  EXPECT_TRUE(put(2, 64 << 10));
  EXPECT_EQ(put(3, (64 << 10) + 1).error().code(), Code::invalid);
  EXPECT_TRUE(good(2, {0, 64 << 10}));
}

Task<> put_many(std::shared_ptr<Store> store, uint64_t from, uint64_t to, Context ctx) {
  io::Group group(ctx);
  for (uint64_t n = from; n < to; ++n) group.spawn(put_unit(store, unit_id(n), 4096, ctx));
  co_return co_await group.join();
}

TEST_F(StoreTest, puts_that_come_together_share_a_write) {
  open();
  uint64_t before = engine_->loop(0).stats().offloads;
  ASSERT_TRUE(run(put_many(store_, 0, 500, ctx())));
  // One for the segment and one for the batch; some slack for puts that came a turn later.
  EXPECT_LE(engine_->loop(0).stats().offloads - before, 8U);
  for (uint64_t n = 0; n < 500; n += 50) EXPECT_TRUE(good(n, {0, 4096}));
}

TEST_F(StoreTest, two_puts_of_one_unit_leave_one) {
  open();
  auto both = [](std::shared_ptr<Store> store, Context ctx) -> Task<> {
    io::Group group(ctx);
    group.spawn(put_unit(store, unit_id(1), 100, ctx));
    group.spawn(put_unit(store, unit_id(1), 100, ctx));
    co_return co_await group.join();
  };
  EXPECT_EQ(run(both(store_, ctx())).error().code(), Code::exists);
  EXPECT_TRUE(good(1, {0, 100}));
  EXPECT_EQ(stats().units, 1U);
}

TEST_F(StoreTest, the_queue_of_puts_is_bounded) {
  options_.max_queued_bytes = 10 * 4136;
  open();
  EXPECT_EQ(run(put_many(store_, 0, 11, ctx())).error().code(), Code::busy);
  EXPECT_EQ(stats().units, 10U);
  EXPECT_TRUE(run(put_many(store_, 100, 110, ctx())));
}

// Puts without waiting; each ends up in `told` by number.
class SoonTest : public StoreTest {
 protected:
  void put_soon(uint64_t from, uint64_t to, job::Crew& crew, uint64_t length = 4096) {
    for (uint64_t n = from; n < to; ++n) {
      store_->put_small_soon(unit_id(n), Bytes(content_of(unit_id(n), {0, length})), Admission::hot,
                             crew, [this, n](Result<> result) {
                               std::lock_guard lock(mutex_);
                               EXPECT_TRUE(told_.emplace(n, std::move(result)).second);
                             });
    }
  }
  // On the loop: puts, and joins the crew that wrote.
  Task<> put_and_stop(uint64_t from, uint64_t to, Duration stay, Context ctx,
                      uint64_t length = 4096) {
    job::Crew crew(*ctx.loop);
    put_soon(from, to, crew, length);
    co_await co_await io::sleep_until(ctx.loop->now() + stay, ctx);
    co_return co_await crew.stop();
  }
  // The same while one that waits for itself leads, and is still gathering.
  Task<> beside_a_leader(Context ctx) {
    io::Group group(ctx);
    group.spawn(put_unit(store_, unit_id(100), 4096, ctx));
    co_await co_await io::yield(ctx);
    co_await co_await put_and_stop(20, 30, milliseconds(1), ctx);
    co_return co_await group.join();
  }
  size_t good_ones() const {
    return static_cast<size_t>(
        std::ranges::count_if(told_, [](auto& each) { return each.second.has_value(); }));
  }
  std::mutex mutex_;
  std::map<uint64_t, Result<>> told_;
};

TEST_F(SoonTest, whoever_does_not_wait_is_told) {
  open();
  uint64_t before = engine_->loop(0).stats().offloads;
  ASSERT_TRUE(run(put_and_stop(0, 500, milliseconds(200), ctx())));
  EXPECT_EQ(good_ones(), 500U);
  EXPECT_LE(engine_->loop(0).stats().offloads - before, 8U) << "they share a write";
  for (uint64_t n = 0; n < 500; n += 50) EXPECT_TRUE(good(n, {0, 4096}));
}

TEST_F(SoonTest, it_is_told_why_a_unit_is_not_stored) {
  options_.max_queued_bytes = 10 * 4136;
  open();
  ASSERT_TRUE(put(3, 4096));
  ASSERT_TRUE(run(put_and_stop(0, 12, milliseconds(200), ctx())));
  EXPECT_EQ(told_.at(3).error().code(), Code::exists);
  EXPECT_EQ(told_.at(10).error().code(), Code::busy);
  EXPECT_EQ(told_.at(11).error().code(), Code::busy);
  EXPECT_EQ(good_ones(), 9U);
  ASSERT_TRUE(run(put_and_stop(20, 21, milliseconds(0), ctx(), (64 << 10) + 1)));
  EXPECT_EQ(told_.at(20).error().code(), Code::invalid);
}

TEST_F(SoonTest, a_crew_that_stops_leaves_nobody_waiting) {
  options_.gather = seconds(3600);
  open();
  ASSERT_TRUE(run(put_and_stop(0, 10, milliseconds(1), ctx())));
  ASSERT_EQ(told_.size(), 10U);
  for (auto& [n, result] : told_) EXPECT_EQ(result.error().code(), Code::cancelled);
  options_.gather = milliseconds(50);
  restart();
  told_.clear();
  EXPECT_TRUE(run(beside_a_leader(ctx())));
  EXPECT_EQ(told_.size(), 10U);
  EXPECT_TRUE(good(100, {0, 4096}));
  // The queue counts nothing that is gone.
  ASSERT_TRUE(run(put_and_stop(40, 50, milliseconds(200), ctx())));
  EXPECT_EQ(good_ones(), 10U);
}

TEST_F(StoreTest, removed_units_are_gone_with_their_space) {
  open();
  uint64_t before = stats().used;
  ASSERT_TRUE(fill(1, 2 * kMiB));
  store_->remove(unit_id(1));
  store_->remove(unit_id(1));
  EXPECT_EQ(code_of_reading(1, {0, 1}), Code::not_found);
  ASSERT_TRUE(run(store_->evict(ctx())));
  EXPECT_EQ(stats().used, before);
  EXPECT_EQ(files("units").size(), 0U);
}

TEST_F(StoreTest, room_is_reserved_before_writing) {
  open();
  uint64_t limit = stats().limit - stats().segment_bytes;  // one segment is the recycler's
  auto all = store_->reserve(unit_id(1), limit);
  ASSERT_TRUE(all);
  auto more = store_->reserve(unit_id(2), 1);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code(), Code::busy);
  EXPECT_EQ(more.error().detail(), "ENOSPC");
  EXPECT_EQ(stats().refused, 1U);
  EXPECT_EQ(put(3, 100).error().detail(), "ENOSPC");
  all = Reservation();
  EXPECT_TRUE(store_->reserve(unit_id(2), limit));
  auto small = store_->reserve(unit_id(4), 4096);
  EXPECT_EQ(run(store_->create(unit_id(4), 4097, std::move(*small), Admission::hot, ctx()))
                .error()
                .code(),
            Code::invalid);
}

TEST_F(StoreTest, what_was_not_read_is_evicted_first) {
  open();
  for (uint64_t n = 1; n <= 11; ++n) ASSERT_TRUE(fill(n, 4 * kMiB));
  EXPECT_TRUE(good(1, {0, 1}));
  EXPECT_TRUE(good(3, {0, 1}));
  auto slice = store_->find(unit_id(2), {0, 100}).slice;
  EXPECT_TRUE(good(1, {0, 1}));
  ASSERT_TRUE(fill(12, 4 * kMiB));
  ASSERT_TRUE(fill(13, 4 * kMiB));
  ASSERT_TRUE(fill(14, 4 * kMiB));
  ASSERT_TRUE(run(store_->evict(ctx())));
  EXPECT_GE(stats().evictions, 1U);
  for (uint64_t n = 4; n < 4 + stats().evictions; ++n) EXPECT_FALSE(store_->contains(unit_id(n)));
  for (uint64_t n : {1, 2, 3}) EXPECT_TRUE(store_->contains(unit_id(n)));
  EXPECT_EQ(stats().evicted_bytes, stats().evictions * 4 * kMiB);
}

TEST_F(StoreTest, a_slice_outlives_the_eviction_of_its_unit) {
  open();
  ASSERT_TRUE(fill(1, 2 * kMiB));
  ASSERT_TRUE(put(2, 5000));
  auto large = store_->find(unit_id(1), {100, 1000}).slice;
  auto small = store_->find(unit_id(2), {0, 5000}).slice;
  uint64_t used = stats().used;
  store_->remove(unit_id(1));
  store_->remove(unit_id(2));
  ASSERT_TRUE(run(store_->evict(ctx())));
  EXPECT_EQ(files("units").size(), 0U);
  EXPECT_EQ(stats().used, used) << "the bytes are still on the disk";
  EXPECT_EQ(*run(read_slice(large, ctx())), content_of(unit_id(1), {100, 1000}));
  EXPECT_EQ(*run(read_slice(small, ctx())), content_of(unit_id(2), {0, 5000}));
  large = {};
  EXPECT_EQ(stats().used, used - 2 * kMiB);
}

TEST_F(StoreTest, descriptors_are_bounded_and_opened_again) {
  options_.max_open_files = 3;
  open();
  for (uint64_t n = 0; n < 20; ++n) ASSERT_TRUE(fill(n, 70'000));
  EXPECT_LE(store_->stats().open_files, 3U);
  EXPECT_EQ(store_->find(unit_id(0), {0, 1}).state, Found::State::asleep);
  for (uint64_t n = 0; n < 20; ++n) EXPECT_TRUE(good(n, {69'990, 10}));
  EXPECT_EQ(store_->find(unit_id(19), {0, 1}).state, Found::State::ready);
  EXPECT_LE(store_->stats().open_files, 3U);
}

TEST_F(StoreTest, the_number_of_units_is_bounded) {
  options_.max_units = 100;
  open();
  ASSERT_TRUE(run(put_many(store_, 0, 300, ctx())));
  ASSERT_TRUE(put(1000, 10));
  EXPECT_LE(stats().units, 107U);
  ASSERT_TRUE(run(store_->evict(ctx())));
  EXPECT_EQ(stats().units, 100U);
  EXPECT_TRUE(good(1000, {0, 10}));
}

TEST_F(StoreTest, segments_are_recycled_whole) {
  open();
  uint64_t segment = stats().segment_bytes;
  // Four segments; every fourth unit stays.
  for (uint64_t n = 0; n < 260; ++n) ASSERT_TRUE(put(n, 64 << 10));
  EXPECT_EQ(stats().segments, 5U);
  auto slice = store_->find(unit_id(4), {0, 64 << 10}).slice;
  for (uint64_t n = 0; n < 260; ++n) {
    if (n % 4 != 0) store_->remove(unit_id(n));
  }
  ASSERT_TRUE(run(store_->recycle(ctx())));
  EXPECT_EQ(stats().recycled, 0U) << "there is no need";
  auto large = store_->reserve(unit_id(1000), stats().limit - stats().used - segment);
  ASSERT_TRUE(large);
  ASSERT_TRUE(run(store_->recycle(ctx())));
  EXPECT_GE(stats().recycled, 2U);
  EXPECT_LT(files("segments").size(), 5U);
  for (uint64_t n = 0; n < 260; n += 4) EXPECT_TRUE(good(n, {0, 64 << 10}));
  EXPECT_EQ(*run(read_slice(slice, ctx())), content_of(unit_id(4), {0, 64 << 10}));
  slice = {};
  large = Reservation();
  restart();
  for (uint64_t n = 0; n < 260; n += 4) EXPECT_TRUE(good(n, {0, 64 << 10}));
}

TEST_F(StoreTest, a_flood_of_small_units_passes_through_a_small_disk) {
  options_.disks[0].capacity = 16 << 20;
  open();
  uint64_t stored = 0;
  for (uint64_t n = 0; n < 1500; ++n) {
    stored += put(n, 40'000) ? 1 : 0;
    ASSERT_TRUE(run(store_->evict(ctx())));
    ASSERT_TRUE(run(store_->recycle(ctx())));
  }
  EXPECT_EQ(stored, 1500U);
  EXPECT_GT(stats().units, 150U) << "most of the room is in use";
  EXPECT_LE(stats().used, 16U << 20);
  EXPECT_TRUE(good(1499, {0, 40'000}));
  EXPECT_FALSE(store_->contains(unit_id(0)));
}

TEST_F(StoreTest, disks_share_the_units_by_hashing) {
  options_.disks.push_back({.path = folder_.path() + "/b", .capacity = 64 << 20});
  open();
  for (uint64_t n = 0; n < 200; ++n) ASSERT_TRUE(put(n, 100));
  EXPECT_GT(stats(0).units, 60U);
  EXPECT_GT(stats(1).units, 60U);
  EXPECT_EQ(stats(0).units + stats(1).units, 200U);
  restart();
  for (uint64_t n = 0; n < 200; ++n) EXPECT_TRUE(good(n, {0, 100}));
}

}  // namespace
}  // namespace forebay::disk
