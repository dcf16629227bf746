// Long random lives of a Store with faults: evictions, recycling, full and failing disks.
#include <gtest/gtest.h>

#include "disk/sim_store_test.h"
#include "io/body.h"

namespace forebay::disk {
namespace {

TEST(StoreSim, many_lives_of_fills_evictions_and_recycling) {
  uint64_t evictions = 0, recycled = 0, moved = 0, found = 0;
  for (uint64_t seed = 1; seed <= seeds(60); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimWorld world(seed, 400);
    world.options().disks[0].capacity = 4 << 20;
    world.open();
    world.start(6);
    world.steps(6000);
    DiskStats stats = world.stats();
    evictions += stats.evictions;
    recycled += stats.recycled;
    moved += stats.moved_bytes;
    EXPECT_LE(stats.used, 4U << 20);
    EXPECT_EQ(stats.read_errors + stats.write_errors + stats.verify_failures, 0U);
    EXPECT_LE(world.store()->stats().open_files, 4U);
    world.close();
    world.open();
    EXPECT_EQ(world.stats().rows_dropped + world.stats().files_removed, 0U)
        << "an orderly end leaves rows and data in step";
    found += world.check_all();
    world.close();
    if (HasFailure()) return;
  }
  // All of it must have happened.
  EXPECT_GT(evictions, seeds(1000));
  EXPECT_GT(recycled, seeds(10));
  EXPECT_GT(moved, 0U);
  EXPECT_GT(found, seeds(1000));
}

Task<> send_in_vain(io::FileSlice slice, Context ctx) {
  std::vector<std::byte> buffer(4096);
  auto bytes = co_await io::load(std::move(slice), 0, buffer, ctx);
  EXPECT_FALSE(bytes);
  co_return ok;
}

TEST(StoreSim, what_could_not_be_read_when_it_was_sent_fails_nobody_else) {
  for (uint64_t n : {1, 2}) {  // in a file of its own, in a segment
    SCOPED_TRACE(n);
    SimWorld world(n);
    world.open();
    world.start(0);
    auto make = [&](uint64_t number) {
      return n == 1 ? world.run(fill_unit(world.store(), unit_id(number),
                                          SimWorld::length_of(number), 4096, world.ctx()))
                    : world.run(put_unit(world.store(), unit_id(number),
                                         SimWorld::length_of(number), world.ctx()));
    };
    for (uint64_t number : {n, n + 2, n + 4}) ASSERT_TRUE(make(number));
    UnitId bad = unit_id(n + 2);
    Found found = world.store()->find(bad, {10, 100});
    ASSERT_EQ(found.state, Found::State::ready);
    world.sim().options().disk_error = 1;
    EXPECT_TRUE(world.run(send_in_vain(found.slice, world.ctx())));
    world.sim().options().disk_error = 0;
    EXPECT_NE(world.store()->find(bad, {0, 1}).state, Found::State::ready);
    auto again = world.run(world.store()->open(bad, {0, 1}, Verify::start, world.ctx()));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code(), Code::corrupt);
    EXPECT_FALSE(world.store()->contains(bad)) << "so that it is fetched again";
    EXPECT_EQ(world.stats().verify_failures, 1U);
    EXPECT_EQ(world.stats().read_errors, 1U) << "of which a disk has only so many";
    EXPECT_EQ(world.check_all(), 2U) << "its neighbours stay";
    ASSERT_TRUE(make(n + 2));
    EXPECT_EQ(world.check_all(), 3U);
  }
}

TEST(StoreSim, failing_calls_cost_units_and_at_last_the_disk_but_no_wrong_byte) {
  uint64_t out = 0, errors = 0;
  for (uint64_t seed = 1; seed <= seeds(120); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimWorld world(seed, 100);
    world.sim().options().disk_error = seed % 3 == 0 ? 0.05 : 0.005;
    world.options().errors_until_out = 6;
    world.open();
    world.start(4);
    world.steps(1500);
    DiskStats stats = world.stats();
    errors += stats.read_errors + stats.write_errors;
    if (!stats.healthy) {
      ++out;
      EXPECT_EQ(stats.units, 0U);
      EXPECT_EQ(world.store()->reserve(unit_id(0), 1).error().code(), Code::unavailable);
    }
    world.kill();
    world.sim().options().disk_error = 0;
    world.open();
    EXPECT_TRUE(world.stats().healthy);
    world.check_all();
    world.close();
    if (HasFailure()) return;
  }
  EXPECT_GT(out, seeds(20));
  EXPECT_LT(out, 100U);
  EXPECT_GT(errors, seeds(300));
}

TEST(StoreSim, a_file_system_smaller_than_its_capacity_refuses_and_goes_on) {
  uint64_t refused = 0;
  for (uint64_t seed = 1; seed <= seeds(60); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimWorld world(seed, 400);
    world.options().disks[0].capacity = 8 << 20;
    world.open();
    world.start(6);
    world.steps(200);
    world.sim().options().disk_bytes = 5 << 20;  // somebody else fills the rest
    world.steps(2500);
    DiskStats stats = world.stats();
    EXPECT_TRUE(stats.healthy) << "full is not broken";
    EXPECT_LE(stats.limit, 8U << 20);
    refused += stats.refused;
    world.kill();
    world.open();
    world.check_all();
    world.close();
    if (HasFailure()) return;
  }
  EXPECT_GT(refused, seeds(50));
}

TEST(StoreSim, an_index_that_fails_takes_its_disk_out) {
  SimWorld world(1);
  world.open();
  world.start(2);
  world.steps(300);
  world.index()->fail_with(fail(Code::corrupt, "EIO"));
  world.steps(500);
  EXPECT_FALSE(world.stats().healthy);
  world.index()->fail_with(std::nullopt);
  world.kill();
  world.open();
  world.check_all();
}

TEST(StoreSim, a_full_index_waits_for_room) {
  SimWorld world(1);
  world.open();
  EXPECT_TRUE(world.run(put_unit(world.store(), unit_id(0), 100, world.ctx())));
  world.index()->fail_with(fail(Code::busy, "no space", "ENOSPC"));
  EXPECT_FALSE(world.run(world.store()->commit_rows(world.ctx())));
  EXPECT_TRUE(world.stats().healthy);
  world.index()->fail_with(std::nullopt);
  EXPECT_TRUE(world.run(world.store()->commit_rows(world.ctx())));
  world.kill();
  world.open();
  EXPECT_EQ(world.stats().units, 1U) << "the row was not lost";
}

TEST(StoreSim, the_same_seed_gives_the_same_life) {
  auto digest = [] {
    SimWorld world(42, 100);
    world.open();
    world.start(4);
    world.steps(2000);
    return world.sim().digest();
  };
  EXPECT_EQ(digest(), digest());
}

Task<> give_up_early(std::shared_ptr<Store> store, Context ctx) {
  io::Group group(ctx);
  auto one = [](std::shared_ptr<Store> s, uint64_t n, Context c) -> Task<> {
    static_cast<void>(co_await put_unit(s, unit_id(n), 1000, c));
    co_return ok;
  };
  CancelToken token;
  for (uint64_t n = 0; n < 10; ++n) group.spawn(one(store, n, ctx.under(token)));
  co_await co_await io::yield(ctx);
  for (uint64_t n = 10; n < 20; ++n) group.spawn(one(store, n, ctx.under(token)));
  co_await co_await io::sleep_until(ctx.loop->now() + microseconds(100), ctx);
  token.cancel();
  Result<> joined = co_await group.join();
  co_await std::move(joined);
  // The queue is not stuck behind those who have left.
  co_return co_await put_unit(store, unit_id(100), 1000, ctx);
}

TEST(StoreSim, puts_that_are_cancelled_hold_up_nobody) {
  for (uint64_t seed = 1; seed <= seeds(50); ++seed) {
    SimWorld world(seed);
    world.open();
    Result<> done = world.run(give_up_early(world.store(), world.ctx()));
    EXPECT_TRUE(done) << done.error().text();
  }
}

Task<> put_at_once(std::shared_ptr<Store> store, uint64_t from, uint64_t count, uint64_t length,
                   Context ctx) {
  io::Group group(ctx);
  for (uint64_t n = from; n < from + count; ++n) {
    group.spawn(put_unit(store, unit_id(n), length, ctx));
  }
  co_return co_await group.join();
}

// Puts that are taken back at any moment: queued, with the leader's batch, or written.
Task<> put_and_cancel(std::shared_ptr<Store> store, uint64_t from, Context ctx) {
  io::Group group(ctx);
  CancelToken token;
  auto one = [](std::shared_ptr<Store> s, uint64_t n, Context c) -> Task<> {
    static_cast<void>(co_await put_unit(s, unit_id(n), 1000, c));
    co_return ok;
  };
  for (uint64_t n = from; n < from + 8; ++n) {
    group.spawn(one(store, n, ctx.under(token)));
    auto pause = microseconds(static_cast<int64_t>(ctx.loop->random() % 1500));
    co_await co_await io::sleep_until(ctx.loop->now() + pause, ctx);
  }
  token.cancel();
  co_return co_await group.join();
}

TEST(StoreSim, puts_that_are_cancelled_leave_no_bytes_in_the_queue) {
  constexpr uint64_t kPuts = 10;
  for (uint64_t seed = 1; seed <= seeds(20); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimWorld world(seed);
    world.options().max_queued_bytes = kPuts * record_bytes(1000);
    world.open();
    for (uint64_t round = 0; round < 20; ++round) {
      ASSERT_TRUE(world.run(put_and_cancel(world.store(), 1000 + 100 * round, world.ctx())));
    }
    // To the last byte: the queue takes what it says, and not a put more.
    Result<> all = world.run(put_at_once(world.store(), 1, kPuts, 1000, world.ctx()));
    EXPECT_TRUE(all) << all.error().text();
    Result<> more = world.run(put_at_once(world.store(), 20, kPuts + 1, 1000, world.ctx()));
    EXPECT_EQ(more.error().code(), Code::busy);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace forebay::disk
