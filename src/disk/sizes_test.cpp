// The account at every size: of disks from 48 MiB to 100 TiB, whatever the setting says, with what
// others have left of bytes and inodes, and an index that grows. A cache that turns over is never
// frozen, and never fills its file system.
#include <gtest/gtest.h>

#include "disk/sim_store_test.h"
#include "disk/space.h"

namespace forebay::disk {
namespace {

constexpr uint64_t kKiB = 1 << 10, kMiB = 1 << 20, kGiB = 1 << 30, kTiB = 1ULL << 40;
constexpr uint64_t kSizes[] = {48 * kMiB, 64 * kMiB,  100 * kMiB, 256 * kMiB, kGiB,
                               10 * kGiB, 480 * kGiB, 4 * kTiB,   100 * kTiB};

// What must hold of any disk that is measured.
void expect_sound(const Measured& disk) {
  Shares shares = share_out(disk);
  uint64_t setting = disk.setting != 0 ? disk.setting : disk.total;
  EXPECT_LE(shares.limit + std::min(disk.index, setting), setting);
  EXPECT_LT(shares.limit, disk.used + disk.free) << "something stays free";
  EXPECT_GE(shares.segment_bytes, disk.least_segment);
  EXPECT_EQ(shares.segment_bytes % 4096, 0U);
  EXPECT_LE(shares.segment_bytes, std::max<uint64_t>(disk.least_segment, shares.limit / 16));
  Space space(0, 0);
  space.set_limits(shares.limit, shares.files_limit, shares.segment_bytes);
  EXPECT_LE(space.target(), shares.limit / 4);
  if (shares.limit < 4 * kMiB) return;
  // Half of it can be one unit, beside the recycler's room.
  EXPECT_TRUE(space.take(shares.limit / 2));
  EXPECT_TRUE(space.take_for_recycler(shares.segment_bytes));
}

TEST(Sizes, are_shared_out_soundly) {
  for (uint64_t total : kSizes) {
    for (uint64_t setting : {uint64_t{0}, 24 * kMiB, total / 3, total, 20 * total}) {
      for (uint64_t used : {uint64_t{0}, total / 100, total / 2}) {
        for (uint64_t free : {uint64_t{0}, 3 * kMiB, total / 50, total - used}) {
          for (uint64_t index : {uint64_t{0}, 22 * kMiB, total / 200}) {
            SCOPED_TRACE("total " + std::to_string(total) + " setting " + std::to_string(setting) +
                         " used " + std::to_string(used) + " free " + std::to_string(free) +
                         " index " + std::to_string(index));
            if (used + free == 0) continue;
            expect_sound({.setting = setting,
                          .total = total,
                          .free = free,
                          .used = used,
                          .index = index,
                          .most_segment = 64 << 20,
                          .least_segment = 72 << 10});
            if (HasFailure()) return;
          }
        }
      }
    }
  }
}

TEST(Sizes, sharers_of_a_file_system_never_claim_more_than_it_has) {
  for (uint64_t total : kSizes) {
    for (uint64_t setting : {uint64_t{0}, total / 3, 20 * total}) {
      for (uint64_t one : {uint64_t{0}, total / 10, total / 2}) {
        for (uint64_t other : {uint64_t{0}, total / 3, total / 2}) {
          Measured disk{.setting = setting,
                        .total = total,
                        .free = total - one - other,
                        .inodes = 100'000,
                        .free_inodes = 60'000,
                        .sharers = 2,
                        .least_segment = 72 << 10};
          disk.used = one;
          disk.files = 10'000;
          Shares first = share_out(disk);
          disk.used = other;
          disk.files = 30'000;
          Shares second = share_out(disk);
          EXPECT_LT(first.limit + second.limit, total);
          EXPECT_LE(first.files_limit + second.files_limit, 100'000U);
          if (setting == 0) EXPECT_LE(std::max(first.limit, second.limit), total / 2);
        }
      }
    }
  }
}

TEST(Sizes, room_that_may_be_had_is_told_from_what_never_can) {
  Quota quota(100);
  quota.found(60);
  EXPECT_TRUE(quota.may_take(30, 10, false));
  EXPECT_FALSE(quota.may_take(31, 10, false));
  EXPECT_TRUE(quota.may_take(31, 10, true)) << "something can be evicted";
  EXPECT_TRUE(quota.may_take(90, 10, true));
  EXPECT_FALSE(quota.may_take(91, 10, true)) << "not by evicting all there is";
  quota.add_leaving(1);
  EXPECT_TRUE(quota.may_take(31, 10, false)) << "on its way out";
  EXPECT_EQ(quota.wanted(), 0U) << "a question is no order";
  quota.set_limit(5);
  EXPECT_FALSE(quota.may_take(1, 10, true));
}

TEST(Sizes, inodes_are_shared_out) {
  auto limit = [](uint64_t inodes, uint64_t free, uint64_t ours) {
    return share_out(
               {.total = kGiB, .free = kGiB, .inodes = inodes, .free_inodes = free, .files = ours})
        .files_limit;
  };
  EXPECT_EQ(limit(0, 0, 0), UINT64_MAX) << "a file system without a number of them";
  EXPECT_EQ(limit(1'000'000, 900'000, 0), 900'000U - 384);
  EXPECT_EQ(limit(800, 500, 200), 700U - 100);
  EXPECT_EQ(limit(800, 0, 200), 200U) << "others took the rest";
}

/// Puts units of both kinds, again and again what does not fit now, until `bytes` have passed.
Task<> turn_over(std::shared_ptr<Store> store, uint64_t bytes, uint64_t large, Context ctx) {
  constexpr int kTries = 400;
  constexpr uint64_t kSmall = 12 * kKiB;
  for (uint64_t n = 0, passed = 0; passed < bytes; ++n) {
    bool small = n % 8 != 0;
    uint64_t length = small ? kSmall : large;
    Result<> done = ok;
    for (int tries = 0;; ++tries) {
      if (small) {
        done = co_await put_unit(store, unit_id(n), length, ctx);
      } else {
        done = co_await fill_unit(store, unit_id(n), length, kMiB, ctx);
      }
      if (done || done.error().code() != Code::busy || tries == kTries) break;
      co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(5), ctx);
    }
    if (!done) co_return done.error_in("unit " + std::to_string(n));
    passed += length;
  }
  co_return ok;
}

struct Disk48 {
  std::string name;
  uint64_t total, free, setting, inodes, index;
};

class TurnOver : public testing::TestWithParam<Disk48> {};

TEST_P(TurnOver, goes_on_for_ever_and_leaves_something_free) {
  const Disk48& disk = GetParam();
  SimWorld world(11);
  io::SimOptions& sim = world.sim().options();
  sim.disk_bytes = disk.total;
  sim.disk_taken = disk.total - disk.free;
  sim.disk_inodes = disk.inodes;
  world.options().disks[0].capacity = disk.setting;
  world.index()->set_overhead(disk.index);
  world.open();
  world.start(0);
  auto folder = world.sim().loop().open_directory("/cache", false).value();
  uint64_t large = disk.inodes != 0 ? 20 * kKiB : kMiB;
  for (int round = 0; round < 3; ++round) {
    Result<> done = world.run(turn_over(world.store(), disk.free, large, world.ctx()));
    ASSERT_TRUE(done) << "round " << round << ": " << done.error().text();
    DiskStats stats = world.stats();
    EXPECT_TRUE(stats.healthy);
    EXPECT_GT(stats.units, 20U);
    if (disk.setting != 0) EXPECT_LE(stats.used + stats.index, disk.setting);
    EXPECT_GT(folder->space()->free, 0U);
    if (disk.inodes != 0) EXPECT_GT(folder->space()->free_inodes, 0U);
    for (uint64_t n = 0; n < 40'000; ++n) world.store()->remove(unit_id(n));  // and again
  }
  EXPECT_GT(world.stats().evictions + world.stats().recycled, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, TurnOver,
    testing::Values(Disk48{"all_of_a_small_disk", 48 * kMiB, 48 * kMiB, 0, 0, 0},
                    Disk48{"a_setting_below_the_disk", kGiB, 48 * kMiB, 24 * kMiB, 0, 0},
                    Disk48{"a_setting_far_above_a_small_disk", 48 * kMiB, 48 * kMiB, kTiB, 0, 0},
                    Disk48{"what_others_left_of_1GiB", kGiB, 48 * kMiB, kGiB, 0, 0},
                    Disk48{"what_others_left_of_100TiB", 100 * kTiB, 48 * kMiB, 0, 0, 0},
                    Disk48{"100TiB_and_all_of_it_set", 100 * kTiB, 64 * kMiB, 100 * kTiB, 0, 0},
                    Disk48{"an_index_as_large_as_the_rest", kGiB, 64 * kMiB, 24 * kMiB, 0,
                           10 * kMiB},
                    Disk48{"few_inodes", 48 * kMiB, 48 * kMiB, 0, 700, 0}),
    [](auto& info) { return info.param.name; });

TEST(Sizes, a_disk_that_others_fill_gives_up_large_segments) {
  SimWorld world(3);
  io::SimOptions& sim = world.sim().options();
  sim.disk_bytes = 512 * kMiB;
  world.options().disks[0].capacity = 512 * kMiB;
  world.open();
  world.start(0);
  EXPECT_TRUE(world.run(turn_over(world.store(), 40 * kMiB, kMiB, world.ctx())));
  uint64_t before = world.stats().segment_bytes;
  EXPECT_GE(before, 24 * kMiB);
  uint64_t ours = world.stats().used;
  sim.disk_taken = sim.disk_bytes - ours - 8 * kMiB;
  for (uint64_t n = 0; n < 40'000; ++n) world.store()->remove(unit_id(n));
  ASSERT_TRUE(world.run(io::sleep_until(world.sim().loop().now() + seconds(5), world.ctx())));
  sim.disk_taken = sim.disk_bytes - 16 * kMiB;  // and they take what was freed
  ASSERT_TRUE(world.run(io::sleep_until(world.sim().loop().now() + seconds(5), world.ctx())));
  EXPECT_LT(world.stats().segment_bytes, 2 * kMiB);
  Result<> done = world.run(turn_over(world.store(), 32 * kMiB, kMiB, world.ctx()));
  EXPECT_TRUE(done) << done.error().text();
}

TEST(Sizes, two_disks_on_one_file_system_share_it) {
  SimWorld world(8);
  world.sim().options().disk_bytes = 64 * kMiB;
  world.options().disks[0].capacity = 0;
  world.options().disks.push_back({.path = "/second", .open_index = [] {
                                     auto index = std::make_shared<MemoryIndex>();
                                     return Result<std::shared_ptr<Index>>(index);
                                   }});
  world.open();
  auto limits = [&] {
    uint64_t all = 0;
    for (const DiskStats& disk : world.store()->stats().disks) {
      EXPECT_EQ(disk.sharers, 2U);
      EXPECT_GT(disk.limit, 20 * kMiB);
      all += disk.limit;
    }
    return all;
  };
  EXPECT_LT(limits(), 64 * kMiB) << "as they are opened";
  world.start(0);
  EXPECT_TRUE(world.run(turn_over(world.store(), 120 * kMiB, kMiB, world.ctx())));
  EXPECT_LT(limits(), 64 * kMiB) << "and when they are full";
  EXPECT_GT(world.sim().loop().open_directory("/cache", false).value()->space()->free, 0U);
}

TEST(Sizes, an_index_that_grows_takes_its_room_from_units) {
  SimWorld world(5);
  world.options().disks[0].capacity = 24 * kMiB;
  world.open();
  world.start(0);
  EXPECT_TRUE(world.run(turn_over(world.store(), 30 * kMiB, kMiB, world.ctx())));
  world.index()->set_overhead(12 * kMiB);
  ASSERT_TRUE(world.run(io::sleep_until(world.sim().loop().now() + seconds(10), world.ctx())));
  DiskStats stats = world.stats();
  EXPECT_GE(stats.index, 12 * kMiB);
  EXPECT_LE(stats.used + stats.index, 24 * kMiB);
}

TEST(Sizes, a_disk_without_inodes_evicts_and_says_so) {
  SimWorld world(6);
  world.sim().options().disk_inodes = 700;
  world.options().disks[0].capacity = 256 * kMiB;
  world.open();
  world.start(0);
  auto many = [](std::shared_ptr<Store> store, Context ctx) -> Task<> {
    for (uint64_t n = 0; n < 1000; ++n) {
      Result<> done = co_await fill_unit(store, unit_id(n), 20 * kKiB, kMiB, ctx);
      if (!done && done.error().code() != Code::busy) co_return done;
      if (!done) co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(20), ctx);
    }
    co_return ok;
  };
  Result<> done = world.run(many(world.store(), world.ctx()));
  EXPECT_TRUE(done) << done.error().text();
  DiskStats stats = world.stats();
  EXPECT_GT(stats.evictions, 300U);
  EXPECT_GT(stats.units, 100U);
  EXPECT_TRUE(stats.bound_by_files);
  EXPECT_LE(stats.files, stats.files_limit);
  EXPECT_TRUE(world.store()->contains(unit_id(999)) || world.store()->contains(unit_id(998)));
}

}  // namespace
}  // namespace forebay::disk
