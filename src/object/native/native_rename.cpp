// NativeOrigin: renames. One transaction takes an object's row from one key and puts it at another;
// its units keep the names that they have, which the row tells from then on.
#include "io/loop.h"
#include "meta/schema.h"
#include "object/native/native_origin.h"
#include "object/native/native_rows.h"

namespace forebay::object {

namespace {

/// Rows of older renames that each one with a token looks at: more than it adds.
constexpr uint32_t kLookedAt = 4;

bool is_over(const NativeRename& rename, WallTime now) {
  return now.ns - rename.done.ns > seconds(origin::kRenameRemembered).ns;
}

/// False: a row has changed meanwhile.
Task<bool> commit_unless_changed(meta::Store& rows [[clang::lifetimebound]], meta::Txn txn,
                                 Context ctx) {
  Result<> done = co_await rows.commit(std::move(txn), ctx);
  bool changed = !done && done.error().code() == Code::conflict;
  if (!done && !changed) co_return std::move(done.error());
  co_return !changed;
}

}  // namespace

struct NativeOrigin::Renaming {
  ObjectKey to;
  origin::RenameOrder order;
  std::string token_key = {};              ///< empty: without a token
  std::optional<std::string> before = {};  ///< the token's row, if it is too old
  bool itself() const { return order.from == to; }
  void remember(meta::Txn& txn, WallTime now) const {
    if (token_key.empty()) return;
    before ? txn.require(token_key, *before) : txn.require_absent(token_key);
    txn.put(token_key, encode(NativeRename{now, order.says}));
  }
};

Task<> NativeOrigin::rename_now(ObjectKey to, origin::RenameOrder order, Context ctx) {
  if (&rows(order.from) != &rows(to)) {
    co_return fail(Code::invalid, "a rename between two shards", "NotImplemented");
  }
  Renaming renaming{std::move(to), std::move(order)};
  if (!renaming.order.token.empty()) {
    renaming.token_key = meta::schema::renamed(options_.incarnation, renaming.order.token);
  }
  NativeUsage::Change change = co_await co_await usage_.begin(ctx);
  for (int attempt = 0; attempt < kNativeAttempts; ++attempt) {
    if (co_await co_await remembered(renaming, ctx)) co_return ok;
    if (!co_await co_await rename_once(renaming, change, ctx)) continue;
    // Those that cannot be removed now are looked at again.
    if (!renaming.token_key.empty()) (void)co_await forget_renames(ctx);
    co_return ok;
  }
  co_return changes_too_fast();
}

Task<bool> NativeOrigin::remembered(Renaming& renaming, Context ctx) {
  renaming.before.reset();
  if (renaming.token_key.empty()) co_return false;
  auto row = co_await co_await rows(renaming.to).get(renaming.token_key, ctx);
  if (!row) co_return false;
  NativeRename known = co_await parse_native_rename(*row);
  if (is_over(known, ctx.loop->wall_now())) {
    renaming.before = std::move(row);
    co_return false;
  }
  if (known.says == renaming.order.says) co_return true;
  co_return fail(Code::invalid,
                 "The client token was used for another rename with other parameters.",
                 "IdempotencyParameterMismatch");
}

Task<bool> NativeOrigin::rename_once(Renaming& renaming, NativeUsage::Change& change, Context ctx) {
  const ObjectKey& from = renaming.order.from;
  const ObjectKey& to = renaming.to;
  const std::string from_key = meta::schema::object(options_.incarnation, from);
  const std::string to_key = meta::schema::object(options_.incarnation, to);
  Found source = co_await co_await find(from, ctx);
  Found target;
  if (!renaming.itself()) target = co_await co_await find(to, ctx);
  // After the rows: where no version was kept when they were read, they are all there is.
  if (co_await co_await has_versions(ctx)) {
    co_return fail(Code::invalid, "RenameObject is not supported where versions are kept",
                   "NotImplemented");
  }
  if (!source.row) co_return no_such_native_key();
  if (!source.head) co_return damaged_native_row(from.text());
  const origin::ObjectInfo moves = source.head->info();
  const origin::ObjectInfo there = target.head ? target.head->info() : origin::ObjectInfo{};
  const origin::ObjectInfo* over = target.row ? &there : nullptr;
  co_await renaming.order.allow(moves, renaming.itself() ? &moves : over);
  if (renaming.itself() && renaming.token_key.empty()) co_return true;
  if (renaming.itself()) {
    meta::Txn only;
    only.require(from_key, std::move(*source.row));
    renaming.remember(only, ctx.loop->wall_now());
    co_return co_await commit_unless_changed(rows(from), std::move(only), ctx);
  }
  if (source.row->size() > kMaxHeadRow) {
    co_await co_await renew(from, std::move(*source.row), std::move(*source.head), ctx);
    co_return false;
  }
  if (target.row && target.head && target.row->size() > kMaxHeadRow) {
    co_await co_await renew(to, std::move(*target.row), std::move(*target.head), ctx);
    co_return false;
  }
  NativeHead moved = *source.head;
  if (moved.named_by.empty()) moved.named_by = from.text();
  if (moved.named_by == to.text()) moved.named_by.clear();
  // A completion that is repeated was one of the other key.
  moved.upload.clear();
  moved.completion.clear();
  NativeHeadSum sum(change);
  sum.less(from_key, source.said());
  if (target.row) sum.less(to_key, target.said());
  sum.more(to_key, &moved);
  LooseUnits::Moving moving(loose_, units_of(from, *source.head));
  LooseUnits::Leaving leaving(loose_,
                              target.head ? units_of(to, *target.head) : std::vector<UnitId>());
  meta::Txn txn;
  txn.require(from_key, std::move(*source.row)).remove(from_key);
  target.row ? txn.require(to_key, std::move(*target.row)) : txn.require_absent(to_key);
  txn.put(to_key, co_await encode(moved));
  renaming.remember(txn, ctx.loop->wall_now());
  co_await change.plan(sum.delta);
  Result<> done = co_await rows(to).commit(std::move(txn), ctx);
  if (!done && done.error().code() == Code::unavailable) {
    auto written = co_await is_written(to, moved, ctx);
    if (written && *written) done = ok;
  }
  if (done) {
    leaving.retire(ctx.loop->now());
    change.done();
    co_return true;
  }
  if (done.error().code() == Code::conflict) co_return false;
  if (done.error().code() == Code::unavailable) {
    change.doubt();
    moving.doubt();
  }
  co_return std::move(done.error());
}

Task<> NativeOrigin::forget_renames(Context ctx) {
  const std::string all = meta::schema::renames(options_.incarnation);
  meta::Store& store = options_.meta.shard(options_.incarnation, "");
  meta::Range range = meta::Range::prefix(all);
  if (std::string place = renames_.place(); !place.empty()) range = range.after(place);
  meta::Page page = co_await co_await store.scan(std::move(range), kLookedAt, ctx);
  // From the front again, once the end is reached.
  renames_.go_on(page.more ? page.rows.back().key : std::string());
  meta::Txn txn;
  for (meta::Row& row : page.rows) {
    auto known = parse_native_rename(row.value);
    if (!known || !is_over(*known, ctx.loop->wall_now())) continue;
    txn.require(row.key, std::move(row.value)).remove(row.key);
  }
  if (txn.changes.empty()) co_return ok;
  co_return co_await store.commit(std::move(txn.without_sync()), ctx);
}

Task<> NativeOrigin::drop_renames(Context ctx) {
  meta::Store& store = options_.meta.shard(options_.incarnation, "");
  while (true) {
    meta::Page page = co_await co_await store.scan(
        meta::Range::prefix(meta::schema::renames(options_.incarnation)), meta::kMaxOperations,
        ctx);
    if (page.rows.empty()) co_return ok;
    meta::Txn txn;
    for (meta::Row& row : page.rows) txn.remove(std::move(row.key));
    co_await co_await store.commit(std::move(txn.without_sync()), ctx);
  }
}

}  // namespace forebay::object
