// Native units: nothing evicts them, and once they were acknowledged no death takes them.
#include <gtest/gtest.h>

#include <map>

#include "disk/real_store_test.h"
#include "disk/sim_store_test.h"

namespace forebay::disk {
namespace {

Terms native(uint64_t incarnation = 7) {
  return {Admission::hot, {.incarnation = incarnation, .slot = 3}, UnitClass::native};
}

Task<> put_native(std::shared_ptr<Store> store, uint64_t n, uint64_t length, Context ctx,
                  Terms terms = native()) {
  UnitId id = unit_id(n);
  if (length <= 16 << 10) {
    co_return co_await store->put_small(id, Bytes(content_of(id, {0, length})), terms, ctx);
  }
  terms.grows = n % 2 == 0;
  auto room = store->reserve(id, terms.grows ? length / 3 : length);
  if (!room) co_return room.error_in("native");
  auto writer = co_await co_await store->create(id, length, std::move(*room), terms, ctx);
  std::string bytes = content_of(id, {0, length});
  ByteView all = as_bytes(bytes);
  for (ByteView part : {all.first(length / 2), all.subspan(length / 2)}) {
    auto at = static_cast<uint64_t>(part.data() - all.data());
    co_await writer->grow(at + part.size());
    co_await co_await writer->write(at, part, ctx);
  }
  co_return co_await writer->commit(ctx);
}

/// What clients were told of native units, over many lives.
class Natives {
 public:
  Natives(SimWorld& world, uint64_t units) : world_(world), units_(units) {}

  void start(unsigned actors) {
    for (unsigned i = 0; i < actors; ++i) world_.spawn(act(this, world_.store(), world_.ctx()));
  }

  /// Whatever was acknowledged is there, whole; nothing counts as lost.
  void check() {
    EXPECT_EQ(world_.stats().native_lost, 0U);
    for (auto& [n, state] : states_) {
      if (state != State::there) continue;
      ByteRange whole{0, SimWorld::length_of(n)};
      auto bytes = world_.run(read_unit(world_.store(), unit_id(n), whole, world_.ctx()));
      ASSERT_TRUE(bytes) << "native unit " << n << ": " << bytes.error().text();
      EXPECT_TRUE(*bytes == content_of(unit_id(n), whole)) << "wrong bytes of native unit " << n;
      ++checked;
    }
  }
  uint64_t checked = 0;

 private:
  enum class State { unknown, there, gone };
  // Clean units have the numbers below.
  static constexpr uint64_t kFirst = 1'000'000;

  static Task<> act(Natives* all, std::shared_ptr<Store> store, Context ctx) {
    while (!ctx.cancel->cancelled()) {
      uint64_t n = kFirst + all->world_.random(all->units_);
      State& state = all->states_[n];
      if (state == State::there && all->world_.random(4) == 0) {
        state = State::gone;
        store->remove_native(unit_id(n));
      } else if (state == State::gone && store->contains(unit_id(n))) {
        store->remove_native(unit_id(n));  // a crash has brought it back
      } else if (state != State::there) {
        state = State::unknown;
        Result<> put = co_await put_native(store, n, SimWorld::length_of(n), ctx);
        if (put && !ctx.cancel->cancelled()) state = State::there;
      }
      static_cast<void>(co_await io::sleep_until(
          ctx.loop->now() + microseconds(static_cast<int64_t>(all->world_.random(4000))), ctx));
    }
    co_return ok;
  }

  SimWorld& world_;
  const uint64_t units_;
  std::map<uint64_t, State> states_;
};

TEST(StoreNative, what_was_acknowledged_survives_every_death) {
  uint64_t checked = 0, recycled = 0, evictions = 0;
  for (uint64_t seed = 1; seed <= seeds(25); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimWorld world(seed, 200);
    Natives natives(world, 30);
    for (int life = 0; life < 5 && !HasFailure(); ++life) {
      world.open();
      natives.check();
      world.start(3);
      natives.start(3);
      world.steps(500 + world.random(2500));
      recycled += world.stats().recycled;
      evictions += world.stats().evictions;
      world.random(2) == 0 ? world.power_loss() : world.kill();
    }
    world.open();
    natives.check();
    world.check_all();
    world.close();
    checked += natives.checked;
    if (HasFailure()) return;
  }
  EXPECT_GT(checked, seeds(400));
  EXPECT_GT(recycled, seeds(5));
  EXPECT_GT(evictions, seeds(50));
}

TEST(StoreNative, failing_calls_are_told_and_lose_nothing_that_was_acknowledged) {
  uint64_t checked = 0;
  for (uint64_t seed = 1; seed <= seeds(25); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimWorld world(seed, 100);
    world.options().errors_until_out = 1000;
    Natives natives(world, 30);
    world.open();
    world.start(2);
    natives.start(3);
    world.sim().options().disk_error = 0.01;
    world.steps(2500);
    world.kill();
    world.sim().options().disk_error = 0;
    world.open();
    natives.check();
    world.close();
    checked += natives.checked;
    if (HasFailure()) return;
  }
  EXPECT_GT(checked, seeds(40));
}

TEST(StoreNative, what_is_copied_forward_survives_the_segment_it_lay_in) {
  uint64_t moved = 0;
  for (uint64_t seed = 1; seed <= seeds(10); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimWorld world(seed, 10);
    world.open();
    world.start(0);  // the duties, and no load
    constexpr uint64_t kUnits = 300, kLength = 10'000;
    for (uint64_t n = 0; n < kUnits; ++n) {
      ASSERT_TRUE(world.run(put_native(world.store(), n, kLength, world.ctx())));
    }
    for (uint64_t n = 0; n < kUnits; ++n) {
      if (n % 5 > 1) world.store()->remove_native(unit_id(n));
    }
    // Somebody wants the room of what is dead.
    DiskStats before = world.stats();
    auto room =
        world.store()->reserve(unit_id(kUnits), before.limit - before.used - before.segment_bytes);
    ASSERT_TRUE(room);
    for (int i = 0; i < 20'000 && world.stats().recycled < 5; ++i) world.steps(1);
    moved += world.stats().moved_bytes;
    {
      Reservation back = std::move(*room);
    }
    world.power_loss();
    world.open();
    EXPECT_EQ(world.stats().native_lost, 0U);
    for (uint64_t n = 0; n < kUnits; n += n % 5 == 0 ? 1 : 4) {
      auto bytes = world.run(read_unit(world.store(), unit_id(n), {0, kLength}, world.ctx()));
      ASSERT_TRUE(bytes) << n << ": " << bytes.error().text();
      EXPECT_TRUE(*bytes == content_of(unit_id(n), {0, kLength})) << n;
    }
    world.close();
    if (HasFailure()) return;
  }
  EXPECT_GT(moved, seeds(100'000));
}

class StoreNativeReal : public RealStore {
 protected:
  static constexpr uint64_t kLarge = 1 << 20, kSmall = 10 << 10;
  Result<> put(uint64_t n, uint64_t length, Terms terms = native()) {
    return run(put_native(store_, n, length, ctx(), terms));
  }
};

TEST_F(StoreNativeReal, clean_units_yield_and_native_ones_stay_until_the_disk_is_full) {
  open();
  for (uint64_t n = 0; n < 200; ++n) {
    static_cast<void>(run(fill_unit(store_, unit_id(5000 + n), kLarge, kLarge, ctx())));
    static_cast<void>(run(store_->evict(ctx())));
  }
  EXPECT_GT(stats().evictions, 0U);
  uint64_t stored = 0;
  for (int tries = 0; tries < 500; ++tries) {
    Result<> put = this->put(stored, kLarge);
    if (put) {
      ++stored;
      continue;
    }
    EXPECT_EQ(put.error().detail(), "ENOSPC");
    if (stats().units == stats().native_units) break;
    ASSERT_TRUE(run(store_->evict(ctx())));
  }
  EXPECT_GT(stored, 40U);
  EXPECT_EQ(stats().native_units, stored);
  EXPECT_EQ(stats().units, stored) << "clean units are still there";
  for (uint64_t n = 0; n < stored; ++n) EXPECT_TRUE(good(n, {0, kLarge}, Verify::always)) << n;
  // What is removed gives its room back.
  for (uint64_t n = 0; n < stored; n += 2) store_->remove_native(unit_id(n));
  ASSERT_TRUE(run(store_->evict(ctx())));
  EXPECT_TRUE(this->put(1000, kLarge));
  restart();
  EXPECT_EQ(stats().native_lost, 0U);
  EXPECT_TRUE(good(1000, {0, kLarge}, Verify::always));
  EXPECT_TRUE(good(1, {0, kLarge}, Verify::always));
  EXPECT_FALSE(store_->contains(unit_id(0)));
}

TEST_F(StoreNativeReal, what_they_take_is_no_room_for_clean_ones) {
  options_.disks.push_back({.path = folder_.path() + "/b", .capacity = 192 << 20});
  options_.max_units = 100;
  open();
  Room empty = store_->room();
  auto small = static_cast<double>(stats(0).limit), large = static_cast<double>(stats(1).limit);
  EXPECT_EQ(empty.units, 100U);
  EXPECT_DOUBLE_EQ(empty.odds, large / small);
  EXPECT_LT(empty.least, stats(0).limit);
  auto bytes = [&](const Room& room) {  // when the smaller disk is full, the larger is not quite
    return static_cast<uint64_t>(static_cast<double>(room.least) * (small + large) / small);
  };
  EXPECT_LE(empty.bytes, bytes(empty) + 1);
  EXPECT_GT(empty.bytes, bytes(empty) / 100 * 99);
  EXPECT_LT(empty.bytes, stats(0).limit + stats(1).limit);
  for (uint64_t n = 0; n < 30; ++n) ASSERT_TRUE(put(n, kLarge));
  ASSERT_GT(stats(0).native, 0U);
  ASSERT_GT(stats(1).native, 0U);
  Room room = store_->room();
  EXPECT_EQ(room.units, 70U);
  EXPECT_EQ(room.least, empty.least - stats(0).native);
  EXPECT_LE(room.bytes, bytes(room) + 1);
  EXPECT_LT(room.bytes, empty.bytes);
}

TEST_F(StoreNativeReal, a_bucket_s_units_are_listed_and_only_remove_native_removes_them) {
  open();
  for (uint64_t n = 0; n < 4; ++n)
    ASSERT_TRUE(put(n, n % 2 == 0 ? kSmall : kLarge, native(7 + n / 2)));
  ASSERT_TRUE(run(put_unit(store_, unit_id(9), kSmall, ctx())));
  std::vector<UnitId> expected{unit_id(0), unit_id(1)};
  std::ranges::sort(expected);
  EXPECT_EQ(store_->native_units(7), expected);
  EXPECT_TRUE(store_->native_units(6).empty());
  restart();
  EXPECT_EQ(store_->native_units(7), expected) << "rows tell whose they are";
  store_->remove(unit_id(0));
  EXPECT_TRUE(store_->contains(unit_id(0))) << "dropping is for what can be fetched again";
  store_->remove_native(unit_id(9));
  EXPECT_TRUE(store_->contains(unit_id(9)));
  store_->remove_native(unit_id(0));
  EXPECT_FALSE(store_->contains(unit_id(0)));
  EXPECT_EQ(store_->native_units(7), std::vector<UnitId>{unit_id(1)});
}

TEST_F(StoreNativeReal, rot_is_told_each_time_and_never_dropped) {
  open();
  for (uint64_t n : {0, 1}) {
    ASSERT_TRUE(put(n, n == 0 ? kSmall : kLarge));
    auto slice = store_->find(unit_id(n), {0, 100}).slice;
    std::byte byte{};
    ASSERT_TRUE(slice.file->read_at(slice.offset + 50, {&byte, 1}));
    byte ^= std::byte{1};
    ASSERT_TRUE(slice.file->write_at(slice.offset + 50, {&byte, 1}));
    for (int times = 0; times < 2; ++times) {
      auto read = run(store_->open(unit_id(n), {0, 100}, Verify::always, ctx()));
      ASSERT_FALSE(read);
      EXPECT_EQ(read.error().code(), Code::corrupt);
      EXPECT_TRUE(store_->contains(unit_id(n)));
    }
  }
}

TEST(StoreNative, one_that_cannot_be_read_takes_no_other_along) {
  SimWorld world(1, 100);
  world.options().errors_until_out = 8;
  world.open();
  ASSERT_TRUE(world.run(put_native(world.store(), 1, 200'000, world.ctx())));
  world.sim().spoil("/cache/units");
  ASSERT_TRUE(world.run(put_native(world.store(), 3, 200'000, world.ctx())));
  world.kill();
  world.open();
  for (int times = 0; times < 30; ++times) {
    auto bad = world.run(world.store()->open(unit_id(1), {0, 100}, Verify::always, world.ctx()));
    EXPECT_FALSE(bad);
    auto good = world.run(world.store()->open(unit_id(3), {0, 100}, Verify::always, world.ctx()));
    ASSERT_TRUE(good) << times << ": " << good.error().text();
  }
  EXPECT_TRUE(world.stats().healthy);
  EXPECT_TRUE(world.store()->contains(unit_id(1)));
  world.close();
}

TEST_F(StoreNativeReal, bytes_that_are_gone_at_the_start_are_counted) {
  open();
  ASSERT_TRUE(put(1, kLarge));
  ASSERT_TRUE(put(2, kLarge));
  ASSERT_TRUE(run(store_->close(ctx())));
  kill();
  for (auto& file : files("units")) std::filesystem::remove(file);
  open();
  EXPECT_EQ(stats().native_lost, 2U);
  EXPECT_FALSE(store_->contains(unit_id(1)));
}

TEST_F(StoreNativeReal, a_disk_with_some_is_not_made_anew) {
  namespace fs = std::filesystem;
  fs::path disk = folder_.path() + "/a", aside = folder_.path() + "/aside";
  open();
  ASSERT_TRUE(put(1, kLarge));
  ASSERT_TRUE(put(2, kSmall));
  for (const char* part : {"index", "units", "segments", "native"}) {
    SCOPED_TRACE(part);
    // While it runs: out until it is back.
    fs::rename(disk / part, aside);
    for (int looks = 0; looks < 3; ++looks) {
      ASSERT_TRUE(run(io::sleep_until(ctx().loop->now() + milliseconds(1100), ctx())));
      ASSERT_TRUE(run(store_->evict(ctx())));
    }
    bool noticed = std::string_view(part) != "native";  // which only an opening looks for
    EXPECT_EQ(stats().healthy, !noticed) << stats().trouble;
    fs::rename(aside, disk / part);
    ASSERT_TRUE(run(io::sleep_until(ctx().loop->now() + milliseconds(1100), ctx())));
    ASSERT_TRUE(run(store_->evict(ctx())));
    EXPECT_TRUE(stats().healthy) << stats().trouble;
    // At a start: refused.
    ASSERT_TRUE(run(store_->close(ctx())));
    kill();
    if (noticed) {
      fs::rename(disk / part, aside);
      EXPECT_EQ(run(Store::open(options_, ctx())).error().code(), Code::unavailable);
      fs::rename(aside, disk / part);
    }
    open();
    EXPECT_EQ(stats().native_lost, 0U);
    EXPECT_TRUE(good(1, {0, kLarge}, Verify::always));
    EXPECT_TRUE(good(2, {0, kSmall}, Verify::always));
  }
}

TEST_F(StoreNativeReal, nothing_is_made_in_the_place_of_one_with_some) {
  namespace fs = std::filesystem;
  fs::path disk = folder_.path() + "/a", aside = folder_.path() + "/aside";
  open();
  ASSERT_TRUE(put(1, kLarge));
  auto look = [&] {
    ASSERT_TRUE(run(io::sleep_until(ctx().loop->now() + milliseconds(1100), ctx())));
    ASSERT_TRUE(run(store_->evict(ctx())));
  };
  fs::rename(disk, aside);
  look(), look();
  EXPECT_FALSE(stats().healthy);
  EXPECT_FALSE(fs::exists(disk)) << "who puts it back would find another there";
  fs::create_directory(disk);
  look();
  EXPECT_FALSE(stats().healthy) << "an empty folder";
  EXPECT_TRUE(fs::is_empty(disk));
  fs::remove(disk);
  fs::rename(aside, disk);
  look();
  EXPECT_TRUE(stats().healthy) << stats().trouble;
  EXPECT_TRUE(good(1, {0, kLarge}, Verify::always));
}

TEST_F(StoreNativeReal, a_segment_whose_header_has_rotted_keeps_what_can_be_read) {
  open();
  for (uint64_t n = 0; n < 5; ++n) ASSERT_TRUE(put(n, kSmall));
  ASSERT_TRUE(run(store_->close(ctx())));
  kill();
  for (auto& file : files("segments")) flip_byte(file, 10);
  open();
  EXPECT_EQ(stats().native_lost, 0U);
  for (uint64_t n = 0; n < 5; ++n) EXPECT_TRUE(good(n, {0, kSmall}, Verify::always)) << n;
}

}  // namespace
}  // namespace forebay::disk
