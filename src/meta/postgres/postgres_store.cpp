#include "meta/postgres/postgres_store.h"

#include "meta/postgres/sql.h"

namespace forebay::meta {

namespace {

/// Between tries of a commit that the server rolled back; they meet no more if they do not wait
/// alike.
constexpr Duration kRetryPause = milliseconds(5);

/// Of two connections the first holds what the second then asks for.
std::string number(int64_t value) { return "'" + std::to_string(value) + "'::bigint"; }

std::string hold_script(int64_t exclusive, int64_t shared) {
  return "BEGIN; SELECT pg_advisory_xact_lock(" + number(exclusive) +
         "), pg_advisory_xact_lock_shared(" + number(shared) + ")";
}

std::string try_script(int64_t exclusive, int64_t shared) {
  const std::string one = number(exclusive), other = number(shared);
  return "SELECT pg_try_advisory_xact_lock(" + one + ")::text || ' ' || " +
         "pg_try_advisory_xact_lock_shared(" + one + ")::text || ' ' || " +
         "pg_try_advisory_xact_lock_shared(" + other + ")::text || ' ' || " +
         "pg_try_advisory_xact_lock(" + other + ")::text";
}

constexpr std::string_view kExcluded = "false false true false";

bool is_worth_another_try(const PgFault& fault) {
  if (fault.fate == PgFate::unsent) return true;
  if (fault.fate == PgFate::unknown) return false;
  // Serialization, deadlock; a table of locks that is full; a server that takes no writes any
  // more, to which the next connection will not be.
  return fault.state.starts_with("40") || fault.state == "53200" || fault.state == "25006";
}

bool is_over(const Error& error) {
  return error.code() == Code::timeout || error.code() == Code::cancelled;
}

}  // namespace

Elsewhere PostgresStore::at_home(Context ctx) {
  return {home_, ctx.until(ctx.loop->now() + kPatience)};
}

Task<std::unique_ptr<PostgresStore>> PostgresStore::open(PostgresOptions options, Context ctx) {
  check(options.connections >= 2, "a store of rows on less than two connections");
  std::unique_ptr<PostgresStore> out(new PostgresStore(*ctx.loop, std::move(options)));
  co_await co_await out->prepare(ctx.until(ctx.loop->now() + kPatience));
  co_return out;
}

Task<> PostgresStore::prepare(Context ctx) {
  PgPool::Lent one = co_await co_await pool_.take(ctx, PgPool::Tables::made);
  PgPool::Lent other = co_await co_await pool_.take(ctx);
  const auto exclusive = static_cast<int64_t>(ctx.loop->random());
  const auto shared = static_cast<int64_t>(ctx.loop->random());
  PgFault fault;
  co_await co_await one->script(hold_script(exclusive, shared), fault, ctx);
  PgAnswer tried = co_await co_await other->script(try_script(exclusive, shared), fault, ctx);
  co_await co_await one->script("ROLLBACK", fault, ctx);
  bool excluded = tried.rows() == 1 && tried.columns() == 1 && tried.field(0, 0) == kExcluded;
  if (excluded) co_return ok;
  co_return fail(Code::invalid,
                 "its advisory locks do not keep two connections apart; commits would not be safe")
      .in(other->server());
}

Task<PgAnswer> PostgresStore::call(std::string_view statement, std::vector<PgValue> arguments,
                                   bool repeated, Context ctx) {
  for (int tries = 1;; ++tries) {
    Result<PgPool::Lent> lent = co_await pool_.take(ctx);
    if (!lent) co_return std::move(lent.error());
    PgFault fault;
    Result<PgAnswer> said = co_await (*lent)->run(std::string(statement), arguments, fault, ctx);
    if (said) co_return said;
    bool unknown = fault.fate == PgFate::unknown;
    // A server that no standby follows any more may go on to take writes that it cannot finish.
    if (unknown) pool_.begin_at_next();
    if (unknown && !repeated) co_return said.error().as(Code::unavailable);
    if (is_over(said.error()) || tries == kTries) co_return said;
    if (!is_worth_another_try(fault) && !unknown) co_return said;
    Duration pause = kRetryPause * static_cast<int64_t>(1 + ctx.loop->random() % 4);
    Result<> slept = co_await io::sleep_until(ctx.loop->now() + pause, ctx);
    if (!slept) co_return said;
  }
}

Task<std::optional<std::string>> PostgresStore::get(std::string key, Context ctx) {
  co_await check_key(key);
  Elsewhere home = at_home(ctx);
  co_return co_await home.run(get_here(std::move(key), home.context()));
}

Task<std::optional<std::string>> PostgresStore::get_here(std::string key, Context ctx) {
  PgAnswer said = co_await co_await call(pg::kGet, {PgValue(std::move(key))}, true, ctx);
  if (said.rows() != 1 || said.columns() != 1) co_return fail(Code::corrupt, "not one row");
  std::optional<std::string_view> value = said.field(0, 0);
  if (!value) co_return std::nullopt;
  co_return std::string(*value);
}

Task<Page> PostgresStore::scan(Range range, uint32_t limit, Context ctx) {
  if (limit == 0 || limit > kMaxPageRows) co_return fail(Code::invalid, "a page has 1–1000 rows");
  Elsewhere home = at_home(ctx);
  co_return co_await home.run(scan_here(std::move(range), limit, home.context()));
}

Task<Page> PostgresStore::scan_here(Range range, uint32_t limit, Context ctx) {
  PgValue end;
  if (!range.to.empty()) end = std::move(range.to);
  PgAnswer said = co_await co_await call(
      pg::kScan,
      {PgValue(std::move(range.from)), std::move(end), pg_int4(static_cast<int32_t>(limit)),
       pg_int8(static_cast<int64_t>(kMaxPageBytes))},
      true, ctx);
  Page page;
  if (said.columns() != 3 || said.rows() > limit) co_return fail(Code::corrupt, "not a page");
  for (size_t i = 0; i < said.rows(); ++i) {
    page.rows.push_back(
        {std::string(said.field(i, 0).value_or("")), std::string(said.field(i, 1).value_or(""))});
  }
  if (said.rows() == 0) co_return page;
  // As many as the range holds, or one more than a page may.
  int64_t total = co_await said.integer(0, 2);
  page.more = total > static_cast<int64_t>(said.rows());
  co_return page;
}

Task<> PostgresStore::commit(Txn txn, Context ctx) {
  co_await check_limits(txn);
  Elsewhere home = at_home(ctx);
  co_return co_await home.run(commit_here(std::move(txn), home.context()));
}

Task<> PostgresStore::commit_here(Txn txn, Context ctx) {
  const bool changes = !txn.changes.empty();
  PgAnswer said = co_await co_await call(
      pg::kCommit, pg::commit_arguments(pool_.url(), std::nullopt, txn), !changes, ctx);
  Result<int64_t> outcome = said.rows() == 1 && said.columns() == 1
                                ? said.integer(0, 0)
                                : fail(Code::corrupt, "not one number");
  if (!outcome) co_return outcome.error().as(changes ? Code::unavailable : Code::corrupt);
  if (*outcome == pg::kApplied) co_return ok;
  const auto failed = static_cast<size_t>(*outcome);
  if (*outcome < 0 || failed > txn.conditions.size()) {
    co_return fail(Code::corrupt, "refused, though every condition holds");
  }
  co_return fail(Code::conflict, "a row is not as required", txn.conditions[failed - 1].key);
}

}  // namespace forebay::meta
