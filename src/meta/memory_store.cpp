#include "meta/memory_store.h"

#include <algorithm>

namespace forebay::meta {

namespace {

Error no_lease() { return fail(Code::not_found, "there is no such lease"); }

}  // namespace

Task<std::optional<std::string>> MemoryStore::get(std::string key, Context ctx) {
  co_await check_key(key);
  std::lock_guard lock(mutex_);
  end_leases(ctx);
  auto found = rows_.find(key);
  if (found == rows_.end()) co_return std::nullopt;
  co_return found->second.value;
}

Task<Page> MemoryStore::scan(Range range, uint32_t limit, Context ctx) {
  if (limit == 0 || limit > kMaxPageRows) co_return fail(Code::invalid, "a page has 1–1000 rows");
  Page page;
  size_t bytes = 0;
  std::lock_guard lock(mutex_);
  end_leases(ctx);
  page.revision = revision_;
  for (auto at = rows_.lower_bound(range.from);
       at != rows_.end() && (range.to.empty() || at->first < range.to); ++at) {
    if (page.rows.size() == limit || bytes >= kMaxPageBytes) {
      page.more = true;
      break;
    }
    page.rows.push_back({at->first, at->second.value});
    bytes += at->first.size() + at->second.value.size();
  }
  co_return page;
}

void MemoryStore::change(std::string key, std::optional<std::string> value, uint64_t lease) {
  if (value) {
    rows_.insert_or_assign(key, Held{*value, lease});
  } else if (rows_.erase(key) == 0) {
    return;  // nothing changed, so nobody is told
  }
  history_.push_back({std::move(key), std::move(value), revision_});
}

Result<> MemoryStore::apply(Txn txn, uint64_t lease) {
  for (const Txn::Condition& condition : txn.conditions) {
    auto found = rows_.find(condition.key);
    bool holds = condition.value ? found != rows_.end() && found->second.value == *condition.value
                                 : found == rows_.end();
    if (!holds) return fail(Code::conflict, "a row is not as required", condition.key);
  }
  ++revision_;
  for (Txn::Change& one : txn.changes) change(std::move(one.key), std::move(one.value), lease);
  while (history_.size() > kMaxHistory) {
    compacted_ = history_.front().revision;
    while (!history_.empty() && history_.front().revision == compacted_) history_.pop_front();
  }
  changed_->notify();
  return ok;
}

Task<> MemoryStore::commit(Txn txn, Context ctx) {
  co_await check_limits(txn);
  std::lock_guard lock(mutex_);
  end_leases(ctx);
  co_return apply(std::move(txn), 0);
}

Task<> MemoryStore::commit_under(uint64_t lease, Txn txn, Context ctx) {
  co_await check_limits(txn);
  std::lock_guard lock(mutex_);
  end_leases(ctx);
  if (!leases_.contains(lease)) co_return no_lease();
  co_return apply(std::move(txn), lease);
}

void MemoryStore::end_lease(uint64_t lease) {
  leases_.erase(lease);
  Txn rows;
  for (const auto& [key, held] : rows_) {
    if (held.lease == lease) rows.remove(key);
  }
  if (!rows.changes.empty()) (void)apply(std::move(rows), 0);
}

void MemoryStore::end_leases(Context ctx) {
  std::vector<uint64_t> over;
  for (const auto& [id, term] : leases_) {
    if (term.end <= ctx.loop->now()) over.push_back(id);
  }
  for (uint64_t id : over) end_lease(id);
}

Task<Lease> MemoryStore::grant(Duration ttl, Context ctx) {
  Duration whole = seconds(co_await whole_seconds(ttl));
  std::lock_guard lock(mutex_);
  leases_[++last_lease_] = {whole, ctx.loop->now() + whole};
  // Who waits must know when to look again.
  changed_->notify();
  co_return Lease{last_lease_, whole};
}

Task<> MemoryStore::keep(uint64_t lease, Context ctx) {
  std::lock_guard lock(mutex_);
  end_leases(ctx);
  auto found = leases_.find(lease);
  if (found == leases_.end()) co_return no_lease();
  found->second.end = ctx.loop->now() + found->second.ttl;
  co_return ok;
}

Task<> MemoryStore::revoke(uint64_t lease, Context ctx) {
  std::lock_guard lock(mutex_);
  end_leases(ctx);
  end_lease(lease);
  co_return ok;
}

Result<std::vector<Event>> MemoryStore::news(const Range& range, uint64_t& after, Time& again,
                                             Context ctx) {
  std::lock_guard lock(mutex_);
  end_leases(ctx);
  if (after < compacted_) {
    return fail(Code::conflict, "these changes are not known any more", std::string(kCompacted));
  }
  std::vector<Event> out;
  for (const Event& event : history_) {
    bool within = event.key >= range.from && (range.to.empty() || event.key < range.to);
    if (within && event.revision > after) out.push_back(event);
  }
  // A watcher of what never changes must not fall behind what is known.
  after = std::max(after, revision_);
  again = kNever;
  for (const auto& [id, term] : leases_) again = std::min(again, term.end);
  return out;
}

class MemoryStore::Follower final : public Watch {
 public:
  Follower(MemoryStore& store, Range range, uint64_t after)
      : store_(store), changed_(store.changed_), range_(std::move(range)), after_(after) {}

  Task<std::vector<Event>> next(Context ctx) override {
    while (true) {
      uint64_t seen = changed_->count();
      Time again;
      std::vector<Event> events = co_await store_.news(range_, after_, again, ctx);
      if (!events.empty()) co_return events;
      Result<uint64_t> told = co_await changed_->changed(seen, ctx.until(again));
      bool looks_again = told || (told.error().code() == Code::timeout && again < ctx.deadline);
      if (!looks_again) co_return std::move(told.error());
    }
  }

 private:
  MemoryStore& store_;
  const std::shared_ptr<io::Progress> changed_;
  const Range range_;
  uint64_t after_;
};

std::unique_ptr<Watch> MemoryStore::watch(Range range, uint64_t after) {
  return std::make_unique<Follower>(*this, std::move(range), after);
}

}  // namespace forebay::meta
