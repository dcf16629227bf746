// The client's connections: how many there may be to one endpoint, which lie idle, and how a new
// one is made. Private to the client.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "http/client.h"
#include "http/input.h"
#include "io/sync.h"

namespace forebay::http {

/// One connection, in use or idle.
struct Link {
  Link(Pool& the_pool, Endpoint to, std::unique_ptr<io::Stream> connected);
  ~Link();

  Pool& pool;
  Endpoint endpoint;
  std::unique_ptr<io::Stream> stream;
  Input input;
  io::Semaphore::Permit place;  ///< held while in use
  bool reused = false;
  Time idle_until;
};

/// Shared by a Client and the bodies of its responses; one loop.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(io::Loop& loop, ClientOptions options);
  ~Pool();

  /// An idle connection; null when there is none or no place is free.
  std::unique_ptr<Link> take_now(const Endpoint& endpoint);
  /// An idle connection to `endpoint` (unless `fresh`), else a new one; waits while all are in use.
  Task<std::unique_ptr<Link>> take(Endpoint endpoint, bool fresh, Context ctx);
  /// Keeps a connection whose exchange ended cleanly, if there is room.
  void give(std::unique_ptr<Link> link);
  void close_idle();
  /// The client has gone: nothing is kept any more.
  void shut();

  const ClientOptions options;
  BufferPool buffers;
  ClientCounters counters;

 private:
  // All there is to one endpoint. A connection in use holds a place, an idle one does not: a new
  // one is made only when none is idle, so together they never exceed the places.
  struct Peer {
    explicit Peer(uint64_t most) : places(most) {}
    io::Semaphore places;
    std::vector<std::unique_ptr<Link>> idle;  // the last one used is the next
  };
  class Reaper;

  std::unique_ptr<Link> take_idle(Peer& peer);
  Task<std::unique_ptr<io::Stream>> connect(Endpoint endpoint, Context ctx);
  Task<std::unique_ptr<io::Stream>> open(Endpoint endpoint, Context ctx);
  void reap();

  io::Loop& loop_;
  std::unique_ptr<Reaper> reaper_;
  std::map<Endpoint, Peer> peers_;
  bool shut_ = false;
};

}  // namespace forebay::http
