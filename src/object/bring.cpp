#include "object/bring.h"

#include <algorithm>
#include <utility>

#include "object/reader.h"

namespace forebay::object {

namespace {

// Units that are looked at before others have their turn.
constexpr uint64_t kUnitsAtOnce = 1000;
// How often a unit is looked at that comes and goes.
constexpr int kLooks = 3;
// A copy that is being written has its name within about that time.
constexpr Duration kNaming = milliseconds(20);

// What the waits for the units of one object share.
struct Round {
  unit::Cache& cache;
  HeadRef head;
  Brought& so_far;
  bool failed = false;
};

unit::Ahead run_of(const HeadRef& head, uint64_t at) {
  return head->adaptive ? ahead_of(head, at + kMostAhead) : unit::Ahead();
}

// Waits for one unit that was under way, or was to come by a request for those before it. What was
// dropped just as it was joined, and what a request that ended early has not come to, is begun by
// itself.
Task<> wait_for(Round& round, unit::Unit unit, std::shared_ptr<unit::Fill> fill, Context ctx) {
  const unit::VersionRef& version = round.head->version;
  Result<> came = ok;
  for (int look = 0; look < kLooks; ++look) {
    if (fill == nullptr) fill = round.cache.coming(unit.id);
    if (fill == nullptr) {
      auto turn = co_await co_await round.cache.turn_ahead(version, ctx);
      unit::Cache::Coming coming =
          co_await round.cache.begin_ahead(version, unit, {}, std::move(turn), *ctx.loop);
      fill = std::move(coming.fill);
      if (fill == nullptr) co_return ok;
    }
    came = co_await round.cache.arrived(std::exchange(fill, nullptr), ctx);
    if (came) break;
    // The copy of a body that a client is writing gets its name just now.
    bool named = came.error().code() == Code::exists;
    if (!named && came.error().detail() != "ENOSPC") break;
    if (named) {
      co_await co_await io::sleep_until(ctx.loop->now() + kNaming, ctx);
      came = fail(Code::busy, "a client writes it at this moment", "SlowDown");
    }
  }
  co_return came;
}

// Waits for what one request brings: the unit at `at`, and those behind it up to `end`.
Task<> follow(Round& round, uint64_t at, uint64_t end, std::shared_ptr<unit::Fill> fill,
              Context ctx) {
  while (at < end) {
    unit::Unit unit = round.head->unit_at(at);
    Result<> came = co_await wait_for(round, unit, std::exchange(fill, nullptr), ctx);
    if (!came) {
      round.failed = true;
      co_return came;
    }
    round.so_far.fetched += unit.range.length;
    at = unit.range.end();
  }
  co_return ok;
}

// Begins what is missing, in order; those who wait for it go into `group`.
Task<> begin_all(Round& round, io::Group& group, Context ctx) {
  const HeadRef& head = round.head;
  auto line = co_await co_await round.cache.line_ahead(head->version, ctx);
  uint64_t units = 0;
  for (uint64_t at = 0; !round.failed && at < head->info.size; ++units) {
    if (units % kUnitsAtOnce == kUnitsAtOnce - 1) co_await co_await io::yield(ctx);
    unit::Unit unit = head->unit_at(at);
    at = unit.range.end();
    if (round.cache.touch(unit)) {
      round.so_far.here += unit.range.length;
      continue;
    }
    auto turn = co_await co_await round.cache.turn_ahead(head->version, ctx);
    auto coming = co_await round.cache.begin_ahead(
        head->version, unit, run_of(head, unit.range.offset), std::move(turn), *ctx.loop);
    at = std::max(at, coming.end);
    if (coming.fill == nullptr) {
      round.so_far.here += unit.range.length;  // it came while we waited
      continue;
    }
    group.spawn(follow(round, unit.range.offset, at, std::move(coming.fill), ctx));
  }
  co_return ok;
}

}  // namespace

Task<bool> all_here(unit::Cache& cache, HeadRef head, Context ctx) {
  uint64_t units = 0;
  for (uint64_t at = 0; at < head->info.size; ++units) {
    if (units % kUnitsAtOnce == kUnitsAtOnce - 1) co_await co_await io::yield(ctx);
    unit::Unit unit = head->unit_at(at);
    if (!cache.touch(unit)) co_return false;
    at = unit.range.end();
  }
  co_return true;
}

Task<> bring(unit::Cache& cache, HeadRef head, Brought& so_far, Context ctx) {
  Round round{cache, std::move(head), so_far};
  io::Group group(ctx);
  Result<> begun = co_await begin_all(round, group, ctx);
  Result<> came = co_await group.join();
  co_return came ? std::move(begun) : std::move(came);
}

}  // namespace forebay::object
