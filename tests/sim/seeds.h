// Which seeds to run, and how a failing one is told.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>

#include "world.h"

namespace forebay::simtest {

/// Set by --seed=N: only this one.
extern std::optional<uint64_t> only_seed;
/// Seeds of one test: --seeds=N, by default kAllSeeds, 100 under sanitizers, which are slow.
extern uint64_t seed_count;
/// So many, and everything that the seeds are for happens in them, however rare.
constexpr uint64_t kAllSeeds = 1000;

/// The command that runs the current test with `seed` again.
std::string replay(uint64_t seed);

/// Calls `run` for every seed until one gives what is wrong; that is a failure.
template <class F>
void for_seeds(F run) {
  uint64_t first = only_seed.value_or(1);
  uint64_t last = only_seed.value_or(seed_count);
  for (uint64_t seed = first; seed <= last; ++seed) {
    std::string wrong = run(seed);
    if (wrong.empty()) continue;
    ADD_FAILURE() << "seed " << seed << ": " << wrong << "\nreplay: " << replay(seed);
    return;
  }
}

inline void add(Tally& sum, const Tally& more) {
  for (uint64_t Tally::* field :
       {&Tally::answers, &Tally::good, &Tally::errors, &Tally::short_bodies, &Tally::left,
        &Tally::missing, &Tally::hits, &Tally::joined, &Tally::misses, &Tally::bypassed,
        &Tally::writes, &Tally::acknowledged, &Tally::changes, &Tally::evictions,
        &Tally::disk_errors, &Tally::refused}) {
    sum.*field += more.*field;
  }
  for (size_t i = 0; i < unit::kTeeEnds; ++i) sum.copies[i] += more.copies[i];
}

}  // namespace forebay::simtest
