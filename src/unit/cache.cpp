#include "unit/cache.h"

#include <algorithm>

#include "base/check.h"

namespace forebay::unit {

namespace {

// How often a read looks again when a unit came and went between two looks.
constexpr int kLooks = 4;
// A follower hands out at most this much at a time, so that it sees a broken fill in time.
constexpr uint64_t kFollowChunk = 16 << 20;
// Of the cache may be taken for what its origins have not begun to give.
constexpr uint64_t kEarlyShare = 64;

ByteRange in_unit(const Unit& unit, ByteRange range) {
  return {range.offset - unit.range.offset, range.length};
}

}  // namespace

std::string_view name(Served served) {
  switch (served) {
    case Served::hit: return "hit";
    case Served::joined: return "joined";
    case Served::miss: return "miss";
    case Served::bypass: return "bypass";
  }
  return "bypass";
}

Metrics::Metrics(obs::Registry& registry)
    : fills(registry.counter("forebay_fills_total", "Fills begun.")),
      fill_splits(registry.counter("forebay_fill_splits_total",
                                   "Shares of units that got a stream of their own.")),
      fills_failed(registry.counter("forebay_fills_failed_total", "Fills that ended in an error.")),
      fills_dropped(registry.counter("forebay_fills_dropped_total",
                                     "Fills dropped with bytes missing: no reader, no budget.")),
      no_space(registry.counter("forebay_reads_without_space_total",
                                "Reads past the cache because nothing could be stored.")),
      fills_inflight(registry.gauge("forebay_fills_inflight", "Fills under way.")) {
  for (Served served : {Served::hit, Served::joined, Served::miss, Served::bypass}) {
    reads[static_cast<size_t>(served)] =
        &registry.counter("forebay_unit_reads_total", "Reads of units by how they were served.",
                          {{"result", std::string(name(served))}});
  }
}

// Follows a fill from `at` (in the unit) to `end`. When the disk under the fill fails it goes on
// from the origin: same version, same offset.
class Cache::Follower final : public io::Source {
 public:
  Follower(Cache& cache, std::shared_ptr<Fill> fill, ByteRange range)
      : cache_(cache),
        fill_(std::move(fill)),
        wanted_(fill_),
        begin_(range.offset),
        at_(range.offset),
        end_(range.end()) {}

  /// Waits for the first byte.
  Task<> ready(Context ctx) { co_return co_await look(ctx); }

  Task<io::Chunk> next(Context ctx) override {
    if (past_ != nullptr) co_return co_await past_->next(ctx);
    if (at_ == end_) co_return Bytes();
    co_await co_await look(ctx);
    if (past_ != nullptr) co_return co_await past_->next(ctx);
    uint64_t length = std::min({view_.available, end_ - at_, kFollowChunk});
    uint64_t from = std::exchange(at_, at_ + length);
    if (!view_.bytes.empty()) co_return view_.bytes.slice(0, length);
    co_return io::FileSlice{view_.file, from, length, fill_};
  }

 private:
  Task<> look(Context ctx) {
    while (true) {
      uint64_t seen = fill_->progress().count();
      view_ = fill_->look(at_);
      if (view_.available > 0) co_return ok;
      if (view_.failed) break;
      co_await co_await fill_->progress().changed(seen, ctx);
    }
    // Who has sent bytes already cannot ask for a retry: it goes on by itself, same version, same
    // offset. Before the first byte an error is the better answer to an origin that is down.
    bool go_on = view_.disk_failed || (at_ > begin_ && retryable(view_.failed->code()));
    if (!go_on) co_return std::move(*view_.failed);
    uint64_t base = fill_->unit().range.offset;
    Opened opened =
        co_await co_await cache_.open_past(fill_->version(), {base + at_, end_ - at_}, ctx);
    past_ = std::move(opened.source);
    co_return ok;
  }

  Cache& cache_;
  std::shared_ptr<Fill> fill_;
  Fill::Wanted wanted_;
  uint64_t begin_;
  uint64_t at_;
  uint64_t end_;
  Fill::View view_;
  std::unique_ptr<io::Source> past_;
};

Cache::Cache(std::shared_ptr<disk::Store> store, job::Crews& crews,
             const std::vector<io::Loop*>& loops, Options options, obs::Registry& registry)
    : store_(std::move(store)),
      crews_(crews),
      options_(options),
      metrics_(registry),
      tee_metrics_(registry),
      blocks_(options.block_bytes),
      copying_(std::make_shared<Allowance>(options_.block_bytes / 2)),
      small_tees_(std::make_shared<Allowance>(options_.small_tee_bytes)),
      early_(std::make_shared<Allowance>(store_->limit() / kEarlyShare)) {
  for (io::Loop* loop : loops) loops_.emplace(loop, std::make_unique<PerLoop>(options_));
}

Cache::~Cache() = default;

std::optional<io::FileSlice> Cache::find(const Unit& unit, ByteRange range, Verify verify) {
  disk::Found found = store_->find(unit.id, in_unit(unit, range), verify);
  if (found.state != disk::Found::State::ready) return std::nullopt;
  metrics_.reads[static_cast<size_t>(Served::hit)]->add();
  return std::move(found.slice);
}

bool Cache::has(const UnitId& id) {
  if (store_->contains(id)) return true;
  Stripe& s = stripe(id);
  std::lock_guard lock(s.mutex);
  auto it = s.fills.find(id);
  return it != s.fills.end() && !it->second->failed();
}

Cache::Begun Cache::begin(const VersionRef& version, const Unit& unit, bool whole) {
  Stripe& s = stripe(unit.id);
  std::lock_guard lock(s.mutex);
  auto it = s.fills.find(unit.id);
  if (it != s.fills.end() && !it->second->failed()) return {it->second, false};
  // A fill publishes its unit before it leaves this table, so looking here misses nothing.
  if (store_->contains(unit.id)) return {};
  auto fill = std::make_shared<Fill>(version, unit);
  // Before anybody else sees it.
  Claim* all = whole ? fill->demand({0, unit.range.length}).front() : nullptr;
  if (it != s.fills.end()) {
    it->second = fill;
  } else {
    s.fills.emplace(unit.id, fill);
  }
  metrics_.fills.add();
  metrics_.fills_inflight.add(1);
  return {std::move(fill), true, all};
}

// Found out after the origin was asked, it would have to be asked again.
bool Cache::no_room(const Unit& unit) {
  if (store_->may_take(unit.id, unit.range.length) || has(unit.id)) return false;
  metrics_.no_space.add();
  return true;
}

void Cache::fail(Fill& fill, Error error, bool disk) {
  if (!fill.fail(std::move(error), disk)) return;
  metrics_.fills_failed.add();
  leave(fill);
}

void Cache::give_up(Fill& fill) {
  fail(fill, forebay::fail(Code::unavailable, "nobody waits, and nothing comes"), true);
}

void Cache::leave(Fill& fill) {
  if (!fill.leave()) return;
  metrics_.fills_inflight.sub(1);
  Stripe& s = stripe(fill.unit().id);
  std::lock_guard lock(s.mutex);
  auto it = s.fills.find(fill.unit().id);
  if (it != s.fills.end() && it->second.get() == &fill) s.fills.erase(it);
  fill.progress().notify();
}

Task<Opened> Cache::open(VersionRef version, Unit unit, ByteRange range, Mode mode, Context ctx,
                         Ahead ahead, std::shared_ptr<origin::GetAnswer> given) {
  check(unit.range.covers(range) && range.length > 0, "a read outside of its unit");
  ByteRange wanted = in_unit(unit, range);
  if (version->native && mode == Mode::normal) mode = Mode::keep;
  for (int look = 0; mode != Mode::past && look < kLooks; ++look) {
    if (store_->contains(unit.id)) {
      Result<io::FileSlice> slice = co_await store_->open(unit.id, wanted, version->verify, ctx);
      if (slice) {
        metrics_.reads[static_cast<size_t>(Served::hit)]->add();
        co_return Opened{Served::hit, io::Body::of(std::move(*slice)).source};
      }
      if (slice.error().code() == Code::cancelled || slice.error().code() == Code::timeout) {
        co_return std::move(slice.error());
      }
      continue;  // evicted, or dropped because it had rotted
    }
    if (mode == Mode::keep) break;
    bool small = unit.range.length <= options_.small_max;
    if (!small && no_room(unit)) break;
    Begun begun = begin(version, unit, ahead && !small);
    if (begun.fill == nullptr) continue;
    if (begun.all != nullptr) {
      start_run(version, begun, std::move(ahead), *ctx.loop, std::nullopt);
    } else if (begun.fresh && small) {
      job::Crew& crew = crews_.of(*ctx.loop);
      crew.spawn(fill_small(begun.fill, crew.context()));
    }
    if (begun.fresh && !small) place_early(begun.fill, *ctx.loop);
    if (!small) {
      demand(begun.fill, wanted, *ctx.loop, begun.fresh ? std::exchange(given, nullptr) : nullptr);
    }
    auto follower = std::make_unique<Follower>(*this, begun.fill, wanted);
    co_await co_await follower->ready(ctx);
    Served served = begun.fresh ? Served::miss : Served::joined;
    if (begun.fill->look(wanted.offset).disk_failed) served = Served::bypass;
    metrics_.reads[static_cast<size_t>(served)]->add();
    co_return Opened{served, std::move(follower), begun.fill->run_end()};
  }
  metrics_.reads[static_cast<size_t>(Served::bypass)]->add();
  if (given != nullptr) co_return Opened{Served::bypass, std::move(given->body.source)};
  co_return co_await open_past(std::move(version), range, ctx);
}

std::optional<uint64_t> Cache::prefetch(const VersionRef& version, const Unit& unit, io::Loop& loop,
                                        Ahead ahead) {
  uint64_t end = unit.range.end();
  if (version->native || store_->contains(unit.id)) return end;
  auto permit = turns(*version, loop).rest.try_acquire(1);
  if (!permit) return std::nullopt;
  bool small = unit.range.length <= options_.small_max;
  if (!small && no_room(unit)) return end;
  Begun begun = begin(version, unit, ahead && !small);
  if (!begun.fresh) return std::max(end, begun.fill == nullptr ? 0 : begun.fill->run_end());
  if (begun.all != nullptr) {
    return start_run(version, std::move(begun), std::move(ahead), loop, std::move(permit));
  }
  job::Crew& crew = crews_.of(loop);
  if (small) {
    crew.spawn(rest_small(begun.fill, std::move(*permit), crew.context()));
    return end;
  }
  crew.spawn(rest(begun.fill, std::move(*permit), crew.context()));
  return end;
}

std::shared_ptr<Tee> Cache::tee(uint64_t length, uint64_t unit_length, disk::UnitOwner owner,
                                io::Loop& loop) {
  bool small = length == unit_length && length <= options_.small_max;
  std::optional<io::Semaphore::Permit> permit(std::in_place);
  std::optional<Allowance::Share> memory(std::in_place);
  if (small) {
    memory = small_tees_->take(length);
  } else {
    // What takes half of the cache would push out more than it is worth; and many units that are
    // small each are not worth a file each.
    bool fits = length <= store_->limit() / 2 && unit_length > options_.small_max &&
                (length - 1) / unit_length < Tee::kMostUnits;
    permit = fits ? per(loop).tees.try_acquire(1) : std::nullopt;
  }
  if (!permit || !memory) {
    tee_metrics_.count(TeeEnd::no_room);
    return nullptr;
  }
  return std::make_shared<Tee>(Tee::Parts{.store = store_,
                                          .crew = crews_.of(loop),
                                          .metrics = tee_metrics_,
                                          .length = length,
                                          .unit_length = unit_length,
                                          .owner = owner,
                                          .small = small,
                                          .patience = options_.tee_patience,
                                          .permit = std::move(*permit),
                                          .memory = std::move(*memory)});
}

bool Cache::admit_filled(const VersionRef& version, const Unit& unit, Bytes bytes, Served served,
                         io::Loop& loop) {
  metrics_.reads[static_cast<size_t>(served)]->add();
  if (served != Served::miss) return true;
  return admit(version, unit, std::move(bytes), loop);
}

bool Cache::admit(const VersionRef& version, const Unit& unit, Bytes bytes, io::Loop& loop) {
  if (version->native) return true;
  Begun begun = begin(version, unit);
  if (!begun.fresh) return begun.fill != nullptr;
  begun.fill->set_bytes(bytes);
  store_->put_small_soon(
      unit.id, std::move(bytes), {disk::Admission::hot, version->owner}, crews_.of(loop),
      [this, fill = std::move(begun.fill)](Result<> stored) { small_stored(*fill, stored); });
  return true;
}

void Cache::small_stored(Fill& fill, const Result<>& stored) {
  if (!stored && stored.error().code() != Code::exists) metrics_.no_space.add();
  leave(fill);
}

Task<Opened> Cache::open_past(VersionRef version, ByteRange range, Context ctx) {
  auto answer = co_await co_await ask_only(std::move(version), range, For::reader, ctx);
  co_return Opened{Served::bypass, std::move(answer.body.source)};
}

}  // namespace forebay::unit
