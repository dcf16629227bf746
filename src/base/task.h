// Task<T>: our lazy coroutine. Its result is Result<T>; it starts when awaited and passes control
// by symmetric transfer, so chains of any length use constant stack.
//
//   Task<int> f(Context ctx) {
//     Result<int> r = co_await g(ctx);     // a Task<T> gives its Result<T>
//     int v = co_await std::move(r);       // a Result<T> gives T, or ends f with the error
//     int w = co_await co_await g(ctx);    // both at once
//     co_return v + w;
//   }
//
// Rules: arguments are values (a reference must outlive the Task); never a capturing lambda; a
// Task that waits is never destroyed — cancel makes the leaf complete, and the owner joins it. The
// result is handed over and the finished frame destroyed before the awaiting coroutine resumes,
// also when an awaited error ends the body early.
#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/result.h"

namespace forebay {

template <class T>
class Task;

namespace detail {

template <class U>
struct ResultAwaiter;

template <class T>
struct PromiseBase {
  std::coroutine_handle<> continuation;
  std::optional<Result<T>>* slot = nullptr;

  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> done) noexcept {
      auto next = done.promise().continuation;
      done.destroy();
      return next;
    }
    void await_resume() noexcept {}
  };

  std::suspend_always initial_suspend() noexcept { return {}; }
  FinalAwaiter final_suspend() noexcept { return {}; }
  [[noreturn]] void unhandled_exception() noexcept {
    broken_invariant("an exception left a Task", std::source_location::current());
  }

  // What is awaited outlives the expression it stands in, so it is looked at where it is.
  template <class U>
  ResultAwaiter<U> await_transform(Result<U>&& result) {
    return ResultAwaiter<U>{result};
  }
  template <class A>
  decltype(auto) await_transform(A&& awaitable) {
    return std::forward<A>(awaitable);
  }
};

template <class U>
struct ResultAwaiter {
  Result<U>& result;
  bool await_ready() noexcept { return result.has_value(); }
  template <class P>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
    auto next = self.promise().continuation;
    self.promise().slot->emplace(std::move(result.error()));
    self.destroy();  // ends the body here: locals are released before the caller goes on
    return next;
  }
  U await_resume() {
    if constexpr (!std::is_void_v<U>) return std::move(*result);
  }
};

template <class T>
struct Promise : PromiseBase<T> {
  Task<T> get_return_object();
  template <class V>
    requires std::is_constructible_v<Result<T>, V&&>
  void return_value(V&& value) {
    this->slot->emplace(std::forward<V>(value));
  }
};

template <>
struct Promise<void> : PromiseBase<void> {
  Task<void> get_return_object();
  void return_value(Result<void> value) { this->slot->emplace(std::move(value)); }
};

}  // namespace detail

/// See the top of this file. A Task<> body ends with `co_return ok;` or `co_return fail(…);`.
template <class T = void>
class [[nodiscard]] [[clang::coro_return_type]] [[clang::coro_lifetimebound]] Task {
 public:
  using promise_type = detail::Promise<T>;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();  // never started
  }

  struct Awaiter {
    std::coroutine_handle<promise_type> handle;
    std::optional<Result<T>> slot;
    bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
      handle.promise().continuation = caller;
      handle.promise().slot = &slot;
      return handle;
    }
    /// Good to the end of the expression that awaits.
    // NOLINTNEXTLINE(bugprone-unchecked-optional-access): the task has filled it
    Result<T>&& await_resume() { return std::move(*slot); }
  };

  Awaiter operator co_await() && noexcept {
    return Awaiter{std::exchange(handle_, nullptr), std::nullopt};
  }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}

  std::coroutine_handle<promise_type> handle_;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}
}  // namespace detail

}  // namespace forebay
