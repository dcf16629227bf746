// The real engine: epoll loops, one thread each, and lanes of threads for calls that block. Only
// node and tests include this.
#pragma once

#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "io/loop.h"

namespace forebay::io {

/// Raises the process's limit of open descriptors as far as it may; each connection and each open
/// file is one. Returns the limit in force.
uint64_t raise_descriptor_limit();

struct EngineOptions {
  /// Event loops, one thread each. 0: as many as CPUs this process may use.
  unsigned loops = 0;
  /// Threads of the engine's own lane: for blocking calls that name none.
  unsigned pool_threads = 8;
  /// Threads of all lanes together. Beyond, a lane has to do with one.
  size_t most_threads = 1024;
  /// TCP congestion control of listening and connecting sockets; empty: the system's. Pacing
  /// algorithms (bbr) cost nearly twice the CPU per byte on fast local networks.
  std::string congestion = "cubic";
  /// Bytes of each connection that may lie in the kernel unsent (TCP_NOTSENT_LOWAT); bounds the
  /// memory that a reader who does not read can hold. What is on its way does not count, so it caps
  /// nobody's throughput. 0: as many as the send buffer holds.
  int unsent = 0;
};

class Engine {
 public:
  static Result<std::unique_ptr<Engine>> make(const EngineOptions& options);
  virtual ~Engine() = default;

  virtual size_t loops() const = 0;
  virtual Loop& loop(size_t index) = 0;
  /// Runs loop 0 on the calling thread and the others on their own until stop().
  virtual void run() = 0;
  /// Any thread. run() returns when every loop has drained its queue of posts.
  virtual void stop() = 0;
  /// What every lane does. Any thread.
  virtual std::vector<LaneStats> lanes() const = 0;
  /// `handler` runs on loop 0 whenever the process gets `signal`. Before run().
  virtual Result<> on_signal(int signal, std::function<void()> handler) = 0;

  /// Runs `task` on loop 0 to its end, with the loops running meanwhile. For tests and the CLI.
  template <class T>
  Result<T> run_task(Task<T> task) {
    std::optional<Result<T>> out;
    start<T>(loop(0), std::move(task), [&](Result<T> result) {
      out.emplace(std::move(result));
      stop();
    });
    run();
    return std::move(present(out, "the loops ended before their task"));
  }
};

}  // namespace forebay::io
