// Deaths of the process and of the machine at any step: after them no wrong byte is served.
#include <gtest/gtest.h>

#include "disk/sim_store_test.h"

namespace forebay::disk {
namespace {

// Random work, death at a random step, twice over; the second process lives on what the first
// one left.
void live_and_die(uint64_t seed, bool power) {
  SimWorld world(seed);
  for (int life = 0; life < 3; ++life) {
    world.open();
    if (testing::Test::HasFatalFailure()) return;
    world.check_all();
    if (life == 2) break;
    world.start(3);
    world.steps(50 + world.random(900));
    if (power) {
      world.power_loss();
    } else {
      world.kill();
    }
  }
  world.close();
}

TEST(StoreCrash, no_wrong_byte_after_a_kill_at_any_step) {
  for (uint64_t seed = 1; seed <= seeds(300); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    live_and_die(seed, false);
    if (HasFailure()) return;
  }
}

TEST(StoreCrash, no_wrong_byte_after_a_power_loss_at_any_step) {
  for (uint64_t seed = 1; seed <= seeds(500); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    live_and_die(seed, true);
    if (HasFailure()) return;
  }
}

Task<> write_nameless(std::shared_ptr<Store> store, uint64_t n, Context ctx) {
  uint64_t length = SimWorld::length_of(n);
  Reservation reserved = co_await store->reserve(unit_id(99), length);
  auto writer =
      co_await co_await store->create_nameless(length, std::move(reserved), Admission::cold, ctx);
  std::string bytes = content_of(unit_id(n), {0, length});
  co_await co_await writer->write(0, as_bytes(bytes), ctx);
  co_return co_await writer->commit_as(unit_id(n), ctx);
}

// One script, cut off after every single step of it.
Task<> script(std::shared_ptr<Store> store, bool* done, Context ctx) {
  for (uint64_t n : {0, 2, 4, 6}) {
    co_await co_await put_unit(store, unit_id(n), SimWorld::length_of(n), ctx);
  }
  for (uint64_t n : {1, 3}) {
    co_await co_await fill_unit(store, unit_id(n), SimWorld::length_of(n), 300'000, ctx);
  }
  co_await co_await store->commit_rows(ctx);
  store->remove(unit_id(3));
  store->remove(unit_id(2));
  co_await co_await store->evict(ctx);
  co_await co_await fill_unit(store, unit_id(3), SimWorld::length_of(3), 300'000, ctx);
  co_await co_await put_unit(store, unit_id(2), SimWorld::length_of(2), ctx);
  co_await co_await write_nameless(store, 5, ctx);
  co_await co_await store->commit_rows(ctx);
  *done = true;
  co_return ok;
}

void cut_after_each_step(bool power) {
  uint64_t last = 0;
  for (uint64_t cut = 1; last == 0; ++cut) {
    SCOPED_TRACE("cut after step " + std::to_string(cut));
    SimWorld world(7, 8);
    world.open();
    bool done = false;
    world.spawn(script(world.store(), &done, world.ctx()));
    world.steps(cut);
    if (done) last = cut;
    if (power) {
      world.power_loss();
    } else {
      world.kill();
    }
    world.open();
    size_t found = world.check_all();
    if (done && !power) EXPECT_EQ(found, 7U) << "every committed row survives a kill";
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(last, 30U);
}

TEST(StoreCrash, a_kill_after_each_step_of_a_script) { cut_after_each_step(false); }
TEST(StoreCrash, a_power_loss_after_each_step_of_a_script) { cut_after_each_step(true); }

// A power loss must really tear something, or the tests above show nothing.
TEST(StoreCrash, power_losses_do_damage_that_verification_finds) {
  uint64_t failures = 0;
  uint64_t verified = 0;
  for (uint64_t seed = 1; seed <= seeds(120); ++seed) {
    SimWorld world(seed);
    world.open();
    world.start(3);
    world.steps(1000);
    world.power_loss();
    world.open();
    world.check_all();
    failures += world.stats().verify_failures;
    verified += world.stats().verified;
  }
  EXPECT_GT(failures, 0U);
  EXPECT_GT(verified, seeds(20));
}

}  // namespace
}  // namespace forebay::disk
