#include "batch/prefetch.h"

#include <cmath>
#include <utility>

namespace forebay::batch {

namespace {

// A file of a `dir` origin has a strong tag once it is two seconds old.
constexpr Duration kYoung = milliseconds(2500);
// The rate is that of so many seconds.
constexpr size_t kSamples = 10;

// Objects up to this size lie in files with others, with a little before each.
constexpr uint64_t kSmall = 64 << 10;
constexpr uint64_t kRecord = 256;
constexpr uint64_t kPage = 4096;

// Standard deviations of what comes to lie on a disk that are left free: once in some ten thousand
// jobs that fill the cache it is not enough.
constexpr double kDeviations = 4;
// Bytes in a second above which no rate is told.
constexpr double kFastest = 1e15;
// More than all disks together; a row may say anything.
constexpr double kMostSpread = 1e18;
Error cache_full(const Counts& counts) {
  return fail(Code::busy,
              "the cache is full: " + std::to_string(counts.objects) + " objects with " +
                  std::to_string(counts.bytes) +
                  " bytes are here, and more would push them out; a larger cache-size or a "
                  "narrower prefix helps",
              "CacheFull");
}

Error too_large() { return fail(Code::too_large, "it is larger than the cache", "NotKept"); }

double square(uint64_t bytes) { return static_cast<double>(bytes) * static_cast<double>(bytes); }

}  // namespace

std::optional<Duration> time_left(uint64_t bytes, uint64_t per_second) {
  double left = static_cast<double>(bytes) / static_cast<double>(per_second);
  if (left > kLongestLeft.seconds()) return {};
  return nanoseconds(static_cast<int64_t>(1e9 * left));
}

Prefetch::Prefetch(World world, Record& record)
    : Walk(world.buckets, record), world_(world), settled_(record) {
  // What an earlier run has brought.
  const Taken& taken = record_.taken;
  spread_ = square(taken.spread);
  hold({.bytes = std::max(taken.bytes, record_.counts.bytes),
        .units = std::max(taken.units, record_.counts.objects),
        .squares = spread_});
}

Prefetch::~Prefetch() { let_go(Held(mine_)); }

Task<> Prefetch::run(Context ctx) {
  saved_ = ctx.loop->now();
  io::Group group(ctx);
  Result<> walked = co_await walk(group, ctx);
  (void)co_await group.join();  // each keeps its own error
  // What was under way when it was told to end may have come since.
  bool told = !walked && walked.error().code() == Code::cancelled;
  if (told) (void)settle(ctx.loop->now());
  if (!told) count_odd();
  co_return walked;
}

Task<> Prefetch::walk(io::Group& group, Context ctx) {
  std::string continuation;
  do {
    unit_max_ = (co_await bucket())->largest_unit();
    Page listed = co_await co_await page(std::move(continuation), ctx);
    for (const Listed& one : listed.objects) co_await co_await begin(one, group, ctx);
    continuation = std::move(listed.next);
  } while (!continuation.empty());
  co_return co_await wait_until(&Prefetch::is_idle, 0, ctx);
}

Held Prefetch::cost(uint64_t bytes) const {
  uint64_t full = unit_max_ == 0 ? 0 : bytes / unit_max_;
  uint64_t rest = bytes - full * unit_max_;
  uint64_t beside = bytes <= kSmall ? kRecord : kPage;
  return {
      .bytes = bytes + (full + 1) * beside,
      .units = full + 1,
      .squares = static_cast<double>(full) * square(unit_max_ + beside) + square(rest + beside)};
}

// Whether nothing of it pushes out anything else of it, however it comes to lie on the disks.
bool Prefetch::fits(const Held& more, const Held& beside) const {
  object::Store::Room room = world_.objects.room();
  uint64_t bytes = more.bytes + beside.bytes;
  if (more.units + beside.units > room.units || bytes > room.bytes) return false;
  double uneven = kDeviations * std::sqrt(room.odds * (more.squares + beside.squares));
  return bytes <= room.least ||
         static_cast<double>(bytes) + uneven <= static_cast<double>(room.bytes);
}

void Prefetch::hold(const Held& its) {
  for (Held* held : {&mine_, &world_.held}) {
    held->bytes += its.bytes;
    held->units += its.units;
    held->squares += its.squares;
  }
}

void Prefetch::let_go(const Held& its) {
  for (Held* held : {&mine_, &world_.held}) {
    held->bytes -= std::min(held->bytes, its.bytes);
    held->units -= std::min(held->units, its.units);
    held->squares -= std::min(held->squares, its.squares);
  }
}

bool Prefetch::may_begin(uint64_t bytes) const {
  if (window_.size() >= kWindow || active_ >= kMostObjects) return false;
  return active_ == 0 || active_bytes_ + bytes <= kMostBytes;
}

Task<> Prefetch::wait_until(bool (Prefetch::*may)(uint64_t) const, uint64_t bytes, Context ctx) {
  while (true) {
    uint64_t seen = moved_.count();
    co_await co_await look_after(ctx);
    if ((this->*may)(bytes)) co_return ok;
    co_await co_await moved_.changed(seen, ctx);
  }
}

// Those under way go on meanwhile.
Task<> Prefetch::pause(Time until, Context ctx) {
  while (ctx.loop->now() < until) {
    uint64_t seen = moved_.count();
    co_await co_await look_after(ctx);
    auto moved = co_await moved_.changed(seen, ctx.until(until));
    bool over = !moved && moved.error().code() == Code::timeout && ctx.loop->now() >= until;
    if (!moved && !over) co_return std::move(moved.error());
  }
  co_return ok;
}

// What has ended is counted, and kept when it is time.
Task<> Prefetch::look_after(Context ctx) {
  co_await settle(ctx.loop->now());
  if (!unsaved_ || ctx.loop->now() - saved_ < kSaved) co_return ok;
  co_await co_await world_.keeper.keep(false, ctx);
  unsaved_ = settled_.after != record_.after;
  settled_ = record_;
  saved_ = ctx.loop->now();
  co_return ok;
}

Task<> Prefetch::begin(const Listed& object, io::Group& group, Context ctx) {
  co_await co_await wait_until(&Prefetch::may_begin, object.size, ctx);
  object::BucketRef from = co_await bucket();
  auto item = std::make_unique<Item>(
      Item{.key = object.key, .size = object.size, .modified = object.modified});
  Held its = cost(object.size);
  auto key = ObjectKey::parse(object.key);
  if (!key) {
    item->odd = true;
    item->end = std::move(key.error());
  } else if (!fits(its, {})) {
    item->end = too_large();
  } else if (!fits(its, world_.held)) {
    // Those under way may still fail, but they have come first.
    co_await co_await wait_until(&Prefetch::is_idle, 0, ctx);
    co_return cache_full(record_.counts);
  }
  window_.push_back(std::move(item));
  if (window_.back()->end) co_return ok;
  window_.back()->cost = its;
  hold(its);
  ++active_;
  active_bytes_ += object.size;
  group.spawn(bring(std::move(from), std::move(*key), *window_.back(), ctx));
  co_return ok;
}

void Prefetch::Item::begin_again() {
  most = here();
  earlier = fetched();
  so_far = {};
}

Task<> Prefetch::bring(object::BucketRef from, ObjectKey key, Item& item, Context ctx) {
  Result<> end = ok;
  for (int attempt = 1; item.size > 0; ++attempt) {
    item.begin_again();
    end = co_await world_.objects.bring(from, key, item.size, item.so_far, ctx);
    if (end || attempt >= kTries) break;
    Duration age{ctx.loop->wall_now().ns - item.modified.ns};
    bool young = end.error().detail() == "NotKept" && age < kYoung;
    if (!young && !retryable(end.error().code())) break;
    Duration pause = young ? kYoung - std::max(age, Duration{}) : kFirstPause * attempt;
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
    if (item.odd) {
      note_odd(item, end.error());
      window_.pop_front();
      continue;
    }
    count_odd();
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
  fetched_ += item.fetched();
  bool gone = !end && is_gone(end.error());
  if (gone) --way_.known_objects;
  // What was listed is not what was found, where the object has changed meanwhile.
  way_.known_bytes -= std::min(way_.known_bytes, item.size);
  if (!end) {
    let_go(item.cost);
    if (gone) return;
    ++failed_in_a_row_;
    last_reason_ = end.error().own();
    record_.add_failure(item.key, end.error().own());
    return;
  }
  failed_in_a_row_ = 0;
  uint64_t bytes = item.so_far.here + item.so_far.fetched;
  way_.known_bytes += bytes;
  ++record_.counts.objects;
  record_.counts.bytes += bytes;
  if (item.fetched() == 0) ++record_.counts.found;
  record_.taken.bytes += item.cost.bytes;
  record_.taken.units += item.cost.units;
  spread_ += item.cost.squares;
  record_.taken.spread =
      static_cast<uint64_t>(std::min(std::ceil(std::sqrt(spread_)), kMostSpread));
}

void Prefetch::note_odd(const Item& item, const Error& error) {
  ++odd_;
  if (odd_ones_.size() == Record::kMostFailures) return;
  odd_ones_.push_back(
      {odd_name(item.key), "the origin lists it, but it is no key: " + std::string(error.own())});
}

void Prefetch::count_odd() {
  for (const Failure& one : odd_ones_) record_.add_failure(one.key, one.reason);
  record_.counts.failed += odd_ - odd_ones_.size();
  odd_ = 0;
  odd_ones_.clear();
}

uint64_t Prefetch::fetched() const {
  uint64_t all = fetched_;
  for (const auto& item : window_) all += item->fetched();
  return all;
}

Way Prefetch::way(Time now) const {
  Way out = way_;
  out.bytes = record_.counts.bytes;
  for (const auto& item : window_) out.bytes += item->here();
  // An object that changes meanwhile begins again, and what was fetched of it does not count.
  uint64_t all = fetched();
  if (!samples_.empty() && now > samples_.front().when && all > samples_.front().fetched) {
    double seconds = (now - samples_.front().when).seconds();
    double rate = static_cast<double>(all - samples_.front().fetched) / seconds;
    out.per_second = static_cast<uint64_t>(std::min(rate, kFastest));
  }
  if (out.listed && out.per_second > 0) {
    uint64_t rest = out.known_bytes - std::min(out.known_bytes, out.bytes);
    out.left = time_left(rest, out.per_second);
  }
  return out;
}

}  // namespace forebay::batch
