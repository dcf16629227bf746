// Pulse: how fast one stream moves, and the Spread of its origin that it tells. Private to Cache.
#pragma once

#include "unit/cache.h"

namespace forebay::unit {

/// Belongs to its stream, which holds the origin and so what `spread` belongs to.
struct Cache::Pulse {
  explicit Pulse(Spread& of) : spread(of) {}
  void came(uint64_t bytes, Time asked, Time now) { spread.came(stream, bytes, now - asked, now); }
  /// Another stream would get all that this one gets.
  void alone(Time now) {
    shared = false;
    spread.one_only(now);
  }
  Spread& spread;
  bool shared = true;  ///< others may get what is left
  Spread::Stream stream{};
};

}  // namespace forebay::unit
