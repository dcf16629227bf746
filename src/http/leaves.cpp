#include "http/leaves.h"

#include <algorithm>

#include "http/seat.h"

namespace forebay::http {

namespace {

constexpr Duration kLeaveGrace = seconds(1);
// At its turn a head is read as far as it has come, which takes no time but the loop's. A handshake
// is over within this if its client is near.
constexpr Duration kLeaveTurn = milliseconds(100);
constexpr Duration kLeaveLook = milliseconds(100);

bool may_go(const Leave& leave) { return !leave.seat().known() && !leave.seat().handled(); }

}  // namespace

Leave::~Leave() { of_.give_back(); }

Task<> Leaves::take(Seat& seat, Context ctx) {
  loop_ = ctx.loop;
  Time came = loop_->now();
  if (free_ > 0) {
    --free_;
  } else if (line_.empty() && !somebody_may_go()) {
    co_return fail(Code::busy, "no leave");
  } else {
    co_await co_await wait_in_line(ctx);
  }
  Time now = loop_->now();
  Time until = what_ == For::head ? std::max(came + kLeaveGrace, now + kLeaveTurn) : now + grace();
  given_.push_back(seat.hold(*this, until));
  co_return ok;
}

Task<> Leaves::wait_in_line(Context ctx) {
  Waiting mine;
  line_.push_back(mine);
  make_room(loop_->now());
  if (!std::exchange(set_, true)) loop_->add_timer(*this, loop_->now() + kLeaveLook);
  Result<> waited = co_await mine.turn.wait(ctx);
  if (!mine.turn.is_set()) {
    line_.erase(line_.iterator_to(mine));
  } else if (!waited) {
    give_back();  // its turn came as it gave up
  }
  if (line_.empty() && std::exchange(set_, false)) loop_->remove_timer(*this);
  co_return waited;
}

void Leaves::give_back() {
  if (line_.empty()) {
    ++free_;
    return;
  }
  bool crowd = what_ != For::head && line_.size() > places_;
  bool newest = crowd && std::exchange(newest_next_, !newest_next_);
  Waiting& next = newest ? line_.back() : line_.front();
  line_.erase(line_.iterator_to(next));
  next.turn.set();
}

Duration Leaves::grace() const {
  auto places = static_cast<int64_t>(places_);
  auto crowd = places + static_cast<int64_t>(line_.size());
  return std::max(kLeaveTurn, Duration{kLeaveGrace.ns * places / crowd});
}

bool Leaves::somebody_may_go() const { return std::ranges::any_of(given_, may_go); }

void Leaves::on_timer() {
  Time now = loop_->now();
  make_room(now);
  loop_->add_timer(*this, now + kLeaveLook);
}

void Leaves::make_room(Time now) {
  auto wanted = static_cast<int64_t>(line_.size()) -
                std::ranges::count_if(given_, [](Leave& leave) { return leave.seat().evicted(); });
  for (Leave& leave : given_) {
    if (wanted <= 0) return;
    bool goes = may_go(leave) && leave.until() <= now && !leave.seat().evicted();
    if (goes && leave.seat().evict_for_others()) --wanted;
  }
}

}  // namespace forebay::http
