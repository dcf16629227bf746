// What travels down every call chain: where the work runs, how long it may take, whether it was
// cancelled, and the id under which it is logged. A small value, copied freely.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace forebay {

namespace io {
class Loop;
}

/// A thing that waits and wants to hear of a cancel. Linked into at most one CancelToken.
class CancelListener {
 public:
  virtual void on_cancel() = 0;

 protected:
  CancelListener() = default;
  CancelListener(const CancelListener&) = delete;
  CancelListener& operator=(const CancelListener&) = delete;
  ~CancelListener() = default;

 private:
  friend class CancelToken;
  CancelListener* next_ = nullptr;
  CancelListener** back_ = nullptr;
};

/// Cancels everything that waits under it, once and for good. Belongs to one loop: all calls are
/// made there. Must outlive every Context that points to it.
class CancelToken {
 public:
  CancelToken() = default;
  CancelToken(const CancelToken&) = delete;
  CancelToken& operator=(const CancelToken&) = delete;
  ~CancelToken();

  bool cancelled() const { return cancelled_; }
  /// Tells every listener; later waits end at once with Code::cancelled.
  void cancel();
  void add(CancelListener& listener);
  static void remove(CancelListener& listener);

 private:
  CancelListener* first_ = nullptr;
  bool cancelled_ = false;
};

/// See the top of this file. `loop` is the loop the calling coroutine runs on; every await in the
/// call resumes there.
struct Context {
  io::Loop* loop = nullptr;
  Time deadline = kNever;
  CancelToken* cancel = nullptr;
  uint64_t trace = 0;

  /// The same context with a deadline no later than `t`.
  Context until(Time t) const {
    Context c = *this;
    if (t < c.deadline) c.deadline = t;
    return c;
  }
  /// The same context under another token. The caller joins what it starts under it.
  Context under(CancelToken& token) const {
    Context c = *this;
    c.cancel = &token;
    return c;
  }
};

}  // namespace forebay
