#include "io/loop.h"

#include <cerrno>
#include <charconv>
#include <utility>

#include "base/check.h"

namespace forebay::io {

Result<Address> Address::parse(std::string_view text) {
  auto bad = [&] { return fail(Code::invalid, "'" + std::string(text) + "' is not HOST:PORT"); };
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return bad();
  std::string_view host = text.substr(0, colon);
  std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') != host.ends_with(']')) return bad();
  bool bracketed = host.starts_with('[');
  if (bracketed) host = host.substr(1, host.size() - 2);
  // Without brackets an IPv6 address could have its last group taken for the port.
  if (host.empty() || (!bracketed && host.find(':') != std::string_view::npos)) return bad();
  Address address{std::string(host), 0};
  auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (port.empty() || error != std::errc() || end != port.data() + port.size()) return bad();
  return address;
}

std::string Address::to_string() const {
  std::string shown = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return shown + ":" + std::to_string(port);
}

Loop::~Loop() { timers_.clear(); }

void Loop::add_timer(Timer& timer, Time due) {
  check(!timer.is_linked(), "a timer is set twice");
  timer.due_ = due;
  timer.sequence_ = ++timer_sequence_;
  timers_.insert(timer);
}

void Loop::remove_timer(Timer& timer) {
  if (timer.is_linked()) timers_.erase(timers_.iterator_to(timer));
}

size_t Loop::run_queue() {
  size_t count = queue_.size();
  for (size_t i = 0; i < count; ++i) {
    auto handle = queue_.front();
    queue_.pop_front();
    handle.resume();
  }
  stats_.resumed += count;
  return count;
}

size_t Loop::run_timers(Time now) {
  size_t count = 0;
  while (!timers_.empty() && timers_.begin()->due_ <= now) {
    Timer& timer = *timers_.begin();
    timers_.erase(timers_.begin());
    timer.on_timer();
    ++count;
  }
  return count;
}

Time Loop::next_timer() const { return timers_.empty() ? kNever : timers_.begin()->due_; }

Error lane_refusal(const Lane& lane) {
  return fail(Code::busy, "too many calls wait", "SlowDown").in(lane.options().subject);
}

void Leaf::await_suspend(std::coroutine_handle<> handle) {
  handle_ = handle;
  if (ctx_.cancel != nullptr && ctx_.cancel->cancelled()) {
    status_ = ECANCELED;
    return loop().ready(std::exchange(handle_, nullptr));
  }
  if (ctx_.deadline != kNever) loop().add_timer(*this, ctx_.deadline);
  if (ctx_.cancel != nullptr) ctx_.cancel->add(*this);
  start();
}

void Leaf::complete(int status) {
  if (!handle_) return;
  status_ = status;
  loop().remove_timer(*this);
  if (ctx_.cancel != nullptr) CancelToken::remove(*this);
  loop().ready(std::exchange(handle_, nullptr));
}

void Leaf::on_timer() {
  stop();
  complete(ETIMEDOUT);
}

void Leaf::on_cancel() {
  stop();
  complete(ECANCELED);
}

Result<> Leaf::outcome(std::string_view what) const {
  if (status_ == 0) return ok;
  bool timed_out = status_ == ETIMEDOUT;
  return fail(timed_out ? Code::timeout : Code::cancelled,
              std::string(what) + (timed_out ? ": deadline passed" : ": cancelled"));
}

namespace {

class Sleep final : public Leaf {
 public:
  // The wait itself is the timer: it ends at `due`, or earlier at the caller's deadline.
  Sleep(Time due, Context ctx)
      : Leaf(ctx.until(due)), early_(ctx.deadline < due), past_(ctx.loop->now() >= due) {}
  Result<> await_resume() {
    if (past_ || (status() == ETIMEDOUT && !early_)) return ok;
    return outcome("sleep");
  }

 private:
  bool try_now() override { return past_; }
  void start() override {}
  void stop() override {}
  bool early_;
  bool past_;
};

class Yield final : public Leaf {
 public:
  explicit Yield(Context ctx)
      : Leaf(ctx), late_(ctx.deadline != kNever && ctx.loop->now() >= ctx.deadline) {}
  Result<> await_resume() { return outcome("yield"); }

 private:
  bool try_now() override { return false; }
  void start() override { complete(late_ ? ETIMEDOUT : 0); }
  void stop() override {}
  bool late_;
};

}  // namespace

Task<> sleep_until(Time due, Context ctx) {
  Sleep leaf(due, ctx);
  co_return co_await leaf;
}

Task<> yield(Context ctx) {
  Yield leaf(ctx);
  co_return co_await leaf;
}

}  // namespace forebay::io
