// Runs with one production file replaced by a copy with a bug in it (plants/): some seed must see
// it.
#include "seeds.h"

namespace forebay::simtest {
namespace {

TEST(Plant, is_found) {
  for (uint64_t seed = only_seed.value_or(1); seed <= only_seed.value_or(1000); ++seed) {
    auto world = std::make_unique<World>(Plan::interleave(seed));
    if (world->run()) continue;
    std::printf("found by seed %lu: %s\n", seed, world->wrong().front().c_str());
    [[maybe_unused]] World* left = world.release();  // its tasks may still wait
    return;
  }
  ADD_FAILURE() << "no seed has found the planted bug";
}

}  // namespace
}  // namespace forebay::simtest
