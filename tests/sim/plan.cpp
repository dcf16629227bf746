// What a seed decides.
#include "io/sim/world.h"
#include "world.h"

namespace forebay::simtest {

namespace {

template <class T>
T pick(io::sim::Dice& dice, std::initializer_list<T> from) {
  return from.begin()[dice.below(from.size())];
}

object::Freshness pick_freshness(io::sim::Dice& dice) {
  using Kind = object::Freshness::Kind;
  Kind kind = pick(dice, {Kind::exact, Kind::ttl, Kind::ttl, Kind::immutable, Kind::immutable});
  return {kind, milliseconds(pick(dice, {50, 500, 60'000}))};
}

testkit::MemoryOriginOptions pick_origin(io::sim::Dice& dice) {
  testkit::MemoryOriginOptions origin;
  origin.capabilities.conditional_get = dice.chance(0.8);
  origin.capabilities.part_number = dice.chance(0.5);
  origin.capabilities.versions = dice.chance(0.3);
  origin.strong = dice.chance(0.93);
  origin.opaque_etags = dice.chance(0.2);
  origin.tag_in_put = dice.chance(0.85);
  origin.delay = milliseconds(pick(dice, {1, 10, 60}));
  origin.chunk_delay = milliseconds(pick(dice, {0, 2, 20}));
  origin.body_rate = pick<uint64_t>(dice, {0, 0, 4'000'000});
  origin.vary_chunks = dice.chance(0.3);
  origin.reads_into = dice.chance(0.5);
  origin.error = pick(dice, {0.0, 0.0, 0.05});
  origin.broken_body = pick(dice, {0.0, 0.0, 0.15});
  origin.lost_answer = pick(dice, {0.0, 0.0, 0.0, 0.1});
  origin.late_commit = pick(dice, {0.0, 0.0, 0.0, 0.1});
  origin.min_part = 1;
  return origin;
}

}  // namespace

Plan Plan::interleave(uint64_t seed) {
  io::sim::Dice dice(seed * 7919 + 1);
  Plan plan;
  plan.seed = seed;
  plan.bucket.freshness = pick_freshness(dice);
  plan.bucket.unit_max = pick<uint64_t>(dice, {96 * kKiB, 96 * kKiB, 0});
  plan.bucket.cache_writes = dice.chance(0.7);
  plan.origin = pick_origin(dice);
  plan.rows = {.delay = milliseconds(2)};
  if (dice.chance(0.2)) plan.rows.refuse = 0.1, plan.rows.lose_answer = 0.1;
  plan.quiet = dice.chance(0.6);
  if (dice.chance(0.2)) plan.disk_error = pick(dice, {0.01, 0.1});
  if (dice.chance(0.15)) plan.disk_bytes = pick<uint64_t>(dice, {4096 * kKiB, 4608 * kKiB});
  // Few sizes, so that versions of equal length meet.
  uint64_t large = pick<uint64_t>(dice, {200 * kKiB, 400 * kKiB, 1200 * kKiB});
  if (dice.chance(0.02)) large = 6000 * kKiB, plan.bucket.unit_max = 0;  // readers overtake
  plan.sizes = {3000, large, large, large};
  if (dice.chance(0.3)) plan.sizes.push_back(0);
  if (dice.chance(0.3)) plan.sizes.push_back(40 * kKiB);
  if (dice.chance(0.3)) plan.bucket.fill = object::Filling::adaptive;
  return plan;
}

Plan Plan::deaths(uint64_t seed) {
  io::sim::Dice dice(seed * 7919 + 2);
  Plan plan;
  plan.seed = seed;
  plan.bucket.freshness = pick_freshness(dice);
  plan.bucket.unit_max = 24 * kKiB;
  plan.origin.min_part = 1;
  plan.origin.delay = milliseconds(2);
  plan.origin.chunk = 16 * kKiB;
  plan.rows = {.delay = milliseconds(1)};
  plan.clients = 3;
  plan.calls = 5;
  plan.keys = 3;
  plan.sizes = {1000, 3000, 20 * kKiB, 60 * kKiB};
  return plan;
}

}  // namespace forebay::simtest
