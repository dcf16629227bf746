// The order that keeps an old head from being believed:
//
// - put() is only called while no ticket of the key is open (Heads, under the lock that opens one).
// - forget() first takes the row out of what waits; a batch that holds it is waited for to its end.
//   So whatever was put before is in the store by then, or never will be.
// - A batch whose outcome is unknown might still come, after the removal. Each batch therefore
//   requires the fence's row as this process has written it last, and after an unknown outcome the
//   batch ends only when the fence has another value, durably. What a process before this one has
//   left on its way is fenced off before the first removal.
// - Whoever removes a row that tells what is current waits for the disk. So where a look finds none
//   no row can come back with the power.
#include "object/kept/kept_rows.h"

#include <algorithm>
#include <span>

#include "base/encoding.h"
#include "io/loop.h"
#include "meta/schema.h"

namespace forebay::object {

namespace {

constexpr size_t kWrittenAtOnce = meta::kMaxOperations - 1;  // and the fence
constexpr size_t kBytesAtOnce = meta::kMaxTxnBytes - meta::kMaxKeyBytes - 64;
static_assert(kMaxKeptRow + meta::kMaxKeyBytes < kBytesAtOnce);
// A condition and a change each.
constexpr size_t kRemovedAtOnce = meta::kMaxOperations / 2;
constexpr int kTries = 5;
constexpr Duration kFirstPause = milliseconds(50), kLongestPause = seconds(5);

size_t queued_bytes(const std::string& name, const std::string& row) {
  return name.size() + row.size();
}

/// What is left of a row when what it says of the current version goes.
std::optional<std::string> layout_of(std::string_view row) {
  auto kept = read_kept(row, 0);
  if (!kept || !kept->layout.known() || !kept->layout.telling()) return std::nullopt;
  return write_kept({.kind = KeptKind::layout}, kept->info, kept->layout);
}

bool may_be_believed(std::string_view row) {
  auto stamp = read_kept_stamp(row);
  return stamp && stamp->kind == KeptKind::immutable;
}

}  // namespace

KeptRows::KeptRows(meta::Meta& meta, job::Crews& crews, obs::Registry& registry)
    : meta_(meta),
      crews_(crews),
      written_(registry.counter("forebay_head_rows_written_total", "Heads written to rows.")),
      removed_(registry.counter("forebay_head_rows_removed_total",
                                "Rows of heads removed: by writes, or as useless.")),
      dropped_(registry.counter("forebay_head_rows_dropped_total",
                                "Heads not written: too many waited, or it failed.")),
      stuck_(registry.counter("forebay_head_rows_stuck_total",
                              "Writes refused since a row of the key may still be written: its "
                              "store has not answered for long.")) {}

bool KeptRows::put(uint64_t incarnation, std::string_view key, std::string row) {
  std::string name = meta::schema::head(incarnation, key);
  std::lock_guard lock(mutex_);
  if (bytes_ + queued_bytes(name, row) > kMaxQueued) {
    dropped_.add();
    return false;
  }
  auto [at, fresh] = waiting_.try_emplace(std::move(name));
  if (!fresh) bytes_ -= queued_bytes(at->first, at->second.row);
  at->second = {&store_of(incarnation, key), std::move(row)};
  bytes_ += queued_bytes(at->first, at->second.row);
  return true;
}

void KeptRows::write_soon(io::Loop& loop) {
  {
    std::lock_guard lock(mutex_);
    if (waiting_.empty() || std::exchange(running_, true)) return;
  }
  job::Crew& crew = crews_.of(loop);
  crew.spawn(run_writer(crew.context()));
}

Task<> KeptRows::put_hint(uint64_t incarnation, ObjectKey key, std::string row, Context ctx) {
  meta::Store& store = store_of(incarnation, key.text());
  Result<> done = ok;
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (fence_of(store).empty()) co_await co_await raise_fence(store, false, ctx);
    meta::Txn txn;
    txn.require(std::string(meta::schema::kHeadFence), fence_of(store));
    txn.put(meta::schema::head(incarnation, key.text()), row).without_sync();
    done = co_await store.commit(std::move(txn), ctx);
    if (done) break;
    std::lock_guard lock(mutex_);
    fences_[&store].value.clear();
  }
  co_return done;
}

Task<> KeptRows::run_writer(Context ctx) {
  while (true) {
    // At the end of the process it does not wait, and writes what there is.
    (void)co_await io::sleep_until(ctx.loop->now() + kGather, ctx);
    while (begin_batch()) {
      // What may still be written some day stays where tickets wait for it.
      co_await co_await write_batch(ctx);
      end_batch();
    }
    std::lock_guard lock(mutex_);
    if (!waiting_.empty()) continue;
    running_ = false;
    co_return ok;
  }
}

bool KeptRows::begin_batch() {
  std::lock_guard lock(mutex_);
  meta::Store* store = nullptr;
  size_t bytes = 0;
  for (auto at = waiting_.begin(); at != waiting_.end() && writing_.size() < kWrittenAtOnce;) {
    if (store == nullptr) store = at->second.store;
    size_t more = queued_bytes(at->first, at->second.row);
    bool fits = at->second.store == store && bytes + more <= kBytesAtOnce;
    auto next = std::next(at);
    if (fits) {
      bytes += more;
      bytes_ -= more;
      writing_.insert(waiting_.extract(at));
    }
    at = next;
  }
  return !writing_.empty();
}

void KeptRows::end_batch() {
  {
    std::lock_guard lock(mutex_);
    writing_.clear();
  }
  ended_.notify();
}

Task<> KeptRows::write_batch(Context ctx) {
  // Only this coroutine changes writing_.
  meta::Store& store = *writing_.begin()->second.store;
  for (int attempt = 0; attempt < 2; ++attempt) {
    Result<> done = co_await commit_batch(store, ctx);
    if (done) {
      written_.add(writing_.size());
      co_return ok;
    }
    {
      // Not the fence's value, or an outcome that nobody knows: it needs a new one in any case.
      std::lock_guard lock(mutex_);
      fences_[&store].value.clear();
    }
    if (done.error().code() == Code::unavailable) co_await co_await raise_fence_surely(store, ctx);
  }
  dropped_.add(writing_.size());
  co_return ok;
}

Task<> KeptRows::commit_batch(meta::Store& store, Context ctx) {
  if (fence_of(store).empty()) co_await co_await raise_fence(store, false, ctx);
  meta::Txn txn;
  txn.require(std::string(meta::schema::kHeadFence), fence_of(store)).without_sync();
  txn.changes.reserve(writing_.size());
  for (const auto& [name, one] : writing_) txn.put(name, one.row);
  co_return co_await store.commit(std::move(txn), ctx);
}

std::string KeptRows::fence_of(meta::Store& store) {
  std::lock_guard lock(mutex_);
  return fences_[&store].value;
}

Task<> KeptRows::raise_fence(meta::Store& store, bool writes, Context ctx) {
  uint64_t fresh[2] = {ctx.loop->random(), ctx.loop->random()};
  std::string value = to_hex(std::as_bytes(std::span(fresh)));
  meta::Txn txn;
  txn.put(std::string(meta::schema::kHeadFence), value);
  if (writes) txn.put(std::string(meta::schema::kHeadWrites), "1");
  co_await co_await store.commit(std::move(txn), ctx);
  std::lock_guard lock(mutex_);
  Fence& fence = fences_[&store];
  // Of two at once the store has one value and this may be the other: then a batch finds it out.
  fence.value = std::move(value);
  fence.writes = fence.writes || writes;
  co_return ok;
}

Task<> KeptRows::note_writes(meta::Store& store, Context ctx) {
  {
    std::lock_guard lock(mutex_);
    if (fences_[&store].writes) co_return ok;
  }
  co_return co_await raise_fence(store, true, ctx);
}

// On one node there is one store.
Task<bool> KeptRows::were_writes_left(Context ctx) {
  auto row = co_await co_await store_of(0, "").get(std::string(meta::schema::kHeadWrites), ctx);
  co_return row.has_value();
}

Task<> KeptRows::no_writes_left(Context ctx) {
  meta::Store& store = store_of(0, "");
  {
    std::lock_guard lock(mutex_);
    fences_[&store].writes = false;
  }
  if (!co_await co_await were_writes_left(ctx)) co_return ok;
  meta::Txn txn;
  txn.remove(std::string(meta::schema::kHeadWrites));
  co_return co_await store.commit(std::move(txn), ctx);
}

// Until it is done tickets of these keys wait, as long as their requests may. At the end of the
// process nobody is left to write after.
Task<> KeptRows::raise_fence_surely(meta::Store& store, Context ctx) {
  Duration pause = kFirstPause;
  while (true) {
    Result<> raised = co_await raise_fence(store, false, ctx);
    if (raised) co_return ok;
    co_await co_await io::sleep_until(ctx.loop->now() + pause, ctx);
    pause = std::min(pause * 2, kLongestPause);
  }
}

Task<std::optional<std::string>> KeptRows::find(uint64_t incarnation, ObjectKey key, Context ctx) {
  std::string name = meta::schema::head(incarnation, key.text());
  {
    std::lock_guard lock(mutex_);
    for (const Rows* rows : {&waiting_, &writing_}) {
      auto found = rows->find(name);
      if (found != rows->end()) co_return found->second.row;
    }
  }
  co_return co_await store_of(incarnation, key.text()).get(std::move(name), ctx);
}

Task<meta::Page> KeptRows::scan(uint64_t incarnation, meta::Range range, uint32_t limit,
                                Context ctx) {
  co_return co_await store_of(incarnation, "").scan(std::move(range), limit, ctx);
}

Task<> KeptRows::withdraw(std::string name, Context ctx) {
  Time until = ctx.loop->now() + kPatience;
  while (true) {
    uint64_t seen = ended_.count();
    {
      std::lock_guard lock(mutex_);
      if (auto found = waiting_.find(name); found != waiting_.end()) {
        bytes_ -= queued_bytes(found->first, found->second.row);
        waiting_.erase(found);
      }
      if (!writing_.contains(name)) co_return ok;
    }
    auto ended = co_await ended_.changed(seen, ctx.until(until));
    if (ended) continue;
    if (ctx.loop->now() < until) co_return std::move(ended.error());
    stuck_.add();
    co_return fail(Code::busy, "the store of rows does not tell what became of the key's row");
  }
}

Task<> KeptRows::forget(uint64_t incarnation, ObjectKey key, Leaves leaves, Context ctx) {
  std::string name = meta::schema::head(incarnation, key.text());
  co_await co_await withdraw(name, ctx);
  meta::Store& store = store_of(incarnation, key.text());
  co_await co_await note_writes(store, ctx);
  Result<> done = fail(Code::conflict, "a row has not been looked for");
  // A sweep may take it first.
  for (int i = 0; i < kTries && !done && done.error().code() == Code::conflict; ++i) {
    done = co_await forget_as_read(store, name, leaves, ctx);
  }
  co_return done;
}

Task<> KeptRows::forget_as_read(meta::Store& store, std::string name, Leaves leaves, Context ctx) {
  auto row = co_await co_await store.get(name, ctx);
  if (!row) co_return ok;
  std::optional<std::string> rest;
  if (leaves == Leaves::layout) rest = layout_of(*row);
  if (rest && *rest == *row) co_return ok;
  meta::Txn txn;
  txn.sync = may_be_believed(*row);
  // One that comes late must not overwrite what was put since.
  txn.require(name, std::move(*row));
  if (rest) {
    txn.put(std::move(name), std::move(*rest));
  } else {
    txn.remove(std::move(name));
  }
  co_await co_await store.commit(std::move(txn), ctx);
  removed_.add();
  co_return ok;
}

Task<> KeptRows::forget_all(uint64_t incarnation, std::vector<ObjectKey> keys, Context ctx) {
  std::vector<std::pair<meta::Store*, std::vector<meta::Row>>> found;
  for (const ObjectKey& key : keys) {
    meta::Store& store = store_of(incarnation, key.text());
    std::string name = meta::schema::head(incarnation, key.text());
    auto row = co_await co_await store.get(name, ctx);
    if (!row) continue;
    auto of = std::ranges::find(found, &store, [](const auto& one) { return one.first; });
    if (of == found.end()) of = found.insert(found.end(), {&store, {}});
    of->second.push_back({std::move(name), std::move(*row)});
  }
  for (auto& [store, rows] : found) {
    co_await co_await remove_as_read(*store, std::move(rows), ctx);
  }
  co_return ok;
}

Task<> KeptRows::remove_as_read(meta::Store& store, std::vector<meta::Row> rows, Context ctx) {
  Result<> result = ok;
  for (size_t at = 0; at < rows.size();) {
    meta::Txn txn;
    size_t bytes = 0;
    size_t count = 0;
    for (; at < rows.size() && count < kRemovedAtOnce; ++at, ++count) {
      bytes += 2 * rows[at].key.size() + rows[at].value.size();
      if (count > 0 && bytes > meta::kMaxTxnBytes) break;
      txn.require(rows[at].key, std::move(rows[at].value)).remove(std::move(rows[at].key));
    }
    Result<> removed = co_await store.commit(std::move(txn), ctx);
    if (removed) removed_.add(count);
    // Where one has changed meanwhile all of these stay, until somebody looks again.
    bool changed = !removed && removed.error().code() == Code::conflict;
    if (!removed && !changed) result = std::move(removed);
  }
  co_return result;
}

}  // namespace forebay::object
