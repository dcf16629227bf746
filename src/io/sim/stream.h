// A simulated connection: two streams in memory whose bytes take their time, arrive in parts, and
// may be lost by a reset. Internal to the simulated engine (io/sim.h).
#pragma once

#include <memory>
#include <utility>

#include "io/sim/world.h"
#include "io/stream.h"

namespace forebay::io::sim {

/// Two ends of a new connection: first the one at `client`, then the one at `server`.
std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> make_connection(
    std::shared_ptr<World> world, Address client, Address server);

}  // namespace forebay::io::sim
