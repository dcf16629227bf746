// Shares: several streams for what one would bring slowly (docs/adr/0028). How many is Spread's
// word.
#include <vector>

#include "unit/cache.h"
#include "unit/pour.h"
#include "unit/pulse.h"

namespace forebay::unit {

void Cache::share_at_start(const std::shared_ptr<Fill>& fill, Claim& claim, io::Loop& loop) {
  Spread::Load load{fill->splittable(claim), fill->streams(), Claims::kShare};
  uint32_t shares = turns(*fill->version(), loop).spread.at_start(load, loop.now());
  if (shares > 1) share_out(fill, claim, shares, loop);
}

void Cache::look(const std::shared_ptr<Fill>& fill, Claim& claim, Pulse& pulse, io::Loop& loop) {
  Time now = loop.now();
  if (!pulse.shared || !pulse.stream.due(now)) return;
  Spread::Load load{fill->splittable(claim), fill->streams(), Claims::kShare};
  uint32_t shares = pulse.spread.look(pulse.stream, load, now);
  if (shares > 1) share_out(fill, claim, shares, loop);
}

// With permits that nobody needs, and while there are enough of them, and of memory, for readers of
// other units who may come.
void Cache::share_out(const std::shared_ptr<Fill>& fill, Claim& claim, uint32_t shares,
                      io::Loop& loop) {
  io::Semaphore& demand = turns(*fill->version(), loop).demand;
  std::vector<io::Semaphore::Permit> permits;
  while (permits.size() + 1 < shares && demand.free() > options_.demand_streams / 2 &&
         blocks_.left() >= Pour::kBlocks * (permits.size() + 2)) {
    auto permit = demand.try_acquire(1);
    if (!permit) break;
    permits.push_back(std::move(*permit));
  }
  std::vector<Claim*> made = fill->split(claim, permits.size() + 1);
  job::Crew& crew = crews_.of(loop);
  for (size_t i = 0; i < made.size(); ++i) {
    metrics_.fill_splits.add();
    crew.spawn(share(fill, made[i], std::move(permits[i]), crew.context()));
  }
}

Task<> Cache::share(std::shared_ptr<Fill> fill, Claim* claim, io::Semaphore::Permit permit,
                    Context ctx) {
  Result<> done = co_await stream_claim(fill, claim, nullptr, ctx);
  permit = {};
  if (!done && !fill->failed()) {
    turns(*fill->version(), *ctx.loop).spread.one_only(ctx.loop->now());
    // It was one stream's, and can be again.
    if (retryable(done.error().code()) && fill->give_back(*claim)) co_return ok;
  }
  if (!done) fail(*fill, std::move(done.error()), false);
  co_return co_await finish(fill, fill->release(*claim), ctx);
}

}  // namespace forebay::unit
