#include "meta/memory_store.h"

namespace forebay::meta {

Task<std::optional<std::string>> MemoryStore::get(std::string key, Context) {
  co_await check_key(key);
  std::lock_guard lock(mutex_);
  auto found = rows_.find(key);
  if (found == rows_.end()) co_return std::nullopt;
  co_return found->second;
}

Task<Page> MemoryStore::scan(Range range, uint32_t limit, Context) {
  if (limit == 0 || limit > kMaxPageRows) co_return fail(Code::invalid, "a page has 1–1000 rows");
  Page page;
  size_t bytes = 0;
  std::lock_guard lock(mutex_);
  for (auto at = rows_.lower_bound(range.from);
       at != rows_.end() && (range.to.empty() || at->first < range.to); ++at) {
    if (page.rows.size() == limit || bytes >= kMaxPageBytes) {
      page.more = true;
      break;
    }
    page.rows.push_back({at->first, at->second});
    bytes += at->first.size() + at->second.size();
  }
  co_return page;
}

Task<> MemoryStore::commit(Txn txn, Context) {
  co_await check_limits(txn);
  std::lock_guard lock(mutex_);
  for (const Txn::Condition& condition : txn.conditions) {
    auto found = rows_.find(condition.key);
    bool holds = condition.value ? found != rows_.end() && found->second == *condition.value
                                 : found == rows_.end();
    if (!holds) co_return fail(Code::conflict, "a row is not as required", condition.key);
  }
  for (Txn::Change& change : txn.changes) {
    if (change.value) {
      rows_.insert_or_assign(std::move(change.key), std::move(*change.value));
    } else {
      rows_.erase(change.key);
    }
  }
  co_return ok;
}

}  // namespace forebay::meta
