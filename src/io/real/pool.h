// Threads for calls that block. Each belongs to one lane; they are made when they are needed and
// end after a while without work. Calls of a lane begin in the order they came; each tells its
// loop when it is done.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "io/lane.h"

namespace forebay::io::real {

class Pool;

/// See Lane. Held by its users and its threads.
class PoolLane final : public Lane, public std::enable_shared_from_this<PoolLane> {
 public:
  PoolLane(Pool& pool, LaneOptions options) : Lane(std::move(options)), pool_(pool) {}

  LaneStats stats(Time now) const override;
  /// `tell` follows `work` on the same thread, which must not block in it.
  Offload submit(std::move_only_function<void()> work, std::move_only_function<void()> tell);
  /// See Loop::withdraw.
  bool withdraw(uint64_t ticket);

 private:
  friend class Pool;
  struct Call {
    uint64_t ticket;
    Time since;
    std::move_only_function<void()> work;
    std::move_only_function<void()> tell;
  };
  bool refuses(Time now) const;
  void grow();
  void run();
  /// Its threads end once nothing is queued.
  void stop();

  Pool& pool_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Call> queue_;
  uint64_t tickets_ = 0;
  size_t threads_ = 0;
  size_t idle_ = 0;  ///< those that wait for a call, and those that are being made
  uint64_t begun_ = 0;
  uint64_t refused_ = 0;
  Duration waited_ = {};
  Time last_turn_ = {};
  bool stopping_ = false;
};

/// Owns the threads. Any thread may make lanes and submit to them. The destructor finishes what is
/// queued, then joins; lanes may outlive it, unused.
class Pool {
 public:
  /// Beyond `most_threads` in all a lane gets no second thread; a first one always.
  explicit Pool(size_t most_threads) : most_threads_(most_threads) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();
  std::shared_ptr<PoolLane> make_lane(LaneOptions options);
  std::vector<LaneStats> stats(Time now) const;

 private:
  friend class PoolLane;
  /// Starts a thread that serves the lane; false: there is none to be had.
  bool start(std::shared_ptr<PoolLane> lane, bool first);
  /// The calling thread is about to end.
  void ended();

  const size_t most_threads_;
  mutable std::mutex mutex_;
  mutable std::vector<std::weak_ptr<PoolLane>> lanes_;
  std::map<std::thread::id, std::thread> threads_;
  std::vector<std::thread> ended_;
};

/// The boot clock.
Time boot_now();

}  // namespace forebay::io::real
