// Templates of io/loop.h; include that one.
#pragma once

#include "io/loop.h"

namespace forebay::io {

namespace detail {

struct Detached {
  struct promise_type {
    Detached get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    [[noreturn]] void unhandled_exception() noexcept {
      broken_invariant("an exception left a detached task", std::source_location::current());
    }
  };
  std::coroutine_handle<promise_type> handle;
};

template <class T>
Detached detach(Task<T> task, std::move_only_function<void(Result<T>)> done) {
  Result<T> result = co_await std::move(task);
  done(std::move(result));
}

template <class R>
struct OffloadAwaiter {
  Loop& loop;
  std::move_only_function<R()> work;
  std::optional<R> result;
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    loop.offload([this] { result.emplace(work()); }, [this, handle] { loop.ready(handle); });
  }
  R await_resume() { return std::move(*result); }
};

template <class R>
Task<typename R::value_type> offload_task(Context ctx, std::move_only_function<R()> work) {
  // Named, so that the awaiter's address is the frame's.
  OffloadAwaiter<R> awaiter{*ctx.loop, std::move(work), std::nullopt};
  co_return co_await awaiter;
}

}  // namespace detail

template <class F, class R>
auto run_blocking(Context ctx, F f) -> Task<typename R::value_type> {
  return detail::offload_task<R>(ctx, std::move_only_function<R()>(std::move(f)));
}

template <class T>
void start(Loop& loop, Task<T> task, std::move_only_function<void(Result<T>)> done) {
  loop.ready(detail::detach<T>(std::move(task), std::move(done)).handle);
}

}  // namespace forebay::io
