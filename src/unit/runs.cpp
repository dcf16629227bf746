// Runs: one request to the origin that fills many units, one after the other (docs/adr/0016).
#include <algorithm>
#include <deque>

#include "base/check.h"
#include "unit/cache.h"
#include "unit/pour.h"
#include "unit/watch.h"
#include "unit/window.h"

namespace forebay::unit {

namespace {

// Units are begun this far before the stream comes to them, so that who reads along joins them; a
// reader who is further ahead begins a stream of his own, as in a unit.
constexpr uint64_t kLead = Claims::kOvertake;
// Units whose last bytes are on their way to the disk while the next one comes.
constexpr uint64_t kEnding = 4;
constexpr Duration kRunPause = milliseconds(50);

}  // namespace

// Belongs to its coroutine, on its loop.
struct Cache::Run {
  struct Piece {
    std::shared_ptr<Fill> fill;
    Claim* claim;
  };
  VersionRef version;
  Ahead ahead;
  std::optional<io::Semaphore::Permit> permit;
  bool answered = false;     ///< the origin has begun to give bytes
  uint64_t next = 0;         ///< in the object: where the first unit that is not begun begins
  std::deque<Piece> pieces;  ///< begun and not fetched, in order
  io::Semaphore ending{kEnding};

  /// Where the stream is, in the object.
  uint64_t at() const {
    const Piece& first = pieces.front();
    return first.fill->unit().range.offset + first.fill->state(*first.claim).at;
  }
  bool wanted() const {
    return std::ranges::any_of(pieces, [](const Piece& piece) { return piece.fill->wanted(); });
  }
};

uint64_t Cache::start_run(const VersionRef& version, Begun first, Ahead ahead, io::Loop& loop,
                          std::optional<io::Semaphore::Permit> permit) {
  auto made = std::make_shared<Run>();
  made->version = version;
  made->permit = std::move(permit);
  made->ahead = std::move(ahead);
  // What is here or on its way is not asked for again: the request ends before it.
  uint64_t end = first.fill->unit().range.end();
  while (end < made->ahead.end) {
    Unit unit = made->ahead.unit_at(end);
    if (unit.range.length <= options_.small_max || has(unit.id)) break;
    end = unit.range.end();
  }
  made->ahead.end = end;
  take(*made, std::move(first), loop);
  lead(*made, loop);
  end = made->ahead.end;
  job::Crew& crew = crews_.of(loop);
  crew.spawn(run(std::move(made), crew.context()));
  return end;
}

void Cache::take(Run& run, Begun begun, io::Loop& loop) {
  if (run.answered) {
    place(begun.fill, loop);
  } else {
    place_early(begun.fill, loop);
  }
  run.next = begun.fill->unit().range.end();
  begun.fill->set_run_end(run.ahead.end);
  run.pieces.push_back({std::move(begun.fill), begun.all});
}

// A unit that is there by now, or that somebody else fetches, ends the run.
void Cache::lead(Run& run, io::Loop& loop) {
  while (run.next < run.ahead.end && run.next - run.at() < kLead) {
    Begun begun = begin(run.version, run.ahead.unit_at(run.next), true);
    if (!begun.fresh) {
      run.ahead.end = run.next;
      return;
    }
    take(run, std::move(begun), loop);
  }
}

Task<> Cache::run(std::shared_ptr<Run> run, Context ctx) {
  if (!run->permit) {
    auto permit = co_await turns(*run->version, *ctx.loop).demand.acquire(1, ctx);
    if (permit) run->permit = std::move(*permit);
    if (!permit) {
      for (Run::Piece& piece : run->pieces) fail(*piece.fill, permit.error(), false);
    }
  }
  Result<> done = run->permit ? co_await run_all(run, ctx) : Result<>(ok);
  run->permit.reset();
  for (Run::Piece& piece : run->pieces) {
    if (!done) fail(*piece.fill, done.error(), false);
    co_await co_await finish(piece.fill, piece.fill->release(*piece.claim), ctx);
  }
  co_return ok;
}

Task<> Cache::run_all(std::shared_ptr<Run> run, Context ctx) {
  Watch watch({.wanted = [&] { return run->pieces.empty() || run->wanted(); },
               .moved = [&] { return run->at(); },
               .give_up =
                   [&] {
                     for (Run::Piece& piece : run->pieces) give_up(*piece.fill);
                   }},
              ctx);
  for (uint32_t attempt = 1; !run->pieces.empty(); ++attempt) {
    uint64_t before = run->at();
    Result<> fetched = co_await run_once(run, watch.context());
    if (fetched) co_return ok;
    // A stream that got further has earned a new try; the version cannot change under it.
    if (run->at() > before) attempt = 1;
    if (!retryable(fetched.error().code()) || attempt >= options_.attempts) {
      const UnitId& id = run->pieces.front().fill->unit().id;
      co_return fetched.error_in("fill unit " + id.hex());
    }
    co_await co_await io::sleep_until(ctx.loop->now() + kRunPause * attempt, watch.context());
  }
  co_return ok;
}

// Asks the origin for all that is left of the run and deals it out as it comes. Pieces that are
// left when this returns well could not be stored.
Task<> Cache::run_once(std::shared_ptr<Run> run, Context ctx) {
  ByteRange left{run->at(), run->ahead.end - run->at()};
  auto answer = co_await co_await ask(run->version, left, For::fill, ctx);
  Window body(std::move(answer.body.source), answer.range.offset);
  body.move(left);
  co_await co_await body.ready(ctx);
  run->answered = true;
  for (Run::Piece& piece : run->pieces) place(piece.fill, *ctx.loop);
  while (!run->pieces.empty()) {
    lead(*run, *ctx.loop);
    auto [fill, claim] = run->pieces.front();
    while (fill->writer() == nullptr && !fill->failed()) {
      uint64_t seen = fill->progress().count();
      if (fill->writer() != nullptr || fill->failed()) break;
      co_await co_await fill->progress().changed(seen, ctx);
    }
    auto slot = co_await co_await run->ending.acquire(1, ctx);
    Claim share = fill->state(*claim);
    body.move({fill->unit().range.offset + share.at, share.end - share.at});
    // It may end after the run.
    auto into = std::make_shared<Pour>(blocks_, fill, crews_.of(*ctx.loop).context());
    Result<> came = co_await pour(fill, claim, body, *into, nullptr, ctx);
    if (!came || fill->failed()) {
      Result<> stored = co_await into->finish();
      if (!stored) fail(*fill, std::move(stored.error()), true);
      if (!fill->failed()) co_return came;
      Error full = forebay::fail(Code::unavailable, "what comes before it was not stored");
      for (Run::Piece& piece : run->pieces) fail(*piece.fill, full, true);
      co_return ok;
    }
    run->pieces.pop_front();
    job::Crew& crew = crews_.of(*ctx.loop);
    crew.spawn(end_piece(run, fill, claim, std::move(into), std::move(slot), crew.context()));
  }
  co_return ok;
}

// The end of one unit, while the next one comes.
Task<> Cache::end_piece(std::shared_ptr<Run> run, std::shared_ptr<Fill> fill, Claim* claim,
                        std::shared_ptr<Pour> pour, io::Semaphore::Permit slot, Context ctx) {
  (void)run;  // owns what the slot goes back to
  Result<> stored = co_await pour->finish();
  if (!stored) fail(*fill, std::move(stored.error()), true);
  Result<> done = co_await finish(fill, fill->release(*claim), ctx);
  slot = {};
  co_return done;
}

}  // namespace forebay::unit
