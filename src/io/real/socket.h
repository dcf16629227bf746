// TCP over epoll, edge-triggered: each descriptor is registered once, for both directions, and the
// loop remembers what may progress. That saves a system call per wait.
#pragma once

#include <memory>
#include <string>

#include "io/loop.h"
#include "io/real/descriptor.h"
#include "io/stream.h"

namespace forebay::io::real {

/// What the loop calls for a descriptor with news (EPOLL… bits). Loop's thread.
class Watched {
 public:
  virtual void on_events(uint32_t events) = 0;

 protected:
  ~Watched() = default;
};

/// How sockets of one engine are made.
struct SocketOptions {
  std::string congestion;
  int unsent = 0;
};

/// Listens on `address`, registered with `epoll`.
Result<std::unique_ptr<Listener>> listen(int epoll, const Address& address, Sharing sharing,
                                         const SocketOptions& options);

/// Starts a connection; await Connected on the stream before using it.
Result<std::unique_ptr<Stream>> start_connect(int epoll, const Address& address,
                                              const SocketOptions& options);

/// co_await Connected(stream, ctx) after start_connect.
class Connected final : public StreamLeaf {
 public:
  Connected(Stream& stream, Context ctx) : StreamLeaf(stream, Direction::write, ctx) {}
  /// In place of StreamLeaf's, which would tell of a write.
  Result<size_t> await_resume();

 private:
  ssize_t attempt() override;
  int error_ = 0;
};

/// co_await Ready(epoll, fd, readiness, ctx): see Loop::until_ready.
class Ready final : public Leaf, private Watched {
 public:
  Ready(int epoll, int fd, Readiness readiness, Context ctx)
      : Leaf(ctx), epoll_(epoll), fd_(fd), readiness_(readiness) {}
  Result<> await_resume();

 private:
  bool try_now() override { return false; }
  void start() override;
  void stop() override;
  void on_events(uint32_t events) override;

  const int epoll_, fd_;
  const Readiness readiness_;
  int error_ = 0;
};

}  // namespace forebay::io::real
