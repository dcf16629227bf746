#include "meta/etcd/etcd_store.h"

#include <algorithm>

#include "meta/etcd/answer.h"
#include "meta/etcd/watch.h"

namespace forebay::meta {

namespace {

constexpr std::string_view kRange = "/v3/kv/range";
constexpr std::string_view kTxn = "/v3/kv/txn";
constexpr std::string_view kGrant = "/v3/lease/grant";
constexpr std::string_view kKeep = "/v3/lease/keepalive";
constexpr std::string_view kRevoke = "/v3/lease/revoke";
/// How often a page is begun anew when its moment is compacted.
constexpr int kPageTries = 3;

bool holds(const Txn::Condition& condition, const std::optional<std::string>& found) {
  return condition.value == found;
}

Error conflict(const Txn::Condition& condition) {
  return fail(Code::conflict, "a row is not as required", condition.key);
}

bool is_overlong(const Error& error) {
  return error.code() == Code::too_large && error.detail() == EtcdWire::kOverlong;
}

/// How many more rows fill a page, judged by those that are there.
uint32_t rows_to_ask(const Page& page, size_t bytes, uint32_t limit) {
  size_t fit = (kMaxPageBytes - bytes) / std::max<size_t>(1, bytes / page.rows.size()) + 1;
  return static_cast<uint32_t>(std::min<size_t>(fit, limit - page.rows.size()));
}

}  // namespace

Task<std::optional<std::string>> EtcdStore::get(std::string key, Context ctx) {
  co_await check_key(key);
  etcd::Ask ask{.from = wire_.url().prefix + key, .to = wire_.url().prefix + key + '\0'};
  Result<EtcdText> said = co_await wire_.send(
      {.path = kRange, .body = etcd::range_request(ask), .repeatable = true}, ctx);
  if (!said && is_overlong(said.error())) co_return said.error().as(Code::corrupt);
  if (!said) co_return std::move(said.error());
  Result<etcd::RangeAnswer> answer = etcd::parse_range(said->text, ask);
  if (!answer) co_return answer.error_in(said->endpoint);
  if (answer->rows.empty()) co_return std::nullopt;
  co_return std::move(answer->rows.front().value);
}

Task<Page> EtcdStore::scan(Range range, uint32_t limit, Context ctx) {
  if (limit == 0 || limit > kMaxPageRows) co_return fail(Code::invalid, "a page has 1–1000 rows");
  for (int tries = 1;; ++tries) {
    Result<Page> page = co_await scan_once(range, limit, ctx);
    bool compacted = !page && page.error().detail() == kCompacted;
    if (!compacted) co_return page;
    if (tries == kPageTries) co_return page.error().as(Code::busy);
  }
}

Task<Page> EtcdStore::scan_once(Range range, uint32_t limit, Context ctx) const {
  const std::string& prefix = wire_.url().prefix;
  etcd::Ask ask = etcd::within(prefix, range, limit);
  Page page;
  size_t bytes = 0;
  while (ask.from < ask.to) {
    Result<EtcdText> said = co_await wire_.send(
        {.path = kRange, .body = etcd::range_request(ask), .repeatable = true}, ctx);
    if (!said && is_overlong(said.error())) {
      if (ask.limit == 1) co_return said.error().as(Code::corrupt);
      ask.limit = std::max(1u, ask.limit / 4);
      continue;
    }
    if (!said) co_return std::move(said.error());
    Result<etcd::RangeAnswer> answer = etcd::parse_range(said->text, ask);
    if (!answer) co_return answer.error_in(said->endpoint);
    page.more = answer->more;
    if (ask.revision == 0) ask.revision = answer->revision;
    page.revision = static_cast<uint64_t>(ask.revision);
    for (Row& row : answer->rows) {
      if (page.rows.size() == limit || bytes >= kMaxPageBytes) {
        page.more = true;
        break;
      }
      row.key.erase(0, prefix.size());
      bytes += row.key.size() + row.value.size();
      page.rows.push_back(std::move(row));
    }
    if (!page.more || page.rows.size() == limit || bytes >= kMaxPageBytes) break;
    // The rest of the page is of the same moment.
    ask.from = prefix + page.rows.back().key + '\0';
    ask.limit = rows_to_ask(page, bytes, limit);
  }
  co_return page;
}

Task<> EtcdStore::commit(Txn txn, Context ctx) { co_return co_await apply(0, std::move(txn), ctx); }

Task<> EtcdStore::commit_under(uint64_t lease, Txn txn, Context ctx) {
  if (lease == 0) co_return fail(Code::not_found, "there is no such lease");
  co_return co_await apply(lease, std::move(txn), ctx);
}

Task<> EtcdStore::apply(uint64_t lease, Txn txn, Context ctx) {
  co_await check_limits(txn);
  const std::string& prefix = wire_.url().prefix;
  const bool changes = !txn.changes.empty();
  Result<EtcdText> said = co_await wire_.send(
      {.path = kTxn, .body = etcd::txn_request(prefix, txn, lease), .repeatable = !changes}, ctx);
  // Only the rows of a refusal can be that many.
  if (!said && is_overlong(said.error())) co_return co_await find_conflict(std::move(txn), ctx);
  if (!said) co_return std::move(said.error());
  Result<etcd::TxnAnswer> answer = etcd::parse_txn(said->text, prefix, txn);
  if (!answer) {
    Error error = answer.error_in(said->endpoint);
    co_return changes ? error.as(Code::unavailable) : error;
  }
  if (answer->succeeded) co_return ok;
  for (size_t i = 0; i < txn.conditions.size(); ++i) {
    if (!holds(txn.conditions[i], answer->found[i])) co_return conflict(txn.conditions[i]);
  }
  co_return fail(Code::corrupt, "refused, though every condition holds").in(said->endpoint);
}

std::unique_ptr<Watch> EtcdStore::watch(Range range, uint64_t after) {
  return std::make_unique<EtcdWatch>(wire_, std::move(range), after);
}

// One that nobody hears of ends by itself, so it may be granted twice.
Task<Lease> EtcdStore::grant(Duration ttl, Context ctx) {
  int64_t whole = co_await whole_seconds(ttl);
  EtcdText said = co_await co_await wire_.send(
      {.path = kGrant, .body = etcd::grant_request(whole), .repeatable = true}, ctx);
  Result<Lease> lease = etcd::parse_grant(said.text);
  if (!lease) co_return lease.error_in(said.endpoint);
  co_return lease;
}

Task<> EtcdStore::keep(uint64_t lease, Context ctx) {
  EtcdText said = co_await co_await wire_.send(
      {.path = kKeep, .body = etcd::lease_request(lease), .repeatable = true}, ctx);
  Result<Duration> left = etcd::parse_keep(said.text);
  if (!left) co_return left.error_in(said.endpoint);
  if (*left == seconds(0)) co_return fail(Code::not_found, "there is no such lease");
  co_return ok;
}

Task<> EtcdStore::revoke(uint64_t lease, Context ctx) {
  Result<EtcdText> said = co_await wire_.send(
      {.path = kRevoke, .body = etcd::lease_request(lease), .repeatable = true}, ctx);
  if (!said && said.error().code() != Code::not_found) co_return std::move(said.error());
  co_return ok;
}

Task<> EtcdStore::find_conflict(Txn txn, Context ctx) {
  for (const Txn::Condition& condition : txn.conditions) {
    Result<std::optional<std::string>> found = co_await get(condition.key, ctx);
    if (!found) co_return found.error().as(Code::unavailable);
    if (!holds(condition, *found)) co_return conflict(condition);
  }
  co_return fail(Code::unavailable, "an answer too large to tell what happened");
}

}  // namespace forebay::meta
