#include "http/share.h"

#include <algorithm>

namespace forebay::http {

namespace {

// How often it is looked, while somebody waits, whether another has fallen behind.
constexpr Duration kShareLook = milliseconds(500);

Duration time_for(uint64_t bytes) {
  // More than an hour's worth is not moved at once, and must not overflow.
  uint64_t counted = std::min<uint64_t>(bytes, uint64_t{3600} * Lag::kLowestRate);
  return nanoseconds(static_cast<int64_t>(counted) * seconds(1).ns / Lag::kLowestRate);
}

// A body on its way from a client to an origin.
class PacedBody final : public io::Source, private Lag, private CancelListener {
 public:
  PacedBody(std::unique_ptr<io::Source> body, Share& share) : body_(std::move(body)) {
    share.join(*this);
  }

  Task<io::Chunk> next(Context ctx) override {
    if (ctx.cancel != nullptr && ctx.cancel->cancelled()) cancel_.cancel();
    if (ctx.cancel != nullptr) ctx.cancel->add(*this);
    begin_wait(ctx.loop->now());
    Result<io::Chunk> chunk = co_await body_->next(ctx.under(cancel_));
    end_wait(ctx.loop->now(), chunk ? io::size(*chunk) : 0);
    CancelToken::remove(*this);
    if (!gave_way()) co_return chunk;
    co_return fail(Code::timeout, "the body comes too slowly while others wait", "RequestTimeout");
  }
  std::optional<io::Chunk> take_whole() override { return body_->take_whole(); }

 private:
  void on_cancel() override { cancel_.cancel(); }
  void leave() override { cancel_.cancel(); }

  CancelToken cancel_;  // first: what waits under it goes before it
  std::unique_ptr<io::Source> body_;
};

}  // namespace

void Lag::begin_wait(Time now, uint64_t ahead) {
  since_ = now;
  ahead_ = ahead;
}

void Lag::end_wait(Time now, uint64_t moved) {
  if (since_ == kNever) return;
  behind_ = std::max(Duration{}, behind_ + (now - since_) - time_for(moved));
  since_ = kNever;
}

Duration Lag::behind(Time now) const {
  if (since_ == kNever) return {};
  return behind_ + (now - since_) - time_for(ahead_);
}

Task<io::Semaphore::Permit> Share::acquire(Context ctx) {
  auto at_once = places_.try_acquire(1);
  if (at_once) co_return std::move(*at_once);
  ++waiting_;
  make_room();
  if (!std::exchange(set_, true)) loop_.add_timer(*this, loop_.now() + kShareLook);
  auto place = co_await places_.acquire(1, ctx);
  if (--waiting_ == 0 && std::exchange(set_, false)) loop_.remove_timer(*this);
  co_return place;
}

void Share::on_timer() {
  make_room();
  loop_.add_timer(*this, loop_.now() + kShareLook);
}

void Share::make_room() {
  Time now = loop_.now();
  auto leaving = std::ranges::count_if(lags_, [](const Lag& lag) { return lag.gave_way(); });
  for (auto wanted = static_cast<int64_t>(waiting_) - leaving; wanted > 0; --wanted) {
    Lag* lag = last(now);
    if (lag == nullptr) return;
    gave_way_.add();
    lag->give_way();
  }
}

Lag* Share::last(Time now) {
  Lag* last = nullptr;
  Duration most = Lag::kMost;
  for (Lag& lag : lags_) {
    Duration behind = lag.gave_way() ? Duration{} : lag.behind(now);
    if (behind < most) continue;
    most = behind;
    last = &lag;
  }
  return last;
}

std::unique_ptr<io::Source> at_clients_pace(std::unique_ptr<io::Source> body, Share& share) {
  return std::make_unique<PacedBody>(std::move(body), share);
}

}  // namespace forebay::http
