// Points and lengths of time as plain strong types. base never reads a clock: io does.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace forebay {

/// A length of time in nanoseconds; may be negative.
struct Duration {
  int64_t ns = 0;
  auto operator<=>(const Duration&) const = default;
  constexpr Duration operator+(Duration d) const { return {ns + d.ns}; }
  constexpr Duration operator-(Duration d) const { return {ns - d.ns}; }
  constexpr Duration operator*(int64_t k) const { return {ns * k}; }
  constexpr int64_t milliseconds() const { return ns / 1'000'000; }
  constexpr double seconds() const { return static_cast<double>(ns) / 1e9; }
};

constexpr Duration nanoseconds(int64_t n) { return {n}; }
constexpr Duration microseconds(int64_t n) { return {n * 1'000}; }
constexpr Duration milliseconds(int64_t n) { return {n * 1'000'000}; }
constexpr Duration seconds(int64_t n) { return {n * 1'000'000'000}; }

/// A point on the boot clock (never jumps, counts through suspend), in nanoseconds.
struct Time {
  int64_t ns = 0;
  auto operator<=>(const Time&) const = default;
  constexpr Time operator+(Duration d) const {
    return {d.ns > 0 && ns > std::numeric_limits<int64_t>::max() - d.ns
                ? std::numeric_limits<int64_t>::max()
                : ns + d.ns};
  }
  constexpr Duration operator-(Time t) const { return {ns - t.ns}; }
};

/// Later than any deadline.
inline constexpr Time kNever{std::numeric_limits<int64_t>::max()};

/// A point on the wall clock, nanoseconds since 1970-01-01 UTC. For dates people and protocols
/// see; never for measuring.
struct WallTime {
  int64_t ns = 0;
  auto operator<=>(const WallTime&) const = default;
  constexpr int64_t seconds() const { return ns / 1'000'000'000; }
};

}  // namespace forebay
