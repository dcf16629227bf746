#include "meta/faulty_store.h"

#include "io/loop.h"

namespace forebay::meta {

namespace {

bool draw(io::Loop& loop, double probability) {
  return static_cast<double>(loop.random() >> 11) * 0x1p-53 < probability;
}

}  // namespace

Task<> FaultyStore::pause(Context ctx) {
  if (options_.delay.ns <= 0) co_return ok;
  uint64_t part = ctx.loop->random() % (static_cast<uint64_t>(options_.delay.ns) + 1);
  co_return co_await io::sleep_until(ctx.loop->now() + nanoseconds(static_cast<int64_t>(part)),
                                     ctx);
}

// Some of the commits that were given up happen now, in their order; some never do.
Task<> FaultyStore::settle_late(Context ctx) {
  while (!late_.empty() && draw(*ctx.loop, 0.5)) {
    Txn txn = std::move(late_.front());
    late_.pop_front();
    if (draw(*ctx.loop, 0.3)) continue;
    (void)co_await inner_.commit(std::move(txn), ctx);
  }
  co_return ok;
}

Task<std::optional<std::string>> FaultyStore::get(std::string key, Context ctx) {
  co_await co_await pause(ctx);
  co_await co_await settle_late(ctx);
  if (draw(*ctx.loop, options_.refuse)) co_return fail(Code::unavailable, "injected: no answer");
  Result<std::optional<std::string>> result = co_await inner_.get(std::move(key), ctx);
  co_await co_await pause(ctx);
  co_return result;
}

Task<Page> FaultyStore::scan(Range range, uint32_t limit, Context ctx) {
  co_await co_await pause(ctx);
  co_await co_await settle_late(ctx);
  if (draw(*ctx.loop, options_.refuse)) co_return fail(Code::unavailable, "injected: no answer");
  Result<Page> result = co_await inner_.scan(std::move(range), limit, ctx);
  co_await co_await pause(ctx);
  co_return result;
}

Task<> FaultyStore::commit(Txn txn, Context ctx) {
  co_await check_limits(txn);
  co_await co_await pause(ctx);
  co_await co_await settle_late(ctx);
  if (draw(*ctx.loop, options_.refuse)) co_return fail(Code::busy, "injected: refused");
  if (draw(*ctx.loop, options_.late)) {
    late_.push_back(std::move(txn));
    ++unknown_;
    co_return fail(Code::unavailable, "injected: not answered, may happen later");
  }
  Result<> result = co_await inner_.commit(std::move(txn), ctx);
  Result<> waited = co_await pause(ctx);
  // Whoever stops waiting now does not learn what happened.
  if (!waited || draw(*ctx.loop, options_.lose_answer)) {
    ++unknown_;
    co_return fail(Code::unavailable, "injected: the answer was lost");
  }
  co_return result;
}

}  // namespace forebay::meta
