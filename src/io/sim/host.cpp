#include "io/sim/host.h"

#include <cmath>

namespace forebay::io::sim {

namespace {

Duration scaled(Duration by, double rate) {
  return {static_cast<int64_t>(std::floor(static_cast<double>(by.ns) * rate))};
}

}  // namespace

Host::Host(std::shared_ptr<World> in, size_t which, const SimOptions& chosen)
    : world(std::move(in)),
      dice(world->dice),
      options(chosen),
      number(which),
      address("10.0.0." + std::to_string(which + 1)),
      since_(world->now),
      shown_(world->now) {}

Time Host::now() const {
  if (rate_ == 1) return shown_ + (world->now - since_);
  return shown_ + scaled(world->now - since_, rate_);
}

WallTime Host::wall_now() const {
  WallTime at = world->wall_at(now());
  return {at.ns + jumped_.ns};
}

Time Host::world_time(Time local) const {
  if (local == kNever) return kNever;
  if (rate_ == 1) return std::max(world->now, since_ + (local - shown_));
  // Rounded up: who waits until then must find that it has come.
  Time at = since_ + scaled(local - shown_, 1 / rate_) + Duration{2};
  return std::max(world->now, at);
}

void Host::drift(double rate) {
  shown_ = now();
  since_ = world->now;
  rate_ = rate;
}

}  // namespace forebay::io::sim
