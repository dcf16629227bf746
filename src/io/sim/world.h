// What the machines of a simulation share: time, dice, and the events still to happen.
// Internal to the simulated engine (io/sim.h).
#pragma once

#include <algorithm>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "base/time.h"

namespace forebay::io::sim {

/// A busy step takes this long at most: so a loop that polls the clock gets somewhere.
inline constexpr Duration kStepTime = microseconds(20);

/// A small generator (xoshiro256**), good and fast; the same everywhere.
class Dice {
 public:
  explicit Dice(uint64_t seed);
  uint64_t draw();
  /// 0 … n-1; 0 when n is 0.
  uint64_t below(uint64_t n);
  /// True with probability `p`. Draws nothing when the answer is certain.
  bool chance(double p);
  /// 0 … `most`.
  Duration up_to(Duration most);
  /// How much of `length` bytes a short call moves: 1 … length, now and then only a few.
  size_t part_of(size_t length);

 private:
  uint64_t state_[4];
};

/// The clock moves only when the simulation takes a step. One thread.
class World {
 public:
  explicit World(uint64_t seed) : dice(seed) {}

  Dice dice;
  Time now = kStart;

  /// Runs `event` once `delay` has passed, on the loop, never inside the caller.
  void after(Duration delay, std::move_only_function<void()> event);
  /// Runs the events that are due; not those that they schedule.
  void fire_due();
  /// The end of the world: what was to happen is dropped, and nothing more is taken.
  void end();
  Time next_event() const { return events_.empty() ? kNever : events_.front().at; }
  uint64_t scheduled() const { return sequence_; }
  /// A fixed epoch (2026-01-01) plus simulated time.
  static WallTime wall_at(Time when) { return {kEpoch.ns + (when - kStart).ns}; }
  /// Whether nothing travels between two machines, by their numbers.
  bool is_cut(size_t one, size_t other) const {
    return cut_.contains({std::min(one, other), std::max(one, other)});
  }
  void cut(size_t one, size_t other, bool off);

 private:
  static constexpr Time kStart{1'000'000'000'000};
  static constexpr WallTime kEpoch{1'767'225'600'000'000'000};
  struct Event {
    Time at;
    uint64_t sequence;
    std::move_only_function<void()> run;
    /// For a heap with the earliest on top; equal times keep the order they were scheduled in.
    bool operator<(const Event& other) const {
      return at != other.at ? at > other.at : sequence > other.sequence;
    }
  };
  std::set<std::pair<size_t, size_t>> cut_;
  std::vector<Event> events_;
  uint64_t sequence_ = 0;
  bool ended_ = false;
};

}  // namespace forebay::io::sim
