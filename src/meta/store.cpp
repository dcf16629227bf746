#include "meta/store.h"

#include <algorithm>

namespace forebay::meta {

Range Range::prefix(std::string_view prefix) {
  Range range{std::string(prefix), std::string(prefix)};
  // The first text after all that begin so: the last byte that can grow, grown.
  while (!range.to.empty() && range.to.back() == '\xff') range.to.pop_back();
  if (!range.to.empty()) ++range.to.back();
  return range;
}

Range Range::after(std::string_view key) const {
  Range rest{std::string(key), to};
  rest.from.push_back('\0');
  return rest;
}

Txn& Txn::require(std::string key, std::string value) {
  conditions.push_back({std::move(key), std::move(value)});
  return *this;
}

Txn& Txn::require_absent(std::string key) {
  conditions.push_back({std::move(key), std::nullopt});
  return *this;
}

Txn& Txn::put(std::string key, std::string value) {
  changes.push_back({std::move(key), std::move(value)});
  return *this;
}

Txn& Txn::remove(std::string key) {
  changes.push_back({std::move(key), std::nullopt});
  return *this;
}

Txn& Txn::without_sync() {
  sync = false;
  return *this;
}

Result<> check_key(std::string_view key) {
  if (key.empty()) return fail(Code::invalid, "a row's key is empty");
  if (key.size() > kMaxKeyBytes) return fail(Code::too_large, "a row's key is over 2 KiB");
  return ok;
}

Result<> check_limits(const Txn& txn) {
  if (txn.conditions.size() + txn.changes.size() > kMaxOperations) {
    return fail(Code::too_large, "a transaction has more than 100 operations");
  }
  size_t bytes = 0;
  for (const Txn::Condition& condition : txn.conditions) {
    if (Result<> good = check_key(condition.key); !good) return good;
    bytes += condition.key.size() + (condition.value ? condition.value->size() : 0);
  }
  std::vector<std::string_view> changed;
  changed.reserve(txn.changes.size());
  for (const Txn::Change& change : txn.changes) {
    if (Result<> good = check_key(change.key); !good) return good;
    bytes += change.key.size() + (change.value ? change.value->size() : 0);
    changed.push_back(change.key);
  }
  std::ranges::sort(changed);
  if (std::ranges::adjacent_find(changed) != changed.end()) {
    return fail(Code::invalid, "a transaction changes one row twice");
  }
  if (bytes > kMaxTxnBytes) return fail(Code::too_large, "a transaction is over 1 MiB");
  return ok;
}

Task<std::vector<Row>> scan_all(Store& store, Range range, size_t limit, Context ctx) {
  std::vector<Row> rows;
  while (true) {
    Page page = co_await co_await store.scan(range, kMaxPageRows, ctx);
    if (rows.size() + page.rows.size() > limit) {
      co_return fail(Code::too_large, "more than " + std::to_string(limit) + " rows");
    }
    for (Row& row : page.rows) rows.push_back(std::move(row));
    if (!page.more) co_return rows;
    range = range.after(rows.back().key);
  }
}

}  // namespace forebay::meta
