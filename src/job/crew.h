// Crew: short background tasks of one loop that must outlive the request that began them — a fill
// goes on when its reader leaves — and must end before the process does.
#pragma once

#include <memory>
#include <unordered_map>

#include "io/sync.h"

namespace forebay::job {

/// All members on its own loop. stop() is due before it is destroyed.
class Crew {
 public:
  explicit Crew(io::Loop& loop) : group_(Context{.loop = &loop}), loop_(&loop) {}

  /// What its tasks run under: no deadline, cancelled by stop().
  Context context() { return Context{.loop = loop_, .cancel = &cancel_}; }
  /// Starts `task`, made with context(). Its error is nobody's: it reports by itself.
  void spawn(Task<> task) { group_.spawn(std::move(task)); }
  size_t running() const { return group_.running(); }
  /// Cancels all and waits for them.
  Task<> stop() {
    cancel_.cancel();
    (void)co_await group_.join();
    co_return ok;
  }

 private:
  CancelToken cancel_;
  io::Group group_;
  io::Loop* loop_;
};

/// One Crew per loop, made at start and unchanged from then on.
class Crews {
 public:
  void add(io::Loop& loop) { crews_.emplace(&loop, std::make_unique<Crew>(loop)); }
  Crew& of(io::Loop& loop) { return *crews_.at(&loop); }

 private:
  std::unordered_map<io::Loop*, std::unique_ptr<Crew>> crews_;
};

}  // namespace forebay::job
