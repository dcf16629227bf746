#include "batch/jobs.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/encoding.h"
#include "batch/removal.h"
#include "meta/schema.h"

namespace forebay::batch {

namespace {

// Rows of jobs that are read at once.
constexpr uint32_t kPageRows = 100;

std::string new_id(io::Loop& loop) {
  std::array<std::byte, 8> bytes;
  loop.random_bytes(bytes);
  return to_hex(bytes);
}

// Cancels a job when its runner is told to stop.
class Stops final : private CancelListener {
 public:
  Stops(Context ctx, CancelToken& token) : token_(token) {
    if (ctx.cancel == nullptr) return;
    ctx.cancel->add(*this);
    if (ctx.cancel->cancelled()) token_.cancel();
  }
  ~Stops() { CancelToken::remove(*this); }

 private:
  void on_cancel() override { token_.cancel(); }
  CancelToken& token_;
};

}  // namespace

struct Jobs::Entry {
  Record record;
  uint64_t number = 0;  ///< of its order in this process
  bool kept = false;    ///< its row is there
  CancelToken cancel;
  Work* work = nullptr;      ///< while it runs
  Way way;                   ///< after that
  io::Semaphore writing{1};  ///< its rows are written one after the other
};

class Jobs::Duty final : public job::Job {
 public:
  explicit Duty(Jobs& jobs) : jobs_(jobs) {}
  std::string name() const override { return "batch"; }
  Task<> run(job::Progress&, Context ctx) override { co_return co_await jobs_.drive(ctx); }

 private:
  Jobs& jobs_;
};

class Jobs::Keeping final : public Keeper {
 public:
  Keeping(Jobs& jobs, EntryRef entry) : jobs_(jobs), entry_(std::move(entry)) {}
  // A cancel must not keep the row from being written.
  Task<> keep(bool durably, Context ctx) override {
    co_return co_await jobs_.save(entry_, durably, Context{.loop = ctx.loop});
  }

 private:
  Jobs& jobs_;
  EntryRef entry_;
};

Jobs::Jobs(World world) : world_(world) {}
Jobs::~Jobs() { check(running_ == 0, "jobs end before their table"); }

Result<> Jobs::start(job::Runner& runner) {
  return runner.start(std::make_shared<Duty>(*this), {.period = seconds(1)});
}

Task<> Jobs::load(Context ctx) {
  meta::Range rest = meta::Range::prefix(meta::schema::kJobs);
  for (bool more = true; more;) {
    meta::Page page = co_await co_await world_.rows.scan(rest, kPageRows, ctx);
    for (const meta::Row& row : page.rows) found(row.key, row.value);
    more = page.more && !page.rows.empty();
    if (more) rest = rest.after(page.rows.back().key);
    co_await co_await forget_old(ctx);  // so that no more are in memory than are kept, and a page
  }
  std::vector<EntryRef> all = in_order();
  std::ranges::sort(all, {}, [](const EntryRef& one) { return one->record.created; });
  for (uint64_t number = 0; const EntryRef& entry : all) entry->number = number++;
  co_return ok;
}

void Jobs::found(std::string_view key, std::string_view row) {
  auto record = parse_record(key.substr(meta::schema::kJobs.size()), row);
  if (!record) {
    world_.log.warn("the row of a job is left alone", {{"row", key}, {"error", record.error()}});
    return;
  }
  auto entry = std::make_shared<Entry>();
  entry->record = std::move(*record);
  entry->kept = true;
  if (entry->record.state == State::running) entry->record.state = State::waiting;
  entry->way.known_objects = entry->record.counts.objects + entry->record.counts.failed;
  entry->way.known_bytes = entry->way.bytes = entry->record.counts.bytes;
  entry->way.listed = entry->record.state == State::done;
  entries_.emplace(entry->record.id, std::move(entry));
}

// --- running

Task<> Jobs::drive(Context ctx) {
  io::Group group(ctx);
  Result<> waited = ok;
  while (waited) {
    uint64_t seen = changed_.count();
    while (!stopped_ && running_ < kMostRunning) {
      EntryRef next = next_waiting();
      if (next == nullptr) break;
      ++running_;
      next->record.state = State::running;
      group.spawn(carry_out(std::move(next), ctx));
    }
    auto changed = co_await changed_.changed(seen, ctx);
    if (!changed) waited = std::move(changed.error());
  }
  (void)co_await group.join();
  co_return waited;
}

std::unique_ptr<Work> Jobs::work_of(Record& record, Keeper& keeper) {
  if (record.kind == Kind::removal) {
    return std::make_unique<Removal>(Removal::World{world_.buckets, world_.objects, keeper},
                                     record);
  }
  return std::make_unique<Prefetch>(Prefetch::World{world_.buckets, world_.objects, held_, keeper},
                                    record);
}

Task<> Jobs::carry_out(EntryRef entry, Context ctx) {
  Record& record = entry->record;
  // Its row is written also when all else is told to stop.
  Context writing{.loop = ctx.loop};
  if (!record.started) record.started = ctx.loop->wall_now();
  world_.log.info("a job begins", {{"job", record.id},
                                   {"work", name(record.kind)},
                                   {"bucket", record.bucket},
                                   {"prefix", record.prefix},
                                   {"after", record.after}});
  Result<> end = ok;
  {
    Stops when_told(ctx, entry->cancel);
    Keeping keeper(*this, entry);
    std::unique_ptr<Work> work = work_of(record, keeper);
    entry->work = work.get();
    end = co_await work->run(ctx.under(entry->cancel));
    entry->way = work->way(ctx.loop->now());
    entry->way.per_second = 0;
    entry->way.left.reset();
    entry->way.trouble.clear();
    entry->work = nullptr;
  }
  bool told = record.state == State::cancelled;
  bool stops = !end && end.error().code() == Code::cancelled && !told;
  if (!told) {
    record.state = stops ? State::waiting : end ? State::done : State::failed;
    if (!end && !stops) record.error = reason_of(end.error().text());
    if (!stops) record.ended = ctx.loop->wall_now();
  }
  Result<> saved = co_await save(entry, !stops, writing);
  if (!saved) {
    world_.log.warn("the row of a job could not be written",
                    {{"job", record.id}, {"error", saved.error()}});
  }
  world_.log.info("a job is over", {{"job", record.id},
                                    {"state", name(record.state)},
                                    {"objects", record.counts.objects},
                                    {"bytes", record.counts.bytes},
                                    {"failed", record.counts.failed},
                                    {"error", record.error}});
  (void)co_await withdraw(writing);
  if (!stops) (void)co_await forget_old(writing);
  --running_;
  changed_.notify();
  co_return ok;
}

Task<> Jobs::stop(Context ctx) {
  stopped_ = true;
  for (auto& [id, entry] : entries_) {
    if (entry->record.state == State::running) entry->cancel.cancel();
  }
  while (running_ > 0) {
    uint64_t seen = changed_.count();
    if (running_ == 0) break;
    co_await co_await changed_.changed(seen, ctx);
  }
  (void)co_await withdraw(ctx);  // the last time that it can be
  co_return ok;
}

// As the job stands, and as far as it has surely come.
Record Jobs::row_of(const Entry& entry) {
  Record out = entry.record;
  if (entry.work != nullptr) out.take_progress(entry.work->settled());
  return out;
}

// What is written is the record as it is when its turn comes.
Task<> Jobs::save(EntryRef entry, bool durably, Context ctx) {
  auto turn = co_await co_await entry->writing.acquire(1, ctx);
  co_return co_await write(row_of(*entry), durably, ctx);
}

Task<> Jobs::write(Record record, bool durably, Context ctx) {
  meta::Txn txn;
  txn.put(meta::schema::job(record.id), encode(record));
  if (!durably) txn.without_sync();
  co_return co_await world_.rows.commit(std::move(txn), ctx);
}

// --- orders

Task<Shown> Jobs::prefetch(std::string bucket, std::string prefix, Context ctx) {
  object::BucketRef of = co_await world_.buckets.get(bucket);
  if (of->native()) {
    co_return fail(Code::invalid,
                   "a native bucket has nothing to fetch: its objects are here and nowhere else",
                   "NativeBucket");
  }
  co_return co_await order({Kind::prefetch, std::move(of), std::move(prefix)}, ctx);
}

Task<Shown> Jobs::removal(std::string bucket, std::string prefix, Context ctx) {
  object::BucketRef of = co_await world_.buckets.get(bucket);
  co_return co_await order({Kind::removal, std::move(of), std::move(prefix)}, ctx);
}

Task<Shown> Jobs::order(Order order, Context ctx) {
  auto& [kind, of, prefix] = order;
  // A prefix is the beginning of a key, or nothing.
  if (!prefix.empty()) (void)co_await ObjectKey::parse(prefix);
  co_await co_await withdraw(ctx);
  size_t waiting = 0;
  for (const auto& [id, entry] : entries_) {
    const Record& record = entry->record;
    if (ended(record.state)) continue;
    if (record.state == State::waiting) ++waiting;
    bool same =
        record.kind == kind && record.incarnation == of->incarnation && record.prefix == prefix;
    if (same) co_return fail(Code::exists, "job " + id + " does that already", "JobExists");
  }
  if (waiting >= kMostWaiting) {
    co_return fail(Code::busy,
                   std::to_string(kMostWaiting) + " jobs wait already: cancel one, or come again",
                   "TooManyJobs");
  }
  auto entry = std::make_shared<Entry>();
  Record& record = entry->record;
  do {
    record.id = new_id(*ctx.loop);
  } while (entries_.contains(record.id));
  record.kind = kind;
  record.bucket = of->name.text();
  record.incarnation = of->incarnation;
  record.prefix = std::move(prefix);
  record.created = ctx.loop->wall_now();
  for (const auto& [id, other] : entries_) {
    entry->number = std::max(entry->number, other->number + 1);
  }
  entries_.emplace(record.id, entry);  // holds its place while the row is written
  // A row that comes late must not come after the one that takes it back.
  std::string row = meta::schema::job(record.id);
  meta::Txn txn;
  txn.require_absent(row).put(row, encode(record));
  Result<> kept = co_await world_.rows.commit(std::move(txn), ctx);
  if (kept) {
    entry->kept = true;
    changed_.notify();
    co_return show(*entry, *ctx.loop);
  }
  if (kept.error().code() == Code::unavailable) {
    record.state = State::cancelled;
    record.ended = ctx.loop->wall_now();
    record.error = "it could not be told whether the order was kept";
    withdrawn_.push_back(entry);
    (void)co_await withdraw(Context{.loop = ctx.loop});
  } else {
    entries_.erase(record.id);
  }
  co_return kept.error_in("write the row of a job");
}

// Writes that they are cancelled.
Task<> Jobs::withdraw(Context ctx) {
  while (!withdrawn_.empty()) {
    EntryRef entry = withdrawn_.front();
    Result<> saved = co_await save(entry, true, ctx);
    if (!saved) co_return saved.error_in("take back an order");
    entry->kept = true;
    std::erase(withdrawn_, entry);
  }
  co_return ok;
}

Task<Shown> Jobs::cancel(std::string id, Context ctx) {
  auto found = entries_.find(id);
  if (found == entries_.end() || !found->second->kept) {
    co_return fail(Code::not_found, "there is no job " + id, "NoSuchJob");
  }
  EntryRef entry = found->second;
  Record& record = entry->record;
  auto over = [&] {
    return fail(Code::conflict,
                "job " + id + " has ended already: " + std::string(name(record.state)), "JobEnded");
  };
  {
    auto turn = co_await co_await entry->writing.acquire(1, ctx);
    if (ended(record.state)) co_return over();
    // The row first: a job that is told to end cannot be told to go on.
    Record cancelled = row_of(*entry);
    cancelled.state = State::cancelled;
    cancelled.ended = ctx.loop->wall_now();
    Result<> written = co_await write(cancelled, true, ctx);
    if (!written) co_return written.error_in("write the row of a job");
    // It came to its end meanwhile, and that is what is written next.
    if (ended(record.state)) co_return over();
    record.state = State::cancelled;
    record.ended = cancelled.ended;
    // A removal looks at its state: what it has sent is not taken back, and would come later.
    if (record.kind != Kind::removal) entry->cancel.cancel();
  }
  while (record.kind == Kind::removal && entry->work != nullptr) {
    co_await co_await changed_.changed(changed_.count(), ctx);
  }
  (void)co_await forget_old(Context{.loop = ctx.loop});
  co_return show(*entry, *ctx.loop);
}

// --- what is shown

Shown Jobs::show(const Entry& entry, const io::Loop& loop) {
  return {entry.record, entry.work == nullptr ? entry.way : entry.work->way(loop.now())};
}

std::vector<Jobs::EntryRef> Jobs::in_order() const {
  std::vector<EntryRef> out;
  for (const auto& [id, entry] : entries_) {
    if (entry->kept) out.push_back(entry);
  }
  std::ranges::sort(out, {}, &Entry::number);
  return out;
}

std::vector<Shown> Jobs::list(const io::Loop& loop) const {
  std::vector<Shown> out;
  for (const EntryRef& entry : in_order()) out.push_back(show(*entry, loop));
  return out;
}

Result<Shown> Jobs::get(std::string_view id, const io::Loop& loop) const {
  auto found = entries_.find(id);
  if (found == entries_.end() || !found->second->kept) {
    return fail(Code::not_found, "there is no job " + std::string(id), "NoSuchJob");
  }
  return show(*found->second, loop);
}

Jobs::EntryRef Jobs::next_waiting() const {
  for (EntryRef& entry : in_order()) {
    if (entry->record.state == State::waiting) return std::move(entry);
  }
  return nullptr;
}

// Ended ones that are too old, or too many.
std::vector<Jobs::EntryRef> Jobs::old_ones(WallTime now) const {
  std::vector<EntryRef> out;
  size_t newer = 0;
  std::vector<EntryRef> all = in_order();
  std::ranges::sort(all, std::ranges::greater(),
                    [](const EntryRef& one) { return one->record.ended.value_or(WallTime{}); });
  for (EntryRef& entry : all) {
    if (!ended(entry->record.state) || entry->work != nullptr) continue;
    bool late = now.ns - entry->record.ended.value_or(WallTime{}).ns > kKept.ns;
    if (++newer > kMostEnded || late) out.push_back(std::move(entry));
  }
  return out;
}

Task<> Jobs::forget_old(Context ctx) {
  for (const EntryRef& entry : old_ones(ctx.loop->wall_now())) {
    entries_.erase(entry->record.id);
    meta::Txn txn;
    txn.remove(meta::schema::job(entry->record.id)).without_sync();
    Result<> removed = co_await world_.rows.commit(std::move(txn), ctx);
    if (!removed) {
      world_.log.warn("the row of an old job could not be removed",
                      {{"job", entry->record.id}, {"error", removed.error()}});
    }
  }
  co_return ok;
}

}  // namespace forebay::batch
