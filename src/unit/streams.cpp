// The fetching half of Cache: streams that move a unit's bytes from the origin to the disk.
#include <algorithm>
#include <vector>

#include "base/check.h"
#include "unit/cache.h"
#include "unit/pour.h"
#include "unit/pulse.h"
#include "unit/room.h"
#include "unit/watch.h"
#include "unit/window.h"

namespace forebay::unit {

namespace {

// Between an origin's file and ours (a dir origin; socket bodies bring their own): what is read at
// once, and where there is no room for that.
constexpr size_t kCopyBuffer = 256 << 10;
constexpr size_t kCopyLeast = 16 << 10;
constexpr Duration kRetryPause = milliseconds(50);

Error ended_early() { return forebay::fail(Code::unavailable, "the origin's body ended early"); }

}  // namespace

// The bytes of this version or none: servers exist that ignore If-Match or Range, and what they
// answer must be found out before a byte of it is used. All of the object is good too.
Task<origin::GetAnswer> Cache::ask(VersionRef version, ByteRange range, For whom, Context ctx) {
  origin::GetOptions options{.range = range,
                             .tag = version->tag,
                             .etag = version->etag,
                             .version_id = version->version_id,
                             .slow_reader = whom == For::reader};
  auto asked = co_await version->origin->get(version->key, std::move(options), ctx);
  // A server that ignores If-Match says so by the range when the object has become shorter.
  bool shorter = !asked && asked.error().detail() == "InvalidRange";
  if (shorter) {
    co_return forebay::fail(Code::conflict, "the origin's object is shorter now",
                            "PreconditionFailed");
  }
  origin::GetAnswer answer = co_await std::move(asked);
  if (answer.info.tag != version->tag || answer.info.size != version->size) {
    co_return forebay::fail(Code::conflict, "the origin has another version", "PreconditionFailed");
  }
  bool usable = answer.range == range || answer.range == ByteRange{0, version->size};
  if (!usable || answer.body.length != answer.range.length) {
    co_return forebay::fail(Code::corrupt, "the origin gave other bytes than were asked",
                            "BadGateway");
  }
  co_return answer;
}

// The same, and of all that comes just the range.
Task<origin::GetAnswer> Cache::ask_only(VersionRef version, ByteRange range, For whom,
                                        Context ctx) {
  auto answer = co_await co_await ask(std::move(version), range, whom, ctx);
  co_return only(std::move(answer), range);
}

void Cache::demand(const std::shared_ptr<Fill>& fill, ByteRange wanted, io::Loop& loop,
                   std::shared_ptr<origin::GetAnswer> given) {
  job::Crew& crew = crews_.of(loop);
  for (Claim* claim : fill->demand(wanted)) {
    bool first = fill->state(*claim).at == wanted.offset;
    crew.spawn(
        stream(fill, claim, first ? std::exchange(given, nullptr) : nullptr, crew.context()));
  }
}

void Cache::place_early(const std::shared_ptr<Fill>& fill, io::Loop& loop) {
  auto share = early_->take(fill->unit().range.length);
  if (!share) return;
  fill->set_early(std::move(share));
  if (!fill->begin_place()) return;
  job::Crew& crew = crews_.of(loop);
  crew.spawn(prepare(fill, crew.context()));
}

void Cache::place(const std::shared_ptr<Fill>& fill, io::Loop& loop) {
  fill->set_early(std::nullopt);
  if (!fill->begin_place()) return;
  job::Crew& crew = crews_.of(loop);
  crew.spawn(prepare(fill, crew.context()));
}

Task<> Cache::prepare(std::shared_ptr<Fill> fill, Context ctx) {
  const Unit& unit = fill->unit();
  auto space = co_await reserve_soon(store_, unit.id, unit.range.length, ctx);
  if (!space) {
    metrics_.no_space.add();
    fail(*fill, std::move(space.error()), true);
    co_return ok;
  }
  disk::Terms terms(disk::Admission::hot, fill->version()->owner);
  Result<std::shared_ptr<disk::Writer>> writer =
      co_await store_->create(unit.id, unit.range.length, std::move(*space), terms, ctx);
  if (!writer) {
    fail(*fill, std::move(writer.error()), true);
    co_return ok;
  }
  fill->set_writer(std::move(*writer));
  co_return ok;
}

// One share of a large unit, for a reader that waits.
Task<> Cache::stream(std::shared_ptr<Fill> fill, Claim* claim,
                     std::shared_ptr<origin::GetAnswer> given, Context ctx) {
  Result<io::Semaphore::Permit> permit =
      co_await turns(*fill->version(), *ctx.loop).demand.acquire(1, ctx);
  if (permit) share_at_start(fill, *claim, *ctx.loop);
  Result<> done = permit ? co_await stream_claim(fill, claim, std::move(given), ctx)
                         : std::move(permit.error());
  if (!done) fail(*fill, std::move(done.error()), false);
  co_return co_await finish(fill, fill->release(*claim), ctx);
}

// What nobody waits for, gap by gap under one permit.
Task<> Cache::rest(std::shared_ptr<Fill> fill, io::Semaphore::Permit permit, Context ctx) {
  std::vector<Claim*> claims = fill->demand({0, fill->unit().range.length});
  Fill::Next next = Fill::Next::nothing;
  for (Claim* claim : claims) {
    Result<> done = co_await stream_claim(fill, claim, nullptr, ctx);
    if (!done) fail(*fill, std::move(done.error()), false);
    next = fill->release(*claim);
  }
  permit = {};
  co_return co_await finish(fill, next, ctx);
}

Task<> Cache::rest_small(std::shared_ptr<Fill> fill, io::Semaphore::Permit permit, Context ctx) {
  Result<> done = co_await fill_small(fill, ctx);
  permit = {};
  co_return done;
}

Task<> Cache::stream_claim(std::shared_ptr<Fill> fill, Claim* claim,
                           std::shared_ptr<origin::GetAnswer> given, Context ctx) {
  if (fill->failed()) co_return ok;
  Watch watch(Watch::of(*this, fill), ctx);
  for (uint32_t attempt = 1;; ++attempt) {
    uint64_t before = fill->state(*claim).at;
    Result<> fetched = co_await fetch(fill, claim, std::exchange(given, nullptr), watch.context());
    if (fetched || fill->failed()) co_return fetched;
    // A stream that got further has earned a new try; the version cannot change under it.
    if (fill->state(*claim).at > before) attempt = 1;
    if (!retryable(fetched.error().code()) || attempt >= options_.attempts) {
      co_return fetched.error_in("fill unit " + fill->unit().id.hex());
    }
    co_await co_await io::sleep_until(ctx.loop->now() + kRetryPause * attempt, watch.context());
  }
}

// Asks the origin for what is left of the claim, or takes what it has given, and writes it as it
// comes.
Task<> Cache::fetch(std::shared_ptr<Fill> fill, Claim* claim,
                    std::shared_ptr<origin::GetAnswer> given, Context ctx) {
  Claim share = fill->state(*claim);
  uint64_t begin = fill->unit().range.offset;
  ByteRange range{begin + share.at, share.end - share.at};
  Pulse pulse(turns(*fill->version(), *ctx.loop).spread);
  Time asked = ctx.loop->now();
  origin::GetAnswer answer;
  if (given != nullptr) {
    // It may be more than is left to this stream: others have the rest.
    answer = std::move(*given);
  } else {
    answer = co_await co_await ask(fill->version(), range, For::fill, ctx);
    if (answer.range != range) share = fill->widen(*claim);
  }
  if (answer.whole) pulse.alone(ctx.loop->now());
  Window body(std::move(answer.body.source), answer.range.offset);
  body.move({begin + share.at, share.end - share.at});
  // A head is no promise: what there is makes room for bytes only.
  co_await co_await body.ready(ctx);
  Duration first_byte = ctx.loop->now() - asked;
  place(fill, *ctx.loop);
  while (fill->writer() == nullptr && !fill->failed()) {
    uint64_t seen = fill->progress().count();
    if (fill->writer() != nullptr || fill->failed()) break;
    co_await co_await fill->progress().changed(seen, ctx);
  }
  pulse.stream = {.looked = ctx.loop->now(), .first_byte = first_byte};
  Pour pour(blocks_, fill, ctx);
  Result<> came = co_await this->pour(fill, claim, body, pour, &pulse, ctx);
  Result<> stored = co_await pour.finish();
  if (!stored) fail(*fill, std::move(stored.error()), true);
  co_return came;
}

Task<> Cache::pour(std::shared_ptr<Fill> fill, Claim* claim, io::Source& source, Pour& pour,
                   Pulse* pulse, Context ctx) {
  std::vector<std::byte> buffer;
  Allowance::Share copying = copying_->none();
  while (!fill->failed()) {
    Claim share = fill->state(*claim);
    if (share.at == share.end) co_return ok;  // all of it, or the rest was taken over
    ByteSpan room = source.reads_into() ? pour.room(*claim) : ByteSpan();
    Result<> written = ok;
    Time asked = ctx.loop->now();
    if (!room.empty()) {
      size_t count = co_await co_await source.read_into(room, ctx);
      if (count == 0) co_return ended_early();
      if (pulse != nullptr) pulse->came(count, room.size(), asked, ctx.loop->now());
      written = co_await pour.filled(*claim, count);
    } else {
      io::Chunk chunk = co_await co_await source.next(ctx);
      if (size(chunk) == 0) co_return ended_early();
      if (pulse != nullptr) pulse->came(size(chunk), kCopyBuffer, asked, ctx.loop->now());
      if (std::holds_alternative<io::FileSlice>(chunk) && buffer.empty()) {
        buffer.resize(copying.grow(kCopyBuffer) ? kCopyBuffer : kCopyLeast);
      }
      for (uint64_t done = 0; done < size(chunk) && written;) {
        ByteView bytes = co_await co_await io::load(chunk, done, buffer, ctx);
        done += bytes.size();
        written = co_await pour.put(*claim, bytes);
      }
    }
    if (!written) fail(*fill, std::move(written.error()), true);
    if (pulse != nullptr) look(fill, *claim, *pulse, *ctx.loop);
  }
  co_return ok;
}

Task<> Cache::finish(std::shared_ptr<Fill> fill, Fill::Next next, Context ctx) {
  if (next == Fill::Next::nothing) co_return ok;
  if (next == Fill::Next::commit) {
    Result<> published = co_await fill->writer()->commit(ctx);
    // Where another has brought it meanwhile it is here all the same.
    if (!published && published.error().code() != Code::exists) {
      fail(*fill, std::move(published.error()), true);
    }
    leave(*fill);
    co_return ok;
  }
  // Nobody waits for the rest: it comes when there is time for it, or not at all.
  auto permit = turns(*fill->version(), *ctx.loop).rest.try_acquire(1);
  if (!permit) {
    metrics_.fills_dropped.add();
    leave(*fill);
    co_return ok;
  }
  crews_.of(*ctx.loop).spawn(rest(fill, std::move(*permit), ctx));
  co_return ok;
}

// A small unit comes whole into memory; its readers go on before it is on disk.
Task<> Cache::fill_small(std::shared_ptr<Fill> fill, Context ctx) {
  Result<Bytes> bytes = co_await fetch_small(fill, ctx);
  if (!bytes) {
    fail(*fill, std::move(bytes.error()), false);
    co_return ok;
  }
  fill->set_bytes(*bytes);
  co_return co_await store_small(fill, std::move(*bytes), ctx);
}

Task<> Cache::store_small(std::shared_ptr<Fill> fill, Bytes bytes, Context ctx) {
  disk::Terms terms(disk::Admission::hot, fill->version()->owner);
  Result<> stored = co_await store_->put_small(fill->unit().id, std::move(bytes), terms, ctx);
  small_stored(*fill, stored);
  co_return ok;
}

Task<Bytes> Cache::fetch_small(std::shared_ptr<Fill> fill, Context ctx) {
  auto permit = co_await co_await turns(*fill->version(), *ctx.loop).demand.acquire(1, ctx);
  ByteRange range = fill->unit().range;
  Watch watch(Watch::of(*this, fill), ctx);
  for (uint32_t attempt = 1;; ++attempt) {
    auto answer = co_await ask_only(fill->version(), range, For::fill, watch.context());
    auto here = answer ? io::take_bytes(answer->body) : std::nullopt;
    if (here && here->size() == range.length) co_return std::move(*here);
    Result<std::string> text =
        answer ? co_await io::read_all(std::move(answer->body), range.length, watch.context())
               : Result<std::string>(std::move(answer.error()));
    if (text && text->size() == range.length) co_return Bytes(std::move(*text));
    if (text) text = forebay::fail(Code::unavailable, "the origin's body ended early");
    if (!retryable(text.error().code()) || attempt >= options_.attempts) {
      co_return text.error_in("fill unit " + fill->unit().id.hex());
    }
    co_await co_await io::sleep_until(ctx.loop->now() + kRetryPause * attempt, watch.context());
  }
}

}  // namespace forebay::unit
