// The power fails, or the process dies, at every step: unsynced writes, names and index batches are
// dropped, and what is served afterwards is right.
#include "io/sim/world.h"
#include "seeds.h"

namespace forebay::simtest {
namespace {

/// About as many steps as the clients of Plan::deaths take.
constexpr uint64_t kSteps = 1200;

std::string live_and_die(uint64_t seed, bool power, uint64_t& units) {
  io::sim::Dice dice(seed);
  auto world = std::make_unique<World>(Plan::deaths(seed));
  bool good = world->start();
  for (int life = 0; good && life < 2; ++life) {
    world->begin();
    world->go(dice.below(kSteps));
    good = world->die(power) && (dice.chance(0.5) || world->read_all());
  }
  if (good) world->begin();
  good = good && world->finish() && world->read_all() && world->stop();
  units += world->tally().hits;
  if (good) return {};
  return world.release()->wrong().front();
}

TEST(Death, after_a_power_loss_every_byte_is_right_and_acknowledged_writes_are_there) {
  uint64_t hits = 0;
  for_seeds([&](uint64_t seed) { return live_and_die(seed, true, hits); });
  if (!only_seed) EXPECT_GT(hits, 0U);
}

TEST(Death, after_a_kill_every_byte_is_right_and_acknowledged_writes_are_there) {
  uint64_t hits = 0;
  for_seeds([&](uint64_t seed) { return live_and_die(seed, false, hits); });
  if (!only_seed) EXPECT_GT(hits, 0U);
}

}  // namespace
}  // namespace forebay::simtest
