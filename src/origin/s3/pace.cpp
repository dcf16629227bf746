#include "origin/s3/pace.h"

#include <algorithm>
#include <utility>

#include "io/loop.h"

namespace forebay::origin {

void Pace::Place::leave() {
  if (pace_ == nullptr) return;
  Pace& pace = *std::exchange(pace_, nullptr);
  --pace.under_way_;
  // Not to the next in line, where there are too many already.
  if (permit_ && pace.withheld_.size() + pace.limit() < kMost) {
    pace.withheld_.push_back(std::move(*permit_));
  }
  permit_.reset();
}

std::optional<Pace::Place> Pace::try_enter() {
  auto permit = places_.try_acquire(1);
  if (!permit) return std::nullopt;
  return Place(*this, std::move(permit));
}

Task<Pace::Place> Pace::enter(Context ctx) {
  Context patient = ctx.until(ctx.loop->now() + kPatience);
  auto permit = co_await places_.acquire(1, patient);
  if (!permit && permit.error().code() == Code::timeout && ctx.loop->now() < ctx.deadline) {
    co_return fail(Code::busy, "the origin is slow, and as many as it can bear are asking it",
                   "SlowDown");
  }
  io::Semaphore::Permit mine = co_await std::move(permit);
  co_return Place(*this, std::move(mine));
}

void Pace::good(const Place& place, Time now) {
  retries_ = std::min(retries_ + 1, kRetries * kGoodPerRetry);
  uint32_t most = limit();
  // A limit that nobody comes near is not tried out.
  if (most == kMost || place.round_ != round_ || under_way_ < most / 2) return;
  if (++good_ < most || now - changed_ < kGrowth) return;
  limit_.store(std::min(kMost, most + std::max(1U, most / 8)), std::memory_order_relaxed);
  good_ = 0;
  changed_ = now;
  adjust();
}

void Pace::slowed(const Place& place, Time now) {
  slowed_ = now;
  if (place.round_ != round_) return;
  uint32_t borne = std::min(limit(), std::max(under_way_, 1U));
  limit_.store(std::max(kLeast, borne / 2), std::memory_order_relaxed);
  ++round_;
  good_ = 0;
  changed_ = now;
  adjust();
}

bool Pace::may_retry() {
  if (retries_ < kGoodPerRetry) return false;
  retries_ -= kGoodPerRetry;
  return true;
}

bool Pace::bears_more(Time now) const {
  return under_way_ <= limit() / 2 && (!slowed_ || now - *slowed_ >= kCalm);
}

void Pace::adjust() {
  uint32_t keep_back = kMost - limit();
  while (withheld_.size() > keep_back) withheld_.pop_back();
  while (withheld_.size() < keep_back) {
    auto permit = places_.try_acquire(1);
    if (!permit) return;  // those under way leave theirs
    withheld_.push_back(std::move(*permit));
  }
}

}  // namespace forebay::origin
