// Loops on several threads read, write and remove while eviction and recycling run: for the thread
// sanitizer, and for bytes that must stay right under it all.
#include <gtest/gtest.h>

#include <random>

#include "disk/real_store_test.h"
#include "io/sync.h"

namespace forebay::disk {
namespace {

constexpr uint64_t kUnits = 300;

uint64_t length_of(uint64_t n) { return n % 3 == 0 ? 70'000 + n * 500 : 1 + n * 150; }

// What the loops share.
struct Shared {
  std::shared_ptr<Store> store;
  io::Progress progress;
  std::atomic<int> running = 0;
  std::atomic<uint64_t> hits = 0;
};

Task<> act(Shared* shared, uint64_t seed, int rounds, Context ctx) {
  std::mt19937_64 random(seed);
  int waits = 5000;
  for (int i = 0; i < rounds; ++i) {
    uint64_t n = random() % kUnits;
    UnitId id = unit_id(n);
    ByteRange range{random() % length_of(n), 1};
    auto bytes = co_await read_unit(shared->store, id, range, ctx);
    if (bytes) {
      EXPECT_EQ(*bytes, content_of(id, range));
      ++shared->hits;
      if (random() % 20 == 0) shared->store->remove(id);
      continue;
    }
    EXPECT_EQ(bytes.error().code(), Code::not_found) << bytes.error().text();
    Result<> done = n % 3 == 0 ? co_await fill_unit(shared->store, id, length_of(n), 64 << 10, ctx)
                               : co_await put_unit(shared->store, id, length_of(n), ctx);
    bool fine = done || done.error().code() == Code::exists || done.error().code() == Code::busy;
    EXPECT_TRUE(fine) << done.error().text();
    // What finds no room is no round: on a busy machine the evictor may need its time.
    if (!done && done.error().code() == Code::busy && waits-- > 0) --i;
    if (!done) co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(2), ctx);
  }
  co_return ok;
}

void start_on(io::Loop& loop, Shared* shared, uint64_t seed, int rounds) {
  ++shared->running;
  loop.post([&loop, shared, seed, rounds] {
    io::start<void>(loop, act(shared, seed, rounds, {.loop = &loop}), [shared](Result<> done) {
      EXPECT_TRUE(done) << done.error().text();
      --shared->running;
      shared->progress.notify();
    });
  });
}

Task<> until_done(Shared* shared, Context ctx) {
  CancelToken token;
  io::Group duties(ctx);
  duties.spawn(shared->store->run_evictor(ctx.under(token)));
  duties.spawn(shared->store->run_recycler(ctx.under(token)));
  duties.spawn(shared->store->run_committer(ctx.under(token)));
  duties.spawn(shared->store->run_scrubber(ctx.under(token)));
  while (true) {
    uint64_t seen = shared->progress.count();
    if (shared->running == 0) break;
    Result<uint64_t> changed = co_await shared->progress.changed(seen, ctx);
    EXPECT_TRUE(changed);
  }
  token.cancel();
  co_return co_await duties.join();
}

class StoreThreads : public RealStore {};

TEST_F(StoreThreads, two_loops_share_a_small_disk) {
  options_.disks[0].capacity = 8 << 20;
  options_.max_open_files = 8;
  options_.max_units = 200;
  options_.commit_interval = milliseconds(2);
  options_.scrub_rate = 1 << 30;
  open();
  Shared shared;
  shared.store = store_;
  for (uint64_t i = 0; i < 8; ++i) start_on(engine_->loop(i % 2), &shared, i, 250);
  EXPECT_TRUE(run(until_done(&shared, ctx())));
  EXPECT_GT(shared.hits, 100U);
  EXPECT_GT(stats().evictions, 10U);
  EXPECT_EQ(stats().verify_failures, 0U);
  shared.store.reset();
  restart();
  EXPECT_EQ(stats().rows_dropped + stats().files_removed, 0U);
  for (uint64_t n = 0; n < kUnits; ++n) {
    if (store_->contains(unit_id(n))) EXPECT_TRUE(good(n, {0, length_of(n)}));
  }
}

// Reads and writes on a disk that comes and goes: errors are expected, wrong bytes are not.
Task<> act_anyhow(Shared* shared, std::atomic<bool>* over, uint64_t seed, Context ctx) {
  std::mt19937_64 random(seed);
  while (!*over) {
    uint64_t n = random() % kUnits;
    UnitId id = unit_id(n);
    ByteRange range{random() % length_of(n), 1};
    auto bytes = co_await read_unit(shared->store, id, range, ctx);
    if (bytes) EXPECT_EQ(*bytes, content_of(id, range));
    if (bytes) ++shared->hits;
    Result<> done = n % 3 == 0 ? co_await fill_unit(shared->store, id, length_of(n), 64 << 10, ctx)
                               : co_await put_unit(shared->store, id, length_of(n), ctx);
    EXPECT_TRUE(done || done.error().code() != Code::internal) << done.error().text();
    co_await co_await io::sleep_until(ctx.loop->now() + microseconds(500), ctx);
  }
  co_return ok;
}

Task<> remove_twice(Shared* shared, std::atomic<bool>* over, std::string path, Context ctx) {
  for (uint64_t lost = 1; lost <= 2; ++lost) {
    std::error_code ignored;  // somebody may be making a file in it
    while (shared->store->stats().disks[0].lost < lost) {
      std::filesystem::remove_all(path, ignored);
      co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(50), ctx);
    }
    while (!shared->store->stats().disks[0].healthy) {
      co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(50), ctx);
    }
  }
  // On a busy machine nobody may have got to reading yet.
  for (int i = 0; i < 1000 && shared->hits == 0; ++i) {
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(10), ctx);
  }
  *over = true;
  co_return ok;
}

TEST_F(StoreThreads, a_disk_that_comes_and_goes_under_two_loops) {
  options_.disks[0].capacity = 8 << 20;
  options_.max_open_files = 8;
  options_.commit_interval = milliseconds(2);
  open();
  Shared shared;
  shared.store = store_;
  std::atomic<bool> over = false;
  auto ended = [&shared](Result<> done) {
    EXPECT_TRUE(done) << done.error().text();
    --shared.running;
    shared.progress.notify();
  };
  for (uint64_t i = 0; i < 6; ++i) {
    io::Loop& loop = engine_->loop(i % 2);
    ++shared.running;
    loop.post([&, i, &loop = loop] {
      io::start<void>(loop, act_anyhow(&shared, &over, i, {.loop = &loop}), ended);
    });
  }
  io::Loop& loop = engine_->loop(1);
  ++shared.running;
  loop.post([&] {
    std::string path = options_.disks[0].path;
    io::start<void>(loop, remove_twice(&shared, &over, path, {.loop = &loop}), ended);
  });
  EXPECT_TRUE(run(until_done(&shared, ctx())));
  EXPECT_GT(shared.hits, 0U);
  EXPECT_TRUE(stats().healthy) << stats().trouble;
  shared.store.reset();
  restart();
  for (uint64_t n = 0; n < kUnits; ++n) {
    if (store_->contains(unit_id(n))) EXPECT_TRUE(good(n, {0, length_of(n)}));
  }
}

}  // namespace
}  // namespace forebay::disk
