#include "http/leaves.h"

#include <algorithm>

#include "http/connection.h"

namespace forebay::http {

namespace {

constexpr Duration kLeaveGrace = seconds(1);
// At its turn a head is read as far as it has come, which takes no time but the loop's.
constexpr Duration kLeaveTurn = milliseconds(100);
constexpr Duration kLeaveLook = milliseconds(100);

bool may_go(const Leave& leave) { return !leave.seat().ever_known() && !leave.seat().handled(); }

}  // namespace

Task<> Leaves::take(Seat& seat, For what, Context ctx) {
  loop_ = ctx.loop;
  Time came = loop_->now();
  std::optional<io::Semaphore::Permit> permit = places_.try_acquire(1);
  if (!permit) {
    if (waiting_ == 0 && !somebody_may_go()) co_return fail(Code::busy, "no leave");
    ++waiting_;
    make_room(came);
    if (!std::exchange(set_, true)) loop_->add_timer(*this, came + kLeaveLook);
    auto given = co_await places_.acquire(1, ctx);
    if (--waiting_ == 0 && std::exchange(set_, false)) loop_->remove_timer(*this);
    permit = co_await std::move(given);
  }
  Time now = loop_->now();
  Time until =
      what == For::head ? std::max(came + kLeaveGrace, now + kLeaveTurn) : now + kLeaveGrace;
  given_.push_back(seat.hold(std::move(*permit), until));
  co_return ok;
}

bool Leaves::somebody_may_go() const { return std::ranges::any_of(given_, may_go); }

void Leaves::on_timer() {
  Time now = loop_->now();
  make_room(now);
  loop_->add_timer(*this, now + kLeaveLook);
}

void Leaves::make_room(Time now) {
  auto wanted = static_cast<int64_t>(waiting_) -
                std::ranges::count_if(given_, [](Leave& leave) { return leave.seat().evicted(); });
  for (Leave& leave : given_) {
    if (wanted <= 0) return;
    bool goes = may_go(leave) && leave.until() <= now && !leave.seat().evicted();
    if (goes && leave.seat().evict_for_others()) --wanted;
  }
}

}  // namespace forebay::http
