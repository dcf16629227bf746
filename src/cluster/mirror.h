// Mirror: the rows of a range as they are now, kept so by a watch. What it shows may be late, never
// out of order; who must know what is so at this moment reads the store.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "io/sync.h"
#include "meta/control.h"

namespace forebay::cluster {

/// See the top of this file. run() belongs to one loop; the other methods to any thread.
class Mirror {
 public:
  using Rows = std::map<std::string, std::string, std::less<>>;
  /// More rows than this are not followed: what was shown last stays.
  static constexpr size_t kMaxRows = 10'000;

  /// `control` must outlive it.
  Mirror(meta::Control& control [[clang::lifetimebound]], meta::Range range)
      : control_(control), range_(std::move(range)) {}

  /// Follows until `ctx` is cancelled; while the store does not answer it tries again.
  Task<> run(Context ctx);

  /// Null until they were read once.
  std::shared_ptr<const Rows> rows() const;
  /// Told at each change. Whoever waits keeps it alive.
  const std::shared_ptr<io::Progress>& changed() const { return changed_; }

 private:
  Task<> follow(Context ctx);
  void show(Rows rows);

  meta::Control& control_;
  const meta::Range range_;
  const std::shared_ptr<io::Progress> changed_ = std::make_shared<io::Progress>();
  mutable std::mutex mutex_;
  std::shared_ptr<const Rows> rows_;  ///< under mutex_
};

}  // namespace forebay::cluster
