// The fetching half of Cache: streams that move a unit's bytes from the origin to the disk.
#include <algorithm>
#include <vector>

#include "base/check.h"
#include "unit/cache.h"

namespace forebay::unit {

namespace {

// Buffers between an origin's file and ours (a dir origin); socket bodies bring their own.
constexpr size_t kCopyBuffer = 256 << 10;
constexpr Duration kRetryPause = milliseconds(50);
constexpr Duration kRoomPause = milliseconds(5);
constexpr int kRoomTries = 4;

}  // namespace

// The bytes of this version or none: servers exist that ignore If-Match or Range, and what they
// answer must be found out before a byte of it is used.
Task<origin::GetAnswer> Cache::ask(VersionRef version, ByteRange range, Context ctx) {
  origin::GetOptions options{.range = range,
                             .tag = version->tag,
                             .etag = version->etag,
                             .version_id = version->version_id};
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
  if (answer.range != range || answer.body.length != range.length) {
    co_return forebay::fail(Code::unavailable, "the origin answered with other bytes than asked");
  }
  co_return answer;
}

void Cache::demand(const std::shared_ptr<Fill>& fill, ByteRange wanted, io::Loop& loop) {
  job::Crew& crew = crews_.of(loop);
  for (Claim* claim : fill->demand(wanted)) {
    crew.spawn(stream(fill, claim, crew.context()));
  }
}

// Finds the unit its place on disk. Streams ask the origin meanwhile.
Task<> Cache::prepare(std::shared_ptr<Fill> fill, Context ctx) {
  const Unit& unit = fill->unit();
  Result<disk::Reservation> space = store_->reserve(unit.id, unit.range.length);
  // A refusal makes the evictor hurry: most often there is room a moment later.
  for (int tries = 0; !space && space.error().code() == Code::busy && tries < kRoomTries; ++tries) {
    if (!co_await io::sleep_until(ctx.loop->now() + kRoomPause, ctx)) break;
    space = store_->reserve(unit.id, unit.range.length);
  }
  if (!space) {
    metrics_.no_space.add();
    fail(*fill, std::move(space.error()), true);
    co_return ok;
  }
  Result<std::shared_ptr<disk::Writer>> writer = co_await store_->create(
      unit.id, unit.range.length, std::move(*space), disk::Admission::hot, ctx);
  if (!writer) {
    fail(*fill, std::move(writer.error()), true);
    co_return ok;
  }
  fill->set_writer(std::move(*writer));
  co_return ok;
}

// One share of a large unit, for a reader that waits.
Task<> Cache::stream(std::shared_ptr<Fill> fill, Claim* claim, Context ctx) {
  Result<io::Semaphore::Permit> permit = co_await per(*ctx.loop).demand.acquire(1, ctx);
  Result<> done = permit ? co_await stream_claim(fill, claim, ctx) : std::move(permit.error());
  if (!done) fail(*fill, std::move(done.error()), false);
  co_return co_await finish(fill, fill->release(*claim), ctx);
}

// What nobody waits for, gap by gap under one permit.
Task<> Cache::rest(std::shared_ptr<Fill> fill, io::Semaphore::Permit permit, Context ctx) {
  std::vector<Claim*> claims = fill->demand({0, fill->unit().range.length});
  Fill::Next next = Fill::Next::nothing;
  for (Claim* claim : claims) {
    Result<> done = co_await stream_claim(fill, claim, ctx);
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

Task<> Cache::stream_claim(std::shared_ptr<Fill> fill, Claim* claim, Context ctx) {
  for (uint32_t attempt = 1;; ++attempt) {
    uint64_t before = fill->state(*claim).at;
    Result<> fetched = co_await fetch(fill, claim, ctx);
    if (fetched || fill->failed()) co_return fetched;
    // A stream that got further has earned a new try; the version cannot change under it.
    if (fill->state(*claim).at > before) attempt = 1;
    if (!retryable(fetched.error().code()) || attempt >= options_.attempts) {
      co_return fetched.error_in("fill unit " + fill->unit().id.hex());
    }
    co_await co_await io::sleep_until(ctx.loop->now() + kRetryPause * attempt, ctx);
  }
}

// Asks the origin for what is left of the claim and writes it as it comes.
Task<> Cache::fetch(std::shared_ptr<Fill> fill, Claim* claim, Context ctx) {
  Claim share = fill->state(*claim);
  ByteRange range{fill->unit().range.offset + share.at, share.end - share.at};
  auto answer = co_await co_await ask(fill->version(), range, ctx);
  while (fill->writer() == nullptr && !fill->failed()) {
    uint64_t seen = fill->progress().count();
    if (fill->writer() != nullptr || fill->failed()) break;
    co_await co_await fill->progress().changed(seen, ctx);
  }
  std::vector<std::byte> buffer;
  while (!fill->failed()) {
    share = fill->state(*claim);
    if (share.at == share.end) co_return ok;  // all of it, or the rest was taken over
    io::Chunk chunk = co_await co_await answer.body.source->next(ctx);
    if (size(chunk) == 0)
      co_return forebay::fail(Code::unavailable, "the origin's body ended early");
    if (std::holds_alternative<io::FileSlice>(chunk)) buffer.resize(kCopyBuffer);
    co_await co_await write(fill, claim, std::move(chunk), buffer, ctx);
  }
  co_return ok;
}

Task<> Cache::write(std::shared_ptr<Fill> fill, Claim* claim, io::Chunk chunk, ByteSpan buffer,
                    Context ctx) {
  auto writer = fill->writer();
  for (uint64_t done = 0; done < size(chunk);) {
    ByteView bytes = co_await co_await io::load(chunk, done, buffer, ctx);
    // At most kCopyBuffer between two looks at the claim, which is less than kOvertake.
    bytes = bytes.first(std::min(bytes.size(), kCopyBuffer));
    done += bytes.size();
    Claim share = fill->state(*claim);
    bytes = bytes.first(std::min<uint64_t>(bytes.size(), share.end - share.at));
    if (bytes.empty()) co_return ok;
    Result<> written = co_await writer->write(share.at, bytes, ctx);
    if (!written) {
      fail(*fill, std::move(written.error()), true);
      co_return ok;
    }
    fill->advance(*claim, bytes.size());
  }
  co_return ok;
}

Task<> Cache::finish(std::shared_ptr<Fill> fill, Fill::Next next, Context ctx) {
  if (next == Fill::Next::nothing) co_return ok;
  if (next == Fill::Next::commit) {
    Result<> published = co_await fill->writer()->commit(ctx);
    if (!published) fail(*fill, std::move(published.error()), true);
    leave(*fill);
    co_return ok;
  }
  // Nobody waits for the rest: it comes when there is time for it, or not at all.
  auto permit = per(*ctx.loop).rest.try_acquire(1);
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
  Result<> stored = co_await store_->put_small(fill->unit().id, *bytes, disk::Admission::hot, ctx);
  if (!stored && stored.error().code() != Code::exists) metrics_.no_space.add();
  leave(*fill);
  co_return ok;
}

Task<Bytes> Cache::fetch_small(std::shared_ptr<Fill> fill, Context ctx) {
  auto permit = co_await co_await per(*ctx.loop).demand.acquire(1, ctx);
  ByteRange range = fill->unit().range;
  for (uint32_t attempt = 1;; ++attempt) {
    auto answer = co_await ask(fill->version(), range, ctx);
    Result<std::string> text =
        answer ? co_await io::read_all(std::move(answer->body), range.length, ctx)
               : Result<std::string>(std::move(answer.error()));
    if (text && text->size() == range.length) co_return Bytes(std::move(*text));
    if (text) text = forebay::fail(Code::unavailable, "the origin's body ended early");
    if (!retryable(text.error().code()) || attempt >= options_.attempts) {
      co_return text.error_in("fill unit " + fill->unit().id.hex());
    }
    co_await co_await io::sleep_until(ctx.loop->now() + kRetryPause * attempt, ctx);
  }
}

}  // namespace forebay::unit
