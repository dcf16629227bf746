// A lane: blocking calls that may wait for one another, and for nothing else. What can hang by
// itself (a file system, a disk, a store of rows) has one of its own, so that it holds up only its
// own callers. Its threads are bounded, and made when they are needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace forebay::io {

struct LaneOptions {
  std::string kind;      ///< one of a few words; the label in metrics
  std::string subject;   ///< what would hang, as an operator knows it: a folder
  unsigned threads = 8;  ///< at most
  /// How long a call may wait for its turn; then it ends as Code::busy, "SlowDown", not begun. So
  /// does, at once, one that finds kMaxWaiting others waiting, or no turn given for that long.
  /// Nothing: calls wait as long as it takes, and are never refused.
  std::optional<Duration> patience = {};
};

/// What a lane does now and has done.
struct LaneStats {
  std::string kind, subject;
  uint64_t threads = 0;
  uint64_t running = 0;  ///< calls with a thread
  uint64_t waiting = 0;  ///< calls without one
  uint64_t begun = 0;    ///< calls that ever got a thread
  uint64_t refused = 0;  ///< calls that ended as Code::busy
  Duration waited = {};  ///< all that calls have waited for their turn, together
  Duration oldest = {};  ///< how long the first in the queue has waited
};

/// Made by Loop::make_lane and held by who needs it; files hold the lane they were opened in. What
/// is queued is done also after the last holder has gone. Any thread.
class Lane {
 public:
  /// Most calls that wait in a lane with patience.
  static constexpr size_t kMaxWaiting = 4096;

  virtual ~Lane() = default;
  virtual LaneStats stats(Time now) const = 0;
  const LaneOptions& options() const { return options_; }

 protected:
  explicit Lane(LaneOptions options) : options_(std::move(options)) {}

 private:
  const LaneOptions options_;
};

/// A call handed to a lane.
struct Offload {
  uint64_t ticket = 0;  ///< 0: refused, and nothing will come of it
  bool waits = false;   ///< it has no thread yet
};

/// The error of a call that a lane refused.
Error lane_refusal(const Lane& lane);

}  // namespace forebay::io
