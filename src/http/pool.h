// The client's connections: how many there may be to one endpoint, which lie idle, and how a new
// one is made. Private to the client.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "http/client.h"
#include "http/input.h"
#include "http/share.h"
#include "io/sync.h"

namespace forebay::http {

/// One connection, in use or idle.
struct Link {
  Link(Pool& the_pool, Endpoint to, std::unique_ptr<io::Stream> connected);
  ~Link();
  /// Gives its places back.
  void leave();

  Pool& pool;
  Endpoint endpoint;
  std::unique_ptr<io::Stream> stream;
  Input input;
  Share* share = nullptr;       ///< what a place is held of while a client decides the pace
  io::Semaphore::Permit turn;   ///< that place
  io::Semaphore::Permit place;  ///< held while in use
  bool reused = false;
  Time idle_until;
};

/// Shared by a Client and the bodies of its responses; one loop.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(io::Loop& loop, ClientOptions options);
  ~Pool();

  /// An idle connection; null when there is none or no place is free. For Use::own.
  std::unique_ptr<Link> take_now(const Endpoint& endpoint);
  /// Whose pace decides how long a connection is in use.
  enum class Use {
    own,          ///< ours and the server's
    upload,       ///< that of who sends the request's body
    slow_reader,  ///< that of who reads the answer's
  };
  struct Want {
    bool fresh = false;  ///< a new connection
    Use use = Use::own;
  };
  /// Of the places to an endpoint uploads have four eighths and slow readers three: both last as
  /// long as clients like, and one eighth they cannot take together. Share says who must go when
  /// others want a place.
  static constexpr uint64_t kEighths = 8;
  static constexpr uint64_t kUploadEighths = 4;
  static constexpr uint64_t kReaderEighths = 3;
  /// An idle connection to `endpoint`, else a new one; waits while all it may have are in use, but
  /// not for ever.
  Task<std::unique_ptr<Link>> take(Endpoint endpoint, Want want, Context ctx);
  /// The same for ClientRequest::spare.
  Task<std::unique_ptr<Link>> take_spare(Endpoint endpoint, Context ctx);
  static constexpr uint64_t kSpareEighths = 4;
  /// Keeps a connection whose exchange ended cleanly, if there is room.
  void give(std::unique_ptr<Link> link);
  void close_idle();
  /// The client has gone: nothing is kept any more.
  void shut();

  const ClientOptions options;
  BufferPool buffers;
  ClientCounters counters;

 private:
  static uint64_t share(uint64_t places, uint64_t eighths) {
    return std::max<uint64_t>(1, places * eighths / kEighths);
  }
  // All there is to one endpoint. A connection in use holds a place, an idle one does not: a new
  // one is made only when none is idle, so together they never exceed the places.
  struct Peer {
    Peer(io::Loop& loop, uint64_t most, Counter& gave_way)
        : places(most),
          uploads(loop, share(most, kUploadEighths), gave_way),
          slow_readers(loop, share(most, kReaderEighths), gave_way) {}
    bool unused(uint64_t most) const {
      return idle.empty() && places.free() == most && uploads.unused() && slow_readers.unused();
    }
    io::Semaphore places;
    Share uploads;
    Share slow_readers;
    std::vector<std::unique_ptr<Link>> idle;  // the last one used is the next
    std::optional<io::Address> reached;       // by the last connection that was made
  };
  class Reaper;

  std::unique_ptr<Link> take_idle(Peer& peer);
  Task<io::Semaphore::Permit> turn(Task<io::Semaphore::Permit> wait, Context ctx);
  Context patient(Context ctx) const { return ctx.until(loop_.now() + options.place_patience); }
  /// To the first of its addresses that answers, which is noted.
  Task<std::unique_ptr<io::Stream>> connect(Endpoint endpoint, Peer& peer [[clang::lifetimebound]],
                                            Context ctx);
  /// `known`: there, and no name is looked up.
  Task<std::unique_ptr<io::Stream>> open(Endpoint endpoint, Peer& peer [[clang::lifetimebound]],
                                         std::optional<io::Address> known, Context ctx);
  void reap();

  io::Loop& loop_;
  std::unique_ptr<Reaper> reaper_;
  std::map<Endpoint, Peer> peers_;
  bool shut_ = false;
};

}  // namespace forebay::http
