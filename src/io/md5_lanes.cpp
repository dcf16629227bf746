#include "io/md5_lanes.h"

#include <algorithm>
#include <array>

namespace forebay::io {

// One run at a time fills its lanes with what came during the one before; a second is worth a
// second processor only when there are lanes full for it.
bool Md5Lanes::may_lead() const {
  return leaders_ == 0 || waiting_.size() > leaders_ * Md5::kLanes;
}

Md5Lanes::Stats Md5Lanes::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

Task<> Md5Lanes::update(Md5& sum, ByteView bytes, Context ctx) {
  if (bytes.size() < kLeast) {
    sum.update(bytes);
    co_return ok;
  }
  // Others write to what is the caller's: he must be there until they have.
  ctx.deadline = kNever;
  ctx.cancel = nullptr;
  Entry entry{{&sum, bytes}};
  {
    std::lock_guard lock(mutex_);
    waiting_.push_back(&entry);
  }
  while (true) {
    uint64_t seen = ended_.count();
    bool leads = false;
    {
      std::lock_guard lock(mutex_);
      if (entry.state == State::done) co_return ok;
      leads = entry.state == State::waits && may_lead();
      if (leads) ++leaders_;
    }
    if (leads) {
      co_await co_await lead(ctx);
    } else {
      (void)co_await ended_.changed(seen, ctx);
    }
  }
}

// A run of those who have waited longest; perhaps without who leads it.
Task<> Md5Lanes::lead(Context ctx) {
  // Bodies whose bytes are here already come along.
  (void)co_await yield(ctx);
  std::vector<Entry*> run;
  std::vector<Md5::Piece> pieces;
  {
    std::lock_guard lock(mutex_);
    auto end = waiting_.begin() + static_cast<ptrdiff_t>(std::min(waiting_.size(), Md5::kLanes));
    run.assign(waiting_.begin(), end);
    waiting_.erase(waiting_.begin(), end);
    for (Entry* entry : run) {
      entry->state = State::taken;
      pieces.push_back(entry->piece);
    }
    ++stats_.runs;
    stats_.pieces += run.size();
  }
  (void)co_await run_blocking(ctx, [&pieces]() -> Result<> {
    Md5::update(pieces);
    return ok;
  });
  {
    std::lock_guard lock(mutex_);
    for (Entry* entry : run) entry->state = State::done;
    --leaders_;
  }
  ended_.notify();
  co_return ok;
}

}  // namespace forebay::io
