// Fills, readers that leave, origin errors and slow bodies, version changes in the middle of a
// fill, overlapping writes, eviction and disk errors, all at once.
#include "seeds.h"

namespace forebay::simtest {
namespace {

TEST(Interleave, every_answer_is_one_version_and_none_is_stale) {
  Tally sum;
  for_seeds([&](uint64_t seed) -> std::string {
    // A world in which something hangs cannot be taken down: it stays.
    auto world = std::make_unique<World>(Plan::interleave(seed));
    bool good = world->run();
    add(sum, world->tally());
    if (good) return {};
    return world.release()->wrong().front();
  });
  std::printf(
      "answers %lu good %lu errors %lu missing %lu short %lu left %lu\n"
      "hit %lu joined %lu miss %lu bypass %lu\n"
      "writes %lu acknowledged %lu changes %lu evictions %lu disk errors %lu refused %lu\n",
      sum.answers, sum.good, sum.errors, sum.missing, sum.short_bodies, sum.left, sum.hits,
      sum.joined, sum.misses, sum.bypassed, sum.writes, sum.acknowledged, sum.changes,
      sum.evictions, sum.disk_errors, sum.refused);
  std::printf("copies of written bodies:");
  for (size_t i = 0; i < unit::kTeeEnds; ++i) {
    std::printf(" %s %lu", std::string(name(static_cast<unit::TeeEnd>(i))).c_str(), sum.copies[i]);
  }
  std::printf("\n");
  if (only_seed || testing::Test::HasFailure()) return;
  // What the seeds are for does happen in them.
  EXPECT_GT(sum.good * 2, sum.answers);
  for (uint64_t count :
       {sum.errors, sum.missing, sum.short_bodies, sum.left, sum.hits, sum.joined, sum.misses,
        sum.bypassed, sum.acknowledged, sum.changes, sum.evictions, sum.disk_errors, sum.refused}) {
    EXPECT_GT(count, 0U);
  }
  EXPECT_LT(sum.acknowledged, sum.writes);
  if (seed_count < kAllSeeds) return;
  for (uint64_t count : sum.copies) EXPECT_GT(count, 0U);
}

TEST(Interleave, a_seed_decides_everything) {
  for (uint64_t seed : {3, 14}) {
    uint64_t steps[2];
    for (uint64_t& count : steps) {
      World world(Plan::interleave(seed));
      EXPECT_TRUE(world.run());
      count = world.steps();
    }
    EXPECT_EQ(steps[0], steps[1]);
  }
}

}  // namespace
}  // namespace forebay::simtest
