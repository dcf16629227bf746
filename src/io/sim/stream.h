// A simulated connection: two streams in memory whose bytes take their time, arrive in parts, and
// may be lost by a reset. Internal to the simulated engine (io/sim.h).
#pragma once

#include <memory>
#include <utility>

#include "io/sim/host.h"
#include "io/stream.h"

namespace forebay::io::sim {

/// What travels between two machines, or within one.
class Connection;

/// Where one end of a connection is.
struct EndPoint {
  std::shared_ptr<Host> host;
  Address address;
};

/// How long what meets a cut link waits before it is sent again.
inline constexpr Duration kResend = milliseconds(10);

/// Of each machine's present life.
std::shared_ptr<Connection> make_connection(EndPoint client, EndPoint server);
/// The stream of an end, 0 the client's, 1 the server's. Each once.
std::unique_ptr<Stream> stream_of(std::shared_ptr<Connection> connection, int end);
/// What `host` has of it is gone; the other side is told, unless the host is silent.
void end_life_of(Connection& connection, const Host& host);

}  // namespace forebay::io::sim
