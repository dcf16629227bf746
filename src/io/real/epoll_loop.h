// One epoll loop.
#pragma once

#include <atomic>
#include <mutex>
#include <thread>

#include "io/loop.h"
#include "io/real/descriptor.h"
#include "io/real/pool.h"
#include "io/real/socket.h"

namespace forebay::io::real {

/// See Loop. Owned by the engine, driven by one thread through run().
class EpollLoop final : public Loop {
 public:
  static Result<std::unique_ptr<EpollLoop>> make(Pool& pool, std::shared_ptr<PoolLane> lane,
                                                 const SocketOptions& options);

  /// Returns after stop(), when nothing is queued and no blocking call is under way.
  void run();
  /// Any thread.
  void stop();
  /// Calls `watched` when `fd` becomes readable (level-triggered).
  Result<> watch_signal(int fd, Watched& watched);

  void post(std::move_only_function<void()> work) override;
  Time now() const override;
  WallTime wall_now() const override;
  uint64_t random() override;
  void random_bytes(ByteSpan into) override;
  std::shared_ptr<Lane> make_lane(LaneOptions options) override {
    return pool_.make_lane(std::move(options));
  }
  Offload offload(Lane* lane, std::move_only_function<void()> work,
                  std::move_only_function<void()> done) override;
  bool withdraw(Lane& lane, uint64_t ticket) override;
  Result<std::unique_ptr<Listener>> listen(const Address& address, Sharing sharing) override;
  Task<std::unique_ptr<Stream>> connect(Address address, Context ctx) override;
  Task<std::vector<Address>> resolve(std::string host, uint16_t port, Context ctx) override;
  Task<> until_ready(int fd, Readiness readiness, Context ctx) override;
  Result<std::shared_ptr<Directory>> open_directory(std::string path, bool create,
                                                    std::shared_ptr<Lane> lane) override;

 private:
  EpollLoop(Pool& pool, std::shared_ptr<PoolLane> lane, SocketOptions options, Descriptor epoll,
            Descriptor wake)
      : pool_(pool),
        lane_(std::move(lane)),
        options_(std::move(options)),
        epoll_(std::move(epoll)),
        wake_(std::move(wake)) {}
  void poll();
  void drain_posts();

  Pool& pool_;
  std::shared_ptr<PoolLane> lane_;  ///< for calls that name none
  std::shared_ptr<PoolLane> names_ = pool_.make_lane({.kind = "names", .subject = "the resolver"});
  SocketOptions options_;
  Descriptor epoll_;
  Descriptor wake_;
  std::mutex posts_mutex_;
  std::vector<std::move_only_function<void()>> posts_;
  // Of two threads that each set one of these and then look at the other's, one at least sees it.
  std::atomic<bool> posted_{false};
  std::atomic<bool> asleep_{false};
  std::atomic<bool> stopping_{false};
  size_t offloads_under_way_ = 0;
  std::array<uint64_t, 32> random_{};
  size_t random_used_ = 32;
};

}  // namespace forebay::io::real
