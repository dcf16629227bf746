// Templates of io/loop.h; include that one.
#pragma once

#include "base/check.h"
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

// Waits for a call in a lane. One that is still waiting for its turn when patience or deadline ends
// is taken back; one that has begun is waited for, since it uses what the caller owns.
template <class R>
class OffloadAwaiter final : private Timer {
 public:
  OffloadAwaiter(Context ctx, Lane* lane, std::move_only_function<R()> work)
      : ctx_(ctx), lane_(lane), work_(std::move(work)) {}
  bool await_ready() { return false; }
  bool await_suspend(std::coroutine_handle<> handle) {
    handle_ = handle;
    Offload given = ctx_.loop->offload(
        lane_, [this] { result_.emplace(work_()); },
        [this] {
          ctx_.loop->remove_timer(*this);
          ctx_.loop->ready(handle_);
        });
    if (given.ticket == 0) {
      result_.emplace(lane_refusal(*lane_));
      return false;
    }
    std::optional<Duration> patience;
    if (given.waits && lane_ != nullptr) patience = lane_->options().patience;
    if (patience) {
      ticket_ = given.ticket;
      Time patient = ctx_.loop->now() + *patience;
      late_ = ctx_.deadline < patient;
      ctx_.loop->add_timer(*this, late_ ? ctx_.deadline : patient);
    }
    return true;
  }
  R await_resume() { return std::move(present(result_, "resumed without a result")); }

 private:
  void on_timer() override {
    if (!ctx_.loop->withdraw(*lane_, ticket_)) return;
    Error error = lane_refusal(*lane_);
    if (late_) error = error.as(Code::timeout);
    result_.emplace(std::move(error));
    ctx_.loop->ready(handle_);
  }

  Context ctx_;
  Lane* lane_;
  std::move_only_function<R()> work_;
  std::optional<R> result_;
  std::coroutine_handle<> handle_;
  uint64_t ticket_ = 0;
  bool late_ = false;
};

template <class R>
Task<typename R::value_type> offload_task(Context ctx, Lane* lane,
                                          std::move_only_function<R()> work) {
  // Named, so that the awaiter's address is the frame's.
  OffloadAwaiter<R> awaiter(ctx, lane, std::move(work));
  co_return co_await awaiter;
}

}  // namespace detail

template <class F, class R>
auto run_blocking(Context ctx, Lane* lane, F f) -> Task<typename R::value_type> {
  return detail::offload_task<R>(ctx, lane, std::move_only_function<R()>(std::move(f)));
}

template <class F, class R>
auto run_blocking(Context ctx, F f) -> Task<typename R::value_type> {
  return detail::offload_task<R>(ctx, nullptr, std::move_only_function<R()>(std::move(f)));
}

template <class T>
void start(Loop& loop, Task<T> task, std::move_only_function<void(Result<T>)> done) {
  loop.ready(detail::detach<T>(std::move(task), std::move(done)).handle);
}

}  // namespace forebay::io
