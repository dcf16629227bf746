// Pace: how many requests may be under way at one S3 endpoint, as far as it can bear them, and how
// many may be sent again. A server that says "slow down" gets half as many at once, and an eighth
// more after each round of good answers. Without it everybody would come back at once and be
// refused again.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "base/time.h"
#include "io/sync.h"

namespace forebay::origin {

/// One endpoint and one loop; outlives its places. limit() from any thread.
class Pace {
 public:
  /// Places that there are at most: as many as connections (http::ClientOptions).
  static constexpr uint32_t kMost = 256;
  static constexpr uint32_t kLeast = 1;
  /// How long a request waits for a place.
  static constexpr Duration kPatience = seconds(30);
  /// The limit stays so long at least before it grows: where it is small a round is soon over, and
  /// each step up may cost a refusal.
  static constexpr Duration kGrowth = milliseconds(500);
  /// Requests that may be sent again while no answer is good; ten good ones earn one more. So a
  /// server that is down is asked a tenth more often than it would be, not three times.
  static constexpr uint32_t kRetries = 50;
  static constexpr uint32_t kGoodPerRetry = 10;

  Pace() = default;
  Pace(const Pace&) = delete;
  Pace& operator=(const Pace&) = delete;

  /// A request under way, until its answer's head is there. A body may be read as slowly as
  /// somebody likes, or wait for another request; it holds no place.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept
        : pace_(std::exchange(other.pace_, nullptr)),
          permit_(std::move(other.permit_)),
          round_(other.round_) {}
    Place& operator=(Place&& other) noexcept {
      leave();
      pace_ = std::exchange(other.pace_, nullptr);
      permit_ = std::move(other.permit_);
      round_ = other.round_;
      return *this;
    }
    ~Place() { leave(); }
    void leave();

   private:
    friend class Pace;
    Place(Pace& pace, std::optional<io::Semaphore::Permit> permit)
        : pace_(&pace), permit_(std::move(permit)), round_(pace.round_) {
      ++pace.under_way_;
    }
    Pace* pace_ = nullptr;
    std::optional<io::Semaphore::Permit> permit_;  ///< none beside the line
    uint64_t round_ = 0;
  };

  /// A place beside the line, for what must not wait and is counted all the same.
  Place beside() { return {*this, std::nullopt}; }
  /// Nothing where it would wait: most requests need not.
  std::optional<Place> try_enter();
  /// Waits in line. None for kPatience → Code::busy, "SlowDown".
  Task<Place> enter(Context ctx);
  /// The request of that place had a good answer.
  void good(const Place& place, Time now);
  /// It was told to slow down. Of those that were under way together the first counts.
  void slowed(const Place& place, Time now);
  /// Whether one more may be sent again; then it is counted.
  bool may_retry();
  /// Whether it bears more than it is asked: at most half of its places are taken, and it has not
  /// told to slow down for kCalm.
  bool bears_more(Time now) const;
  static constexpr Duration kCalm = seconds(10);

  uint32_t limit() const { return limit_.load(std::memory_order_relaxed); }

 private:
  /// Takes places out of use, or puts them back, as far as the limit says and they are free.
  void adjust();

  io::Semaphore places_{kMost};
  std::vector<io::Semaphore::Permit> withheld_;
  std::atomic<uint32_t> limit_ = kMost;
  uint32_t under_way_ = 0;
  uint32_t good_ = 0;           ///< in this round
  Time changed_;                ///< the limit
  uint64_t round_ = 0;          ///< since the limit was cut: who began before says nothing of it
  std::optional<Time> slowed_;  ///< the last time
  uint32_t retries_ = kRetries * kGoodPerRetry;
};

}  // namespace forebay::origin
