#include "object/store.h"

#include <algorithm>

#include "base/check.h"
#include "object/reader.h"
#include "object/tee.h"
#include "object/versions.h"
#include "unit/window.h"

namespace forebay::object {

namespace {

// After so many cold small objects in a row the next is asked for with a GET.
constexpr uint32_t kEager = 32;
// The same of whole reads of larger ones: more is saved, and what a wrong guess costs is a
// connection.
constexpr uint32_t kEagerLarge = 8;
// How often a read follows a version that changes before its first byte.
constexpr int kFollow = 5;

Error no_such_key(bool deleted = false) {
  return fail(Code::not_found, "The specified key does not exist.",
              deleted ? std::string(origin::kDeleteMarker) : "NoSuchKey");
}

Error too_fast_to_read() {
  return fail(Code::unavailable, "the object changes faster than it can be read", "SlowDown");
}

/// The part of a decision that needs no disk and no origin; `part`: what a part number means.
Result<ReadAnswer> decide_read(const ReadRequest& request, HeadRef head,
                               std::optional<ByteRange> part) {
  if (!head->exists) return no_such_key(head->deleted);
  ReadAnswer answer;
  const origin::ObjectInfo& info = head->info;
  answer.head = std::move(head);
  answer.range = {0, info.size};
  Result<> allowed = decide(request.conditions, info.etag, info.modified);
  if (!allowed) {
    bool same = allowed.error().detail() == "NotModified";
    answer.decision = same ? Decision::not_modified : Decision::precondition_failed;
    return answer;
  }
  if (request.part_number > 0) {
    if (!part) {
      answer.decision = Decision::unsatisfiable;
      return answer;
    }
    answer.range = *part;
    answer.decision = Decision::partial;
    answer.parts_count = info.etag.part_count();
    return answer;
  }
  bool ranged =
      request.range && (!request.conditions.if_range ||
                        range_applies(*request.conditions.if_range, info.etag, info.modified));
  if (!ranged) return answer;
  auto range = request.range->resolve(info.size);
  answer.decision = range ? Decision::partial : Decision::unsatisfiable;
  if (range) answer.range = *range;
  return answer;
}

/// Counts what a read with a body asks for.
void note_asked(const ReadRequest& request, const ReadAnswer& answer) {
  if (request.bucket->asked != nullptr) request.bucket->asked->add(answer.range.length);
}

/// Whether what has been read last says that the next read will need the bytes.
bool is_eager(const ReadRequest& request) {
  const Bucket& bucket = *request.bucket;
  return bucket.cold_small->load(std::memory_order_relaxed) >= kEager ||
         (!request.range && bucket.cold_large->load(std::memory_order_relaxed) >= kEagerLarge);
}

/// Whether it is a cold read of a larger object for which a GET alone would have been enough.
bool one_get_would_do(const ReadAnswer& answer) {
  const Head& head = *answer.head;
  return answer.served == unit::Served::miss && answer.decision == Decision::whole &&
         head.first.range.length == head.info.size && !head.adaptive;
}

bool has_body(const ReadRequest& request, const ReadAnswer& answer) {
  return request.body && answer.range.length > 0 &&
         (answer.decision == Decision::whole || answer.decision == Decision::partial);
}

}  // namespace

bool moved(const Error& error) {
  return error.code() == Code::conflict || error.code() == Code::not_found;
}

std::optional<ReadAnswer> Store::read_now(const ReadRequest& request, io::Loop& loop) {
  bool past = request.mode == unit::Mode::past || !request.version_id.empty();
  if (past || request.check) return std::nullopt;
  HeadRef head = heads_.believed(*request.bucket, request.key.text(), loop.now());
  if (head == nullptr || !head->exists || head->version == nullptr || request.part_number > 0) {
    return std::nullopt;
  }
  Result<ReadAnswer> answer = decide_read(request, std::move(head), std::nullopt);
  if (!answer) return std::nullopt;
  answer->body.length = answer->range.length;
  if (!has_body(request, *answer)) {
    keep(request, *answer, loop);
    return std::move(*answer);
  }
  const unit::Unit& first = answer->head->first;
  bool one = first.range.covers(answer->range);
  unit::Unit unit = one ? first : answer->head->unit_at(answer->range.offset);
  if (!unit.range.covers(answer->range)) return std::nullopt;
  auto slice = cache_.find(unit, answer->range, answer->head->version->verify);
  if (!slice) return std::nullopt;
  answer->body = io::Body::of(std::move(*slice));
  note_asked(request, *answer);
  keep(request, *answer, loop);
  return std::move(*answer);
}

void Store::keep(const ReadRequest& request, const ReadAnswer& answer, io::Loop& loop) {
  bool stored = request.body && request.mode != unit::Mode::past &&
                answer.served != unit::Served::bypass &&
                (answer.decision == Decision::whole || answer.decision == Decision::partial);
  if (stored) heads_.keep(*answer.head, loop);
}

Task<ReadAnswer> Store::read(ReadRequest request, Context ctx) {
  // No head that is believed, nor what is cached for it, answers for another version.
  if (!request.version_id.empty()) {
    request.version_id =
        co_await co_await version_at_origin(request.bucket, std::move(request.version_id), ctx);
  }
  if (!request.version_id.empty()) request.mode = unit::Mode::past;
  bool counted = false;
  for (int round = 0; round < kFollow; ++round) {
    bool eager = round == 0 && request.body && request.mode == unit::Mode::normal &&
                 request.part_number == 0 && is_eager(request);
    bool check = round > 0 || request.check;
    auto current =
        request.mode == unit::Mode::past
            ? co_await co_await ask_past(request.bucket, request.key, request.version_id, ctx)
            : co_await co_await heads_.ask(request.bucket, request.key, check, eager, ctx);
    HeadRef head = current.head;
    std::optional<ByteRange> part;
    if (request.part_number > 0 && head->exists) {
      auto found = co_await heads_.layouts().part(*request.bucket, request.key, *head,
                                                  request.part_number, ctx);
      if (!found && moved(found.error())) continue;
      part = co_await std::move(found);
      // The origin has no such part now; what is believed of the object may be older than that.
      if (!part && current.believed && !head->layout.known()) continue;
    }
    ReadAnswer answer = co_await decide_read(request, head, part);
    answer.body.length = answer.range.length;
    if (!counted && has_body(request, answer)) note_asked(request, answer);
    counted = true;
    if (!current.bytes.empty() && has_body(request, answer)) {
      answer.served = current.joined ? unit::Served::joined : unit::Served::miss;
      bool cold =
          cache_.admit_filled(head->version, head->first, current.bytes, answer.served, *ctx.loop);
      note_cold(*request.bucket->cold_small, cold);
      answer.body = io::Body::of(current.bytes.slice(answer.range.offset, answer.range.length));
      keep(request, answer, *ctx.loop);
      co_return answer;
    }
    bool told = !current.believed && request.mode != unit::Mode::past;
    if (told) note_cold(*request.bucket->cold_small, is_cold(*head));
    if (!has_body(request, answer)) {
      keep(request, answer, *ctx.loop);
      co_return answer;
    }
    bool found = current.believed;
    Result<ReadAnswer> opened =
        co_await open(request, std::move(current), part, std::move(answer), ctx);
    if (opened) {
      if (!found) note_cold(*request.bucket->cold_large, one_get_would_do(*opened));
      keep(request, *opened, *ctx.loop);
      co_return opened;
    }
    if (!moved(opened.error())) co_return std::move(opened.error());
  }
  co_return too_fast_to_read();
}

// What the origin says now, for this read alone: nothing here is looked at, and nothing learns it.
Task<Heads::Current> Store::ask_past(BucketRef bucket, ObjectKey key, std::string version_id,
                                     Context ctx) {
  Time started = ctx.loop->now();
  auto info = co_await bucket->origin->head(key, {.version_id = version_id}, ctx);
  if (!info && version_id.empty() && is_missing(info.error())) {
    co_return no_such_key(info.error().detail() == origin::kDeleteMarker);
  }
  if (!info) co_return std::move(info.error());
  // "null" too, which no answer need tell: by it the body is asked for.
  if (!version_id.empty()) info->version_id = std::move(version_id);
  // One unit, whatever its size: nothing is stored, so one request can fetch it all.
  Layout layout = Layout::small(info->size, info->etag, 0);
  co_return Heads::Current{
      Heads::head_with(*bucket, key, std::move(*info), std::move(layout), started)};
}

bool Store::is_cold(const Head& head) const {
  return head.exists && head.version != nullptr && head.info.size > 0 &&
         head.info.size <= cache_.small_max() && !cache_.contains(head.first.id);
}

void Store::note_cold(std::atomic<uint32_t>& in_a_row, bool cold) {
  if (cold) {
    in_a_row.fetch_add(1, std::memory_order_relaxed);
  } else {
    in_a_row.store(0, std::memory_order_relaxed);
  }
}

Task<ReadAnswer> Store::open(ReadRequest request, Heads::Current current,
                             std::optional<ByteRange> part, ReadAnswer answer, Context ctx) {
  const HeadRef head = current.head;
  if (head->version == nullptr) {
    co_return co_await open_untagged(std::move(request), part, std::move(answer), ctx);
  }
  auto reader = std::make_unique<Reader>(cache_, heads_, head, answer.range, request.mode);
  bool whole = answer.range == ByteRange{0, head->info.size};
  answer.served = co_await co_await reader->open(whole ? std::move(current.answer) : nullptr, ctx);
  answer.body.source = std::move(reader);
  co_return answer;
}

// Without a strong tag nothing ties a second answer to the first: what this one answer says of
// itself is what the client gets, if it would have been decided alike.
Task<ReadAnswer> Store::open_untagged(ReadRequest request, std::optional<ByteRange> part,
                                      ReadAnswer answer, Context ctx) {
  origin::GetOptions options{.version_id = request.version_id, .slow_reader = true};
  if (answer.decision == Decision::partial) options.range = answer.range;
  origin::GetAnswer got =
      co_await co_await request.bucket->origin->get(request.key, std::move(options), ctx);
  // From a server that knows no ranges; the object may have become another meanwhile.
  if (answer.decision == Decision::partial && got.range == ByteRange{0, got.info.size}) {
    uint64_t offset = std::min(answer.range.offset, got.info.size);
    uint64_t end = std::min(answer.range.end(), got.info.size);
    if (offset == end)
      co_return fail(Code::conflict, "the object is shorter", "PreconditionFailed");
    got = unit::only(std::move(got), {offset, end - offset});
  }
  if (!request.version_id.empty()) got.info.version_id = request.version_id;
  Layout layout = Layout::whole(got.info.size, request.bucket->largest_unit());
  answer.head = Heads::head_with(*request.bucket, request.key, std::move(got.info),
                                 std::move(layout), ctx.loop->now());
  Result<ReadAnswer> now = decide_read(request, answer.head, part);
  bool alike = now && now->decision == answer.decision && now->range.covers(got.range) &&
               now->range.offset == got.range.offset;
  if (!alike) co_return fail(Code::conflict, "the object has changed", "PreconditionFailed");
  answer.range = got.range;
  answer.served = unit::Served::bypass;
  answer.body = std::move(got.body);
  co_return answer;
}

Task<StageAnswer> Store::stage(ReadRequest request, Time until, Context ctx) {
  using State = StageAnswer::State;
  check(request.mode == unit::Mode::normal && request.version_id.empty(),
        "what is not to be stored is staged");
  request.body = false;
  for (int round = 0; round < kFollow; ++round) {
    StageAnswer out{.read = co_await co_await read(request, ctx)};
    HeadRef head = out.read.head;
    bool decided = out.read.decision == Decision::whole || out.read.decision == Decision::partial;
    if (!decided || head->info.size == 0) co_return out;
    out.state = State::past;
    if (head->version == nullptr) co_return out;
    // What is native is here or nowhere.
    if (head->version->native || co_await co_await all_here(cache_, head, ctx)) {
      out.state = State::here;
      co_return out;
    }
    if (head->info.size > cache_.room().bytes) co_return out;
    out.state = State::coming;
    auto staged = co_await stager_.add(head, *ctx.loop);
    if (until <= ctx.loop->now()) co_return out;
    Result<> came = co_await stager_.wait(std::move(staged), ctx.until(until));
    out.waited = came.has_value();
    // The client's patience is over, not that of whoever called.
    bool enough = !came && came.error().code() == Code::timeout && ctx.loop->now() >= until;
    if (came || enough) co_return out;
    if (came.error().detail() == "ENOSPC") {
      out.state = State::past;
      co_return out;
    }
    if (!moved(came.error())) co_return std::move(came.error());
  }
  co_return too_fast_to_read();
}

Task<> Store::bring(BucketRef bucket, ObjectKey key, uint64_t listed, Brought& so_far,
                    Context ctx) {
  for (int round = 0; round < kFollow; ++round) {
    so_far = {};
    // As reads do: where small objects are found to be here, none is fetched for its head.
    bool eager = round == 0 && listed <= cache_.small_max() &&
                 bucket->cold_small->load(std::memory_order_relaxed) >= kEager;
    auto current = co_await co_await heads_.ask(bucket, key, round > 0, eager, ctx);
    HeadRef head = current.head;
    if (!head->exists) co_return no_such_key(head->deleted);
    if (head->version == nullptr) {
      co_return fail(Code::invalid,
                     "its origin gives no strong tag for it (a file of a folder has none for two "
                     "seconds after it was written), so it is not kept",
                     "NotKept");
    }
    if (head->info.size > cache_.room().bytes) {
      co_return fail(Code::too_large, "it is larger than the cache", "NotKept");
    }
    Result<> came = ok;
    if (current.bytes.empty()) {
      if (!current.believed) note_cold(*bucket->cold_small, is_cold(*head));
      came = co_await object::bring(cache_, head, so_far, ctx);
    } else {
      bool fresh = cache_.admit(head->version, head->first, current.bytes, *ctx.loop);
      note_cold(*bucket->cold_small, fresh);
      auto fill = fresh ? cache_.coming(head->first.id) : nullptr;
      if (fill != nullptr) came = co_await cache_.arrived(std::move(fill), ctx);
      if (came && !cache_.touch(head->first)) {
        came = fail(Code::busy, "the cache has no room for it", "ENOSPC");
      }
      if (came) (fresh ? so_far.fetched : so_far.here) = head->info.size;
    }
    if (came) heads_.keep(*head, *ctx.loop);
    if (came || !moved(came.error())) co_return came;
    (void)co_await heads_.disbelieve(head, ctx);
  }
  co_return too_fast_to_read();
}

}  // namespace forebay::object
