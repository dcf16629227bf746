// Waiting for one another: Event and Semaphore within one loop, Group for structured concurrency,
// Progress across loops. Completions go through the run queue.
#pragma once

#include <functional>
#include <list>
#include <mutex>
#include <optional>

#include "io/loop.h"

namespace forebay::io {

/// Once set, everyone who waits or will wait passes. One loop.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event();
  void set();
  bool is_set() const { return set_; }
  Task<> wait(Context ctx);

 private:
  class Wait;
  std::list<Wait*> waiting_;
  bool set_ = false;
};

/// `permits` at most are out at a time; first come, first served. One loop.
class Semaphore {
 public:
  explicit Semaphore(uint64_t permits) : total_(permits), free_(permits) {}
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;
  ~Semaphore();

  /// Gives its permits back when destroyed, on the semaphore's loop.
  class Permit {
   public:
    Permit() = default;
    Permit(Permit&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), count_(other.count_) {}
    Permit& operator=(Permit&& other) noexcept {
      std::swap(owner_, other.owner_);
      std::swap(count_, other.count_);
      return *this;
    }
    ~Permit() {
      if (owner_ != nullptr) owner_->release(count_);
    }

   private:
    friend class Semaphore;
    Permit(Semaphore* owner, uint64_t count) : owner_(owner), count_(count) {}
    Semaphore* owner_ = nullptr;
    uint64_t count_ = 0;
  };

  /// More than there are in all → Code::too_large at once.
  Task<Permit> acquire(uint64_t count, Context ctx);
  /// nullopt when it would wait.
  std::optional<Permit> try_acquire(uint64_t count);
  uint64_t free() const { return free_; }

 private:
  class Wait;
  void release(uint64_t count);
  void grant();
  std::list<Wait*> waiting_;
  const uint64_t total_;
  uint64_t free_;
};

/// Runs Tasks side by side on one loop and joins them before its scope ends: co_await join() is
/// due after the last spawn, also on error paths.
class Group {
 public:
  explicit Group(Context ctx) : ctx_(ctx) {}
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  ~Group();
  /// Starts `task`. The first error is kept; with cancel_on_error it cancels nothing by itself:
  /// give the tasks a context under a token of your own for that.
  void spawn(Task<> task);
  /// Waits for all, deadline or not; gives the first error.
  Task<> join();
  size_t running() const { return running_; }

 private:
  Context ctx_;
  size_t running_ = 0;
  bool joining_ = false;
  std::optional<Error> first_error_;
  std::coroutine_handle<> joiner_;
};

/// "Look again", across loops: how readers on any loop follow a fill. Any thread may notify().
/// The usual loop: take count(), look at the state (under its own lock), then wait with changed().
class Progress {
 public:
  Progress() = default;
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();
  /// How often notify() was called.
  uint64_t count() const;
  /// Wakes everyone who waits.
  void notify();
  /// Waits until count() differs from `seen`; gives the new count. Whoever waits keeps the
  /// Progress alive (a post may still be on its way when the wait ends early).
  Task<uint64_t> changed(uint64_t seen, Context ctx);

 private:
  class Wait;
  struct Entry;
  mutable std::mutex mutex_;
  uint64_t count_ = 0;
  std::vector<std::shared_ptr<Entry>> waiting_;
};

}  // namespace forebay::io
