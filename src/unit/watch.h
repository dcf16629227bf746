// Watch: ends a stream from an origin that nobody waits for and that brings nothing, so that it
// gives its turn, and what it fills its room, to others. Private to Cache.
#pragma once

#include <functional>
#include <memory>

#include "base/context.h"
#include "io/loop.h"
#include "unit/cache.h"

namespace forebay::unit {

/// Nobody waits and nothing has come for so long: the stream ends, within twice that.
inline constexpr Duration kUnwantedPatience = seconds(10);

/// One loop. Belongs to the coroutine of a stream, which makes all its waits under context() and
/// joins them before the Watch goes.
class Cache::Watch final : private CancelListener, private io::Timer {
 public:
  struct Subject {
    std::function<bool()> wanted;     ///< whether somebody waits
    std::function<uint64_t()> moved;  ///< changes when something comes
    std::function<void()> give_up;    ///< told before the waits are cancelled
  };
  /// For a stream of one fill: anything that comes to the fill will do.
  static Subject of(Cache& cache, const std::shared_ptr<Fill>& fill);

  Watch(Subject subject, Context ctx);
  ~Watch();
  Context context() { return ctx_.under(token_); }

 private:
  void on_cancel() override;
  void on_timer() override;
  void look_later();

  const Subject subject_;
  const Context ctx_;
  CancelToken token_;
  uint64_t seen_ = 0;
};

}  // namespace forebay::unit
