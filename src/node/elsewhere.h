// Runs a Task on another loop and comes back with its result.
#pragma once

#include <functional>

#include "io/loop.h"

namespace forebay::node {

namespace detail {

template <class T>
struct Elsewhere {
  io::Loop& home;
  io::Loop& there;
  std::move_only_function<Task<T>()> make;
  std::optional<Result<T>> result;
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    there.post([this, handle] {
      io::start<T>(there, make(), [this, handle](Result<T> r) {
        result.emplace(std::move(r));
        home.post([this, handle] { home.ready(handle); });
      });
    });
  }
  Result<T> await_resume() { return std::move(*result); }
};

}  // namespace detail

/// `make` is called on `there` and gives the Task to run; the caller goes on, on its own loop, when
/// that has ended.
template <class T>
Task<T> run_elsewhere(io::Loop& there, std::move_only_function<Task<T>()> make, Context ctx) {
  detail::Elsewhere<T> awaiter{*ctx.loop, there, std::move(make), std::nullopt};
  co_return co_await awaiter;
}

}  // namespace forebay::node
