#include "batch/prefetch.h"

#include <algorithm>
#include <utility>

namespace forebay::batch {

namespace {

constexpr Duration kPause = seconds(1);
// A file of a `dir` origin has a strong tag once it is two seconds old.
constexpr Duration kYoung = milliseconds(2500);
// The rate is that of so many seconds.
constexpr size_t kSamples = 10;

// Objects up to this size lie in files with others, with a little before each.
constexpr uint64_t kSmall = 64 << 10;
constexpr uint64_t kRecord = 256;
constexpr uint64_t kPage = 4096;

Error cache_full(const Counts& counts) {
  return fail(Code::busy,
              "the cache is full: " + std::to_string(counts.objects) + " objects with " +
                  std::to_string(counts.bytes) +
                  " bytes are here, and more would push them out; a larger cache-size or a "
                  "narrower prefix helps",
              "CacheFull");
}

bool is_gone(const Error& error) {
  return error.code() == Code::not_found && error.detail() != "NoSuchBucket";
}

}  // namespace

Prefetch::Prefetch(World world, Record& record) : world_(world), record_(record), settled_(record) {
  way_.known_objects = record_.counts.objects + record_.counts.failed;
  way_.known_bytes = record_.counts.bytes;
  // What an earlier run has brought; its units were not counted.
  mine_.bytes = record_.counts.bytes + record_.counts.objects * kRecord;
  mine_.units = record_.counts.objects;
  world_.held.bytes += mine_.bytes;
  world_.held.units += mine_.units;
}

Prefetch::~Prefetch() {
  world_.held.bytes -= mine_.bytes;
  world_.held.units -= mine_.units;
}

Task<> Prefetch::run(Context ctx) {
  saved_ = ctx.loop->now();
  io::Group group(ctx);
  Result<> walked = co_await walk(group, ctx);
  (void)co_await group.join();  // each keeps its own error
  // What was under way when it was told to end may have come since.
  bool told = !walked && walked.error().code() == Code::cancelled;
  if (told) (void)settle(ctx.loop->now());
  co_return walked;
}

Task<> Prefetch::walk(io::Group& group, Context ctx) {
  std::string continuation;
  int empty = 0;
  do {
    Page listed = co_await co_await page(continuation, ctx);
    for (const Listed& one : listed.objects) way_.known_bytes += one.size;
    way_.known_objects += listed.objects.size();
    way_.listed = listed.next.empty();
    empty = listed.objects.empty() ? empty + 1 : 0;
    if (empty > kEmptyPages) {
      co_return fail(Code::corrupt, "the origin's list goes on without any keys", "BadGateway");
    }
    for (const Listed& one : listed.objects) co_await co_await begin(one, group, ctx);
    bool same = !listed.next.empty() && listed.next == continuation;
    if (same) co_return fail(Code::corrupt, "the origin's list does not go on", "BadGateway");
    continuation = std::move(listed.next);
  } while (!continuation.empty());
  co_return co_await wait_until(&Prefetch::is_idle, 0, ctx);
}

// Only what is needed of it is kept: the document's share is given back.
Task<Prefetch::Page> Prefetch::page(std::string continuation, Context ctx) {
  for (int attempt = 1;; ++attempt) {
    object::BucketRef from = co_await bucket();
    unit_max_ = from->largest_unit();
    auto answer = co_await from->origin->list(
        {.prefix = record_.prefix, .start_after = record_.after, .continuation = continuation},
        ctx);
    if (answer) {
      Page out{.objects = {}, .next = answer->truncated ? std::move(answer->next) : ""};
      for (auto& one : answer->objects) {
        out.objects.push_back({std::move(one.key), one.size, one.modified});
      }
      co_return out;
    }
    if (!retryable(answer.error().code()) || attempt >= kTries) {
      co_return answer.error_in("list the bucket");
    }
    co_await co_await io::sleep_until(ctx.loop->now() + kPause * attempt, ctx);
  }
}

Result<object::BucketRef> Prefetch::bucket() const {
  auto found = world_.buckets.get(record_.bucket);
  if (found && (*found)->incarnation == record_.incarnation) return found;
  return fail(Code::not_found, "the bucket was removed", "NoSuchBucket");
}

Held Prefetch::cost(uint64_t bytes) const {
  uint64_t units = unit_max_ == 0 ? 1 : 1 + bytes / unit_max_;
  if (bytes <= kSmall) return {bytes + kRecord, units};
  return {bytes + units * kPage, units};
}

void Prefetch::hold(uint64_t bytes) {
  Held its = cost(bytes);
  for (Held* held : {&mine_, &world_.held}) {
    held->bytes += its.bytes;
    held->units += its.units;
  }
}

void Prefetch::let_go(uint64_t bytes) {
  Held its = cost(bytes);
  for (Held* held : {&mine_, &world_.held}) {
    held->bytes -= std::min(held->bytes, its.bytes);
    held->units -= std::min(held->units, its.units);
  }
}

bool Prefetch::may_begin(uint64_t bytes) const {
  if (window_.size() >= kWindow || active_ >= kMostObjects) return false;
  return active_ == 0 || active_bytes_ + bytes <= kMostBytes;
}

Task<> Prefetch::wait_until(bool (Prefetch::*may)(uint64_t) const, uint64_t bytes, Context ctx) {
  while (true) {
    uint64_t seen = moved_.count();
    co_await settle(ctx.loop->now());
    if (unsaved_ && ctx.loop->now() - saved_ >= kSaved) {
      co_await co_await world_.keeper.keep(ctx);
      unsaved_ = settled_.after != record_.after;
      settled_ = record_;
      saved_ = ctx.loop->now();
    }
    if ((this->*may)(bytes)) co_return ok;
    co_await co_await moved_.changed(seen, ctx);
  }
}

Task<> Prefetch::begin(const Listed& object, io::Group& group, Context ctx) {
  co_await co_await wait_until(&Prefetch::may_begin, object.size, ctx);
  object::BucketRef from = co_await bucket();
  object::Store::Room room = world_.objects.room();
  Held its = cost(object.size);
  // One that is larger than all of it fails alone, when its head is known.
  bool ever = its.bytes <= room.bytes && its.units <= room.units;
  bool now =
      world_.held.bytes + its.bytes <= room.bytes && world_.held.units + its.units <= room.units;
  if (ever && !now) {
    // Those under way may still fail, but they have come first.
    co_await co_await wait_until(&Prefetch::is_idle, 0, ctx);
    co_return cache_full(record_.counts);
  }
  if (ever) hold(object.size);
  window_.push_back(std::make_unique<Item>(
      Item{.key = object.key, .size = object.size, .modified = object.modified, .held = ever}));
  ++active_;
  active_bytes_ += object.size;
  group.spawn(bring(std::move(from), *window_.back(), ctx));
  co_return ok;
}

Task<> Prefetch::bring(object::BucketRef from, Item& item, Context ctx) {
  Result<> end = ok;
  for (int attempt = 1; item.size > 0; ++attempt) {
    auto key = ObjectKey::parse(item.key);
    end = key ? co_await world_.objects.bring(from, std::move(*key), item.size, item.so_far, ctx)
              : Result<>(std::move(key.error()));
    if (end || attempt >= kTries) break;
    Duration age{ctx.loop->wall_now().ns - item.modified.ns};
    bool young = end.error().detail() == "NotKept" && age < kYoung;
    if (!young && !retryable(end.error().code())) break;
    Duration pause = young ? kYoung - std::max(age, Duration{}) : kPause * attempt;
    if (!co_await io::sleep_until(ctx.loop->now() + pause, ctx)) break;
  }
  if (ctx.cancel != nullptr && ctx.cancel->cancelled() && !end) {
    end = fail(Code::cancelled, "the job ends");
  }
  --active_;
  active_bytes_ -= item.size;
  item.end = std::move(end);
  moved_.notify();
  co_return ok;
}

// Takes what has ended from the window, in the order of the list, so that all before
// record_.after is done.
Result<> Prefetch::settle(Time now) {
  while (!window_.empty()) {
    const Item& item = *window_.front();
    if (!item.end) break;
    const Result<>& end = *item.end;
    if (!end && end.error().code() == Code::cancelled) return end;
    if (!end && end.error().detail() == "ENOSPC") return cache_full(record_.counts);
    if (!end && end.error().detail() == "NoSuchBucket") return end;
    count(item, end);
    record_.after = item.key;
    unsaved_ = true;
    window_.pop_front();
    if (failed_in_a_row_ < kMostFailed) continue;
    return fail(Code::unavailable,
                std::to_string(kMostFailed) +
                    " objects in a row could not be fetched; the last one: " + last_reason_);
  }
  if (samples_.empty() || now - samples_.back().when >= seconds(1)) {
    samples_.push_back({now, fetched()});
    if (samples_.size() > kSamples) samples_.pop_front();
  }
  return ok;
}

void Prefetch::count(const Item& item, const Result<>& end) {
  uint64_t bytes = item.so_far.here + item.so_far.fetched;
  fetched_ += item.so_far.fetched;
  bool gone = !end && is_gone(end.error());
  if (gone) --way_.known_objects;
  // What was listed is not what was found, where the object has changed meanwhile.
  way_.known_bytes -= std::min(way_.known_bytes, item.size);
  if (!end) {
    if (item.held) let_go(item.size);
    if (gone) return;
    ++failed_in_a_row_;
    last_reason_ = end.error().own();
    record_.add_failure(item.key, end.error().own());
    return;
  }
  failed_in_a_row_ = 0;
  way_.known_bytes += bytes;
  ++record_.counts.objects;
  record_.counts.bytes += bytes;
  if (item.so_far.fetched == 0) ++record_.counts.found;
}

uint64_t Prefetch::fetched() const {
  uint64_t all = fetched_;
  for (const auto& item : window_) all += item->so_far.fetched;
  return all;
}

Way Prefetch::way(Time now) const {
  Way out = way_;
  out.bytes = record_.counts.bytes;
  for (const auto& item : window_) out.bytes += item->so_far.here + item->so_far.fetched;
  if (!samples_.empty() && now > samples_.front().when) {
    double seconds = (now - samples_.front().when).seconds();
    double moved = static_cast<double>(fetched() - samples_.front().fetched);
    out.per_second = static_cast<uint64_t>(moved / seconds);
  }
  if (out.listed && out.per_second > 0) {
    uint64_t rest = out.known_bytes - std::min(out.known_bytes, out.bytes);
    out.left = nanoseconds(static_cast<int64_t>(1e9 * static_cast<double>(rest) /
                                                static_cast<double>(out.per_second)));
  }
  return out;
}

}  // namespace forebay::batch
