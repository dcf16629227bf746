// One machine of a simulated world: its address, its clocks, which of its lives it is in, and how
// unkind the world is to it. Internal to the simulated engine (io/sim.h).
#pragma once

#include <memory>
#include <string>

#include "io/sim.h"
#include "io/sim/world.h"

namespace forebay::io::sim {

/// Shared by all parts of the machine. One thread.
class Host {
 public:
  /// `number` counts from 0.
  Host(std::shared_ptr<World> world, size_t number, const SimOptions& options);

  /// Its boot clock, and its wall clock.
  Time now() const;
  WallTime wall_now() const;
  /// When, in the world's time, its boot clock comes to `local`: not before now.
  Time world_time(Time local) const;
  /// From now on its clocks run `rate` times as fast as the world.
  void drift(double rate);
  /// Its wall clock is set.
  void jump(Duration by) { jumped_ = jumped_ + by; }

  void after(Duration delay, std::move_only_function<void()> event) {
    world->after(delay, std::move(event));
  }

  const std::shared_ptr<World> world;
  Dice& dice;
  SimOptions options;
  const size_t number;
  const std::string address;  ///< 10.0.0.1 is the first machine's
  uint64_t life = 1;          ///< counts its processes
  bool silent = false;        ///< its last life ended without a word: power was lost
  bool paused = false;

 private:
  // Since `since_` its boot clock, which showed `shown_` then, runs at rate_.
  Time since_;
  Time shown_;
  double rate_ = 1;
  Duration jumped_{0};
};

}  // namespace forebay::io::sim
