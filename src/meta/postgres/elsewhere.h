// Runs a Task on another loop and comes back with its result; a cancel of the caller goes with it.
#pragma once

#include <memory>

#include "base/check.h"
#include "io/loop.h"

namespace forebay::meta {

/// One call from ctx.loop to `there`; where both are the same it costs nothing.
class Elsewhere {
 public:
  Elsewhere(io::Loop& there, Context ctx) : there_(there), ctx_(ctx) {
    if (ctx.loop != &there) token_ = std::make_shared<CancelToken>();
  }

  /// For the task: of its loop, with the caller's deadline, ended with the caller's cancel.
  Context context() const {
    if (ctx_.loop == &there_) return ctx_;
    Context out = ctx_.under(*token_);
    out.loop = &there_;
    return out;
  }

  /// Runs `task`, made with context() and not yet started; always waits for its end. Once.
  template <class T>
  Task<T> run(Task<T> task) {
    if (ctx_.loop == &there_) co_return co_await std::move(task);
    Call<T> call(*this, std::move(task));
    co_return co_await call;
  }

 private:
  template <class T>
  class Call final : private CancelListener {
   public:
    Call(Elsewhere& way, Task<T> task)
        : there_(way.there_), ctx_(way.ctx_), token_(way.token_), task_(std::move(task)) {}
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
      bool cancelled = ctx_.cancel != nullptr && ctx_.cancel->cancelled();
      if (ctx_.cancel != nullptr && !cancelled) ctx_.cancel->add(*this);
      there_.post([this, handle, cancelled] {
        if (cancelled) token_->cancel();
        io::start<T>(there_, std::move(task_), [this, handle](Result<T> result) {
          result_.emplace(std::move(result));
          ctx_.loop->post([this, handle] {
            CancelToken::remove(*this);
            ctx_.loop->ready(handle);
          });
        });
      });
    }
    Result<T> await_resume() { return std::move(present(result_, "resumed without a result")); }

   private:
    // The task may end before the word of the cancel has come, and this with it.
    void on_cancel() override {
      there_.post([token = token_] { token->cancel(); });
    }

    io::Loop& there_;
    const Context ctx_;
    std::shared_ptr<CancelToken> token_;
    Task<T> task_;
    std::optional<Result<T>> result_;
  };

  io::Loop& there_;
  const Context ctx_;
  std::shared_ptr<CancelToken> token_;  ///< of `there_`, where that is another loop
};

}  // namespace forebay::meta
