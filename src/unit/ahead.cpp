// What is wanted here before anybody reads it: fetched by streams of its own, behind all readers
// that wait, so that it takes none of theirs.
#include "unit/cache.h"

namespace forebay::unit {

namespace {

Error not_stored() { return forebay::fail(Code::busy, "the cache has no room for it", "ENOSPC"); }

}  // namespace

Task<io::Semaphore::Permit> Cache::line_ahead(VersionRef version, Context ctx) {
  co_return co_await turns(*version, *ctx.loop).line.acquire(1, ctx);
}

Task<io::Semaphore::Permit> Cache::turn_ahead(VersionRef version, Context ctx) {
  Turns::PerOrigin& its = turns(*version, *ctx.loop);
  auto turn = co_await co_await its.ahead.acquire(1, ctx);
  // Whoever waits for a stream gets one first.
  auto behind = co_await co_await its.demand.acquire(1, ctx);
  co_return turn;
}

Result<Cache::Coming> Cache::begin_ahead(const VersionRef& version, const Unit& unit, Ahead ahead,
                                         io::Semaphore::Permit turn, io::Loop& loop) {
  uint64_t end = unit.range.end();
  if (version->native || touch(unit)) return Coming{end, nullptr};
  bool small = unit.range.length <= options_.small_max;
  if (!small && no_room(unit)) return not_stored();
  Begun begun = begin(version, unit, ahead && !small);
  if (begun.fill == nullptr) return Coming{end, nullptr};
  Coming coming{end, begun.fill};
  job::Crew& crew = crews_.of(loop);
  if (begun.all != nullptr) {
    coming.end = start_run(version, std::move(begun), std::move(ahead), loop, std::move(turn));
  } else if (!small) {
    // Also what a reader of a part of it has left over.
    crew.spawn(rest(begun.fill, std::move(turn), crew.context()));
  } else if (begun.fresh) {
    crew.spawn(rest_small(begun.fill, std::move(turn), crew.context()));
  }
  return coming;
}

Task<> Cache::arrived(std::shared_ptr<Fill> fill, Context ctx) {
  while (true) {
    uint64_t seen = fill->progress().count();
    if (fill->left()) break;
    co_await co_await fill->progress().changed(seen, ctx);
  }
  if (store_->contains(fill->unit().id)) co_return ok;
  // Where the disk was to blame the origin's readers were served all the same.
  Fill::View view = fill->look(0);
  if (view.failed) co_return std::move(*view.failed);
  co_return not_stored();
}

std::shared_ptr<Fill> Cache::coming(const UnitId& id) {
  Stripe& s = stripe(id);
  std::lock_guard lock(s.mutex);
  auto it = s.fills.find(id);
  return it == s.fills.end() ? nullptr : it->second;
}

bool Cache::touch(const Unit& unit) {
  return store_->find(unit.id, {0, 1}).state != disk::Found::State::absent;
}

}  // namespace forebay::unit
