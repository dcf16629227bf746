#include "http/seat.h"

#include "base/encoding.h"

namespace forebay::http {

namespace {

constexpr size_t kScratchKept = 64;
constexpr size_t kScratchBytes = 64 << 10;
// At the limit of connections strangers below one in so many are given kGrace; more of them are a
// flood, and make room for one another.
constexpr uint64_t kStrangersShare = 8;
constexpr Duration kGrace = seconds(1);

}  // namespace

Seat::Seat(ServerShared& shared, Time now) : shared_(shared), since_(now) {
  shared.strangers.push_back(*this);
  shared.counters.strangers.add();
  ++shared.unheard;
  if (shared.all.cancelled()) evict();
}

Seat::~Seat() {
  if (known_) return;
  shared_.counters.strangers.subtract();
  if (!handled_) --shared_.unheard;
}

bool Seat::evict_for_others() {
  if (!evict()) return false;
  shared_.counters.evicted.add();
  return true;
}

void Seat::become(bool known, bool handled) {
  if (!known_ && !handled_) --shared_.unheard;
  known_ = known;
  handled_ = handled;
  if (!known_ && !handled_) ++shared_.unheard;
}

void Seat::admit() {
  if (known_) return;
  become(true, handled_);
  shared_.counters.strangers.subtract();
  unlink();
}

void Seat::forget(Time now) {
  if (!known_) return;
  become(false, handled_);
  since_ = now;
  shared_.counters.strangers.add();
  shared_.strangers.push_back(*this);
}

void Seat::begin_wait(Time now) {
  waiting_ = true;
  if (!known_) return;
  since_ = now;
  shared_.idle.push_back(*this);
}

void Seat::end_wait() {
  waiting_ = false;
  if (known_) unlink();
}

const std::string& ServerShared::date_line(io::Loop& loop) {
  WallTime now = loop.wall_now();
  if (now.seconds() != date_second_) {
    date_second_ = now.seconds();
    date_ = "Date: " + http_date(now) + "\r\n";
  }
  return date_;
}

std::string ServerShared::take_scratch() {
  if (scratch_.empty()) return {};
  std::string text = std::move(scratch_.back());
  scratch_.pop_back();
  return text;
}

void ServerShared::give_scratch(std::string text) {
  if (scratch_.size() >= kScratchKept || text.capacity() > kScratchBytes) return;
  text.clear();
  scratch_.push_back(std::move(text));
}

bool ServerShared::evict_first(Seats& seats, Time now, Duration age) {
  for (Seat& seat : seats) {
    if (now - seat.since() < age) return false;
    if (!seat.handled() && seat.evict_for_others()) return true;
  }
  return false;
}

bool ServerShared::make_room(Time now) {
  bool flood = unheard > options.max_connections / kStrangersShare;
  return evict_first(strangers, now, flood ? Duration{} : kGrace) ||
         evict_first(idle, now, Duration{}) || evict_first(strangers, now, Duration{});
}

}  // namespace forebay::http
