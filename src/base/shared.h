// Shared<T>: a read-mostly value that is replaced whole. Readers get an immutable snapshot.
// (std::atomic<std::shared_ptr> trips ThreadSanitizer in libstdc++ 12.)
#pragma once

#include <memory>
#include <mutex>

namespace forebay {

/// Holds a shared_ptr<const T>; get() and set() may be called from any thread.
template <class T>
class Shared {
 public:
  Shared() : value_(std::make_shared<const T>()) {}
  explicit Shared(T value) : value_(std::make_shared<const T>(std::move(value))) {}

  std::shared_ptr<const T> get() const {
    std::lock_guard lock(mutex_);
    return value_;
  }
  void set(T value) {
    auto next = std::make_shared<const T>(std::move(value));
    std::lock_guard lock(mutex_);
    value_.swap(next);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
};

}  // namespace forebay
