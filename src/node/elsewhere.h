// Runs a Task on another loop and comes back with its result.
#pragma once

#include "base/check.h"
#include "io/loop.h"

namespace forebay::node {

namespace detail {

template <class T>
struct Elsewhere {
  io::Loop& home;
  io::Loop& there;
  Task<T> task;
  std::optional<Result<T>> result;
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    there.post([this, handle] {
      io::start<T>(there, std::move(task), [this, handle](Result<T> r) {
        result.emplace(std::move(r));
        home.post([this, handle] { home.ready(handle); });
      });
    });
  }
  Result<T> await_resume() { return std::move(present(result, "resumed without a result")); }
};

}  // namespace detail

/// Runs `task`, made with a context of `there` and not yet started, on that loop; the caller goes
/// on, on its own loop, when it has ended.
template <class T>
Task<T> run_elsewhere(io::Loop& there, Task<T> task, Context ctx) {
  detail::Elsewhere<T> awaiter{*ctx.loop, there, std::move(task), std::nullopt};
  co_return co_await awaiter;
}

}  // namespace forebay::node
