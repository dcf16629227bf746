// The loop: one thread's run queue, timers, clock, randomness, and the makers of everything that
// touches the kernel. Everything above io reaches the outside only through a Loop, so a test can
// put a simulated one in its place (io/sim.h) and production code runs unchanged.
#pragma once

#include <boost/intrusive/set.hpp>
#include <coroutine>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/context.h"
#include "base/task.h"
#include "base/time.h"
#include "io/lane.h"

namespace forebay::io {

class Directory;
class Listener;
class Stream;

/// A numeric IP address and a port.
struct Address {
  std::string host;  ///< "127.0.0.1", "::1"
  uint16_t port = 0;
  /// Reads "HOST:PORT" or "[V6]:PORT"; HOST may be a name here.
  static Result<Address> parse(std::string_view text);
  std::string to_string() const;
  bool operator==(const Address&) const = default;
};

/// What a descriptor is waited for.
enum class Readiness { readable, writable, either };

/// Whether an address that is listened on already may be had.
enum class Sharing { alone, beside };

/// Called once on the loop's thread when its time has come, unless removed before. Belongs to the
/// object that inherits it; one timer is in at most one loop at a time.
class Timer : public boost::intrusive::set_base_hook<boost::intrusive::optimize_size<true>> {
 public:
  virtual void on_timer() = 0;
  Time due() const { return due_; }

 protected:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() = default;

 private:
  friend class Loop;
  struct Earlier {
    bool operator()(const Timer& a, const Timer& b) const {
      return a.due_ != b.due_ ? a.due_ < b.due_ : a.sequence_ < b.sequence_;
    }
  };
  Time due_;
  uint64_t sequence_ = 0;
};

/// Counters the loop keeps about itself; read by obs. Written by the loop's thread only.
struct LoopStats {
  uint64_t resumed = 0;   ///< coroutines resumed from the run queue
  uint64_t polls = 0;     ///< waits for the kernel
  uint64_t offloads = 0;  ///< blocking calls handed to lanes
};

/// One per core. All members are for the loop's own thread, but post(), now(), wall_now() and
/// offload's completion, which any thread may use.
class Loop {
 public:
  Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  virtual ~Loop();

  /// Puts a suspended coroutine on the run queue. Nothing in the house resumes one inline.
  void ready(std::coroutine_handle<> handle) { queue_.push_back(handle); }
  /// Runs `work` on this loop soon. Any thread.
  virtual void post(std::move_only_function<void()> work) = 0;

  /// Boot clock, exact at each call. Any thread.
  virtual Time now() const = 0;
  virtual WallTime wall_now() const = 0;
  /// Unpredictable in the real engine, from the seed in the simulated one.
  virtual uint64_t random() = 0;
  virtual void random_bytes(ByteSpan into) = 0;

  void add_timer(Timer& timer, Time due);
  /// Harmless when it is not (or no longer) set.
  void remove_timer(Timer& timer);

  /// A new lane of the engine, for every loop of it.
  virtual std::shared_ptr<Lane> make_lane(LaneOptions options) = 0;
  /// Runs blocking `work` outside the loop (a thread of `lane`; in simulation later, here), then
  /// `done` on this loop; neither when it is refused, which only a lane with patience does. A null
  /// lane is the engine's own, for calls that belong to nothing. Use run_blocking() below.
  virtual Offload offload(Lane* lane, std::move_only_function<void()> work,
                          std::move_only_function<void()> done) = 0;
  /// Takes back a call that has not begun: its `work` and `done` are dropped. False: it has.
  virtual bool withdraw(Lane& lane, uint64_t ticket) = 0;

  /// Starts to accept. Port 0 picks a free one. Where somebody listens already it fails, unless
  /// both are of this process and the later one says `beside`: they share what comes.
  virtual Result<std::unique_ptr<Listener>> listen(const Address& address,
                                                   Sharing sharing = Sharing::alone) = 0;
  /// `address.host` is numeric.
  virtual Task<std::unique_ptr<Stream>> connect(Address address, Context ctx) = 0;
  /// Name to numeric addresses, best first. No answer or an unknown name → Code::unavailable.
  virtual Task<std::vector<Address>> resolve(std::string host, uint16_t port, Context ctx) = 0;
  /// Waits until `fd`, which a foreign library owns, may be read or written, or has broken. Nothing
  /// of it stays registered after a wait, so between waits the library may close it. One waits for
  /// a descriptor at a time. In simulation there is none: Code::invalid.
  virtual Task<> until_ready(int fd, Readiness readiness, Context ctx) = 0;
  /// A folder of this machine, by absolute path. Blocking: call it within run_blocking() or at
  /// start. Missing → Code::not_found; with `create` it is made, parents too. Who reads its files
  /// later blocks in `lane`.
  virtual Result<std::shared_ptr<Directory>> open_directory(
      std::string path, bool create, std::shared_ptr<Lane> lane = nullptr) = 0;

  const LoopStats& stats() const { return stats_; }

 protected:
  /// Resumes what is queued now, in order (the simulator shuffles queue_ before). Returns how many.
  size_t run_queue();
  /// Fires timers due at `now`. Returns how many.
  size_t run_timers(Time now);
  /// When the next timer is due; kNever without one.
  Time next_timer() const;

  std::deque<std::coroutine_handle<>> queue_;
  LoopStats stats_;

 private:
  boost::intrusive::set<Timer, boost::intrusive::compare<Timer::Earlier>,
                        boost::intrusive::constant_time_size<false>>
      timers_;
  uint64_t timer_sequence_ = 0;
};

/// Awaiter base for leaves: suspends with a deadline and a cancel, and completes exactly once
/// through the run queue. A leaf derives from it, arms its source in start(), and calls
/// complete(0) when done; timeouts and cancels call stop() (disarm the source) and complete.
class Leaf : private Timer, private CancelListener {
 public:
  bool await_ready() { return try_now(); }
  void await_suspend(std::coroutine_handle<> handle);

 protected:
  explicit Leaf(Context ctx) : ctx_(ctx) {}
  ~Leaf() = default;
  /// Tries without waiting; true when there is a result and no suspension is needed.
  virtual bool try_now() = 0;
  virtual void start() = 0;
  virtual void stop() = 0;
  /// `status`: 0 done, ETIMEDOUT, ECANCELED. Loop's thread.
  void complete(int status);
  /// The error of a leaf that did not end by itself; none when status is 0.
  Result<> outcome(std::string_view what) const;
  int status() const { return status_; }
  Loop& loop() const { return *ctx_.loop; }

 private:
  void on_timer() final;
  void on_cancel() final;

  Context ctx_;
  std::coroutine_handle<> handle_;
  int status_ = 0;
};

/// Waits until `due` (or the deadline, or a cancel: then an error).
Task<> sleep_until(Time due, Context ctx);
/// Lets everything else on the run queue go first. A passed deadline or a cancel is an error, so
/// that long work which never waits notices them here.
Task<> yield(Context ctx);

/// Runs `f` (returning Result<T>) outside the loop, in `lane`; it may block and must not touch loop
/// state. Once begun it cannot be interrupted: deadline and cancel are looked at by the caller
/// afterwards. In a lane with patience it may end, not begun, as Code::busy or Code::timeout.
template <class F, class R = std::invoke_result_t<F&>>
[[clang::coro_wrapper]] auto run_blocking(Context ctx, Lane* lane, F f)
    -> Task<typename R::value_type>;
/// The same in the engine's own lane.
template <class F, class R = std::invoke_result_t<F&>>
[[clang::coro_wrapper]] auto run_blocking(Context ctx, F f) -> Task<typename R::value_type>;

/// Starts a Task that nobody awaits, on the loop's run queue; `done` gets its result. Only Group,
/// job, node and tests use it: everything else belongs to a scope.
template <class T>
void start(Loop& loop, Task<T> task, std::move_only_function<void(Result<T>)> done);

}  // namespace forebay::io

#include "io/loop_inl.h"
