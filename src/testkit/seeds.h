// How many seeds a simulation of many runs.
#pragma once

#include <algorithm>
#include <cstdint>

namespace forebay::testkit {

/// How many of `n` seeds a simulation runs, or of the events they bring about it must see: an
/// eighth (never none) where the sanitizers make each step an order of magnitude slower. What they
/// find they find in few; the rare orders of events are for the optimised build, which runs all of
/// them (docs/build-time.md).
constexpr uint64_t seeds(uint64_t n) {
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return std::max<uint64_t>(1, n / 8);
#else
  return n;
#endif
}

}  // namespace forebay::testkit
