// Pulse: how fast one stream moves, and the Spread of its origin that it tells. Private to Cache.
#pragma once

#include "unit/cache.h"

namespace forebay::unit {

/// Belongs to its stream, which holds the origin and so what `spread` belongs to.
struct Cache::Pulse {
  explicit Pulse(Spread& of) : spread(of) {}
  /// Whoever gets all he has room for has waited for his own turn: there is more.
  void came(uint64_t bytes, uint64_t room, Time asked, Time now) {
    spread.came(stream, bytes, bytes < room ? now - asked : Duration(), now);
  }
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
