#include "meta/faulty_control.h"

#include "io/loop.h"

namespace forebay::meta {

namespace {

/// How often who is cut off tries to get through.
constexpr Duration kTry = milliseconds(10);

Error no_way() { return fail(Code::unavailable, "injected: nothing comes through"); }

}  // namespace

bool FaultyControl::draw(Context ctx, double probability) const {
  return static_cast<double>(ctx.loop->random() >> 11) * 0x1p-53 < probability;
}

// One way, there or back.
Task<> FaultyControl::travel(Context ctx) const {
  uint64_t part = ctx.loop->random() % (static_cast<uint64_t>(options_.delay.ns) + 1);
  Time due = ctx.loop->now() + nanoseconds(static_cast<int64_t>(part));
  co_await co_await io::sleep_until(due, ctx);
  while (cut_) co_await co_await io::sleep_until(ctx.loop->now() + kTry, ctx);
  co_return ok;
}

// Some of the commits that were given up happen now, in their order; some never do.
Task<> FaultyControl::settle_late() {
  std::deque<Late>& waiting = late_->waiting;
  while (!waiting.empty() && draw(at_home(), 0.5)) {
    Late late = std::move(waiting.front());
    waiting.pop_front();
    if (draw(at_home(), 0.3)) continue;
    if (late.lease) {
      (void)co_await inner_.commit_under(*late.lease, std::move(late.txn), at_home());
    } else {
      (void)co_await inner_.commit(std::move(late.txn), at_home());
    }
  }
  co_return ok;
}

template <class T>
Task<T> FaultyControl::across(Task<T> work, Context ctx) {
  Result<> there = co_await travel(ctx);
  if (!there) co_return no_way();
  (void)co_await settle_late();
  if (draw(ctx, options_.refuse)) co_return no_way();
  Result<T> result = co_await std::move(work);
  Result<> back = co_await travel(ctx);
  if (!back || draw(ctx, options_.lose_answer)) co_return no_way();
  co_return result;
}

Task<> FaultyControl::change(Late late, Context ctx) {
  co_await check_limits(late.txn);
  Result<> there = co_await travel(ctx);
  if (there && draw(ctx, options_.refuse)) co_return fail(Code::busy, "injected: refused");
  if (ended_) co_return no_way();
  if (!there || draw(ctx, options_.late)) {
    late_->waiting.push_back(std::move(late));
    co_return no_way();
  }
  (void)co_await settle_late();
  Result<> result = late.lease
                        ? co_await inner_.commit_under(*late.lease, std::move(late.txn), at_home())
                        : co_await inner_.commit(std::move(late.txn), at_home());
  Result<> back = co_await travel(ctx);
  if (!back || draw(ctx, options_.lose_answer)) co_return no_way();
  co_return result;
}

Task<std::optional<std::string>> FaultyControl::get(std::string key, Context ctx) {
  co_return co_await across(inner_.get(std::move(key), at_home()), ctx);
}
Task<Page> FaultyControl::scan(Range range, uint32_t limit, Context ctx) {
  if (blind_) co_return no_way();
  co_return co_await across(inner_.scan(std::move(range), limit, at_home()), ctx);
}
Task<> FaultyControl::commit(Txn txn, Context ctx) {
  co_return co_await change({std::nullopt, std::move(txn)}, ctx);
}
Task<> FaultyControl::commit_under(uint64_t lease, Txn txn, Context ctx) {
  co_return co_await change({lease, std::move(txn)}, ctx);
}
Task<Lease> FaultyControl::grant(Duration ttl, Context ctx) {
  co_return co_await across(inner_.grant(ttl, at_home()), ctx);
}
Task<> FaultyControl::keep(uint64_t lease, Context ctx) {
  co_return co_await across(inner_.keep(lease, at_home()), ctx);
}
Task<> FaultyControl::revoke(uint64_t lease, Context ctx) {
  co_return co_await across(inner_.revoke(lease, at_home()), ctx);
}

// Asks the inner watch again and again, by the store's own clock, so that nothing waits there.
class FaultyControl::Far final : public Watch {
 public:
  Far(FaultyControl& owner, std::unique_ptr<Watch> inner)
      : owner_(owner), inner_(std::move(inner)) {}

  Task<std::vector<Event>> next(Context ctx) override {
    while (!held_) {
      Context home = owner_.at_home();
      Result<std::vector<Event>> events = co_await inner_->next(home.until(home.loop->now()));
      if (events || events.error().code() != Code::timeout) {
        held_ = std::move(events);
      } else {
        co_await co_await io::sleep_until(ctx.loop->now() + kTry, ctx);
      }
    }
    // What is on its way arrives, at some later call if this one gives up.
    co_await co_await owner_.travel(ctx);
    auto held = std::exchange(held_, std::nullopt);
    if (!held) co_return fail(Code::internal, "one asks a watch at a time");
    co_return std::move(*held);
  }

 private:
  FaultyControl& owner_;
  std::unique_ptr<Watch> inner_;
  std::optional<Result<std::vector<Event>>> held_;
};

std::unique_ptr<Watch> FaultyControl::watch(Range range, uint64_t after) {
  return std::make_unique<Far>(*this, inner_.watch(std::move(range), after));
}

}  // namespace forebay::meta
