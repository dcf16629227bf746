// NativeOrigin: deletes. One without an id removes nothing where versions are kept: it puts a
// delete marker on top. One that names a version removes that for good. What ends by a rule of the
// bucket goes the same ways, but only where its row is still the one that the rule was held
// against.
#include "io/loop.h"
#include "meta/schema.h"
#include "object/native/native_origin.h"
#include "object/native/native_rows.h"

namespace forebay::object {

Task<origin::Removed> NativeOrigin::remove_now(ObjectKey key, std::string id, Context ctx) {
  if (!id.empty()) co_return co_await remove_spot(std::move(key), std::move(id), {}, ctx);
  co_return co_await remove_current(std::move(key), {}, ctx);
}

Task<origin::Removed> NativeOrigin::remove_current(ObjectKey key, ETag wanted, Context ctx) {
  bool removed = co_await co_await remove_only(key, wanted, {}, ctx);
  if (removed) co_return origin::Removed{};
  NativeHead marker{.modified = ctx.loop->wall_now(), .marker = true};
  ctx.loop->random_bytes(marker.write);
  marker = co_await co_await commit_head(std::move(key), std::move(marker),
                                         {.if_match = std::move(wanted)}, {}, ctx);
  co_return origin::Removed{.marker = true, .version_id = marker.version_id()};
}

Task<bool> NativeOrigin::remove_only(ObjectKey key, ETag wanted, NativeOnly only, Context ctx) {
  const origin::WriteConditions conditions{.if_match = std::move(wanted)};
  const std::string row_key = meta::schema::object(options_.incarnation, key);
  NativeUsage::Change change = co_await co_await usage_.begin(ctx);
  for (int attempt = 0; attempt < kNativeAttempts; ++attempt) {
    Found found = co_await co_await find(key, ctx);
    if (only && found.row != only->value) co_return another_native_row();
    // After the row: where no version was kept when it was read, it is all there is of its key.
    bool kept = co_await co_await has_versions(ctx);
    if (kept) co_return false;
    co_await allow_native_write(conditions, found.row.has_value(), found.head);
    if (!found.row) co_return true;
    NativeHeadSum sum(change);
    sum.less(row_key, found.said());
    co_await change.plan(sum.delta);
    LooseUnits::Leaving leaving(loose_,
                                found.head ? units_of(key, *found.head) : std::vector<UnitId>());
    meta::Txn txn;
    txn.require(row_key, *found.row).remove(row_key);
    Result<> done = co_await rows(key).commit(std::move(txn), ctx);
    if (!done && done.error().code() == Code::unavailable) {
      auto now = co_await rows(key).get(row_key, ctx);
      if (now && !*now) done = ok;
    }
    if (done) {
      leaving.retire(ctx.loop->now());
      change.done();
      co_return true;
    }
    if (done.error().code() != Code::conflict) co_return std::move(done.error());
  }
  co_return changes_too_fast();
}

Task<origin::Removed> NativeOrigin::remove_spot(ObjectKey key, std::string id, NativeOnly only,
                                                Context ctx) {
  NativeUsage::Change change = co_await co_await usage_.begin(ctx);
  for (int attempt = 0; attempt < kNativeAttempts; ++attempt) {
    auto found = co_await find_spot(key, id, ctx);
    bool none = !found && found.error().detail() == "NoSuchVersion";
    if (none && only) co_return another_native_row();
    if (none) co_return origin::Removed{.version_id = std::move(id)};
    Spot spot = co_await std::move(found);
    if (only && *only != meta::Row{spot.row_key, spot.row}) co_return another_native_row();
    const NativeHead head = spot.head;
    LooseUnits::Leaving leaving(loose_, units_of(key, head));
    NativeHeadSum sum(change);
    meta::Txn txn = co_await co_await uncover(key, std::move(spot), sum, ctx);
    co_await change.plan(sum.delta);
    Result<> done = co_await rows(key).commit(std::move(txn), ctx);
    if (!done && done.error().code() == Code::unavailable) {
      auto there = co_await is_written(key, head, ctx);
      if (there && !*there) done = ok;
    }
    if (done) {
      leaving.retire(ctx.loop->now());
      change.done();
      co_return origin::Removed{.marker = head.marker, .version_id = std::move(id)};
    }
    if (done.error().code() != Code::conflict) co_return std::move(done.error());
  }
  co_return changes_too_fast();
}

// What removes one version of a key: where it is the current one, the next takes its place.
Task<meta::Txn> NativeOrigin::uncover(ObjectKey key, Spot spot, NativeHeadSum& sum, Context ctx) {
  const std::string top = meta::schema::object(options_.incarnation, key);
  meta::Txn txn;
  txn.require(spot.row_key, spot.row);
  sum.less(spot.row_key, &spot.head);
  if (spot.current) {
    txn.remove(spot.row_key);
    if (spot.head.own_id) co_return txn;
    // Of the null version the current row tells.
    Found& above = *spot.current;
    if (!above.row || !above.head) co_return damaged_native_row(key.text());
    above.head->null_order.clear();
    txn.require(top, std::move(*above.row)).put(top, co_await encode(*above.head));
    co_return txn;
  }
  // Behind its own place: those that were removed before it are not walked over again.
  std::string versions = meta::schema::object_versions(options_.incarnation, key);
  meta::Range older = meta::Range::prefix(versions).after(versions + spot.head.order());
  meta::Page page = co_await co_await rows(key).scan(std::move(older), 1, ctx);
  if (page.rows.empty()) {
    page = co_await co_await rows(key).scan(meta::Range::prefix(versions), 1, ctx);
  }
  if (page.rows.empty()) {
    txn.remove(top);
    co_return txn;
  }
  meta::Row& next = page.rows.front();
  std::string row = next.value;
  auto head = parse_native_head(row);
  if (!head && head.error().code() != Code::corrupt) co_return head.error_in(key.text());
  if (head) {
    head->null_order = head->own_id ? spot.head.null_order : "";
    row = co_await encode(*head);
  }
  const NativeHead* said = head ? &*head : nullptr;
  sum.less(next.key, said);
  sum.more(top, said);
  txn.require(next.key, std::move(next.value)).remove(next.key).put(top, std::move(row));
  co_return txn;
}

Task<> NativeOrigin::expire(NativeDue due, Context ctx) {
  using What = NativeDue::What;
  if (due.what == What::upload) {
    Result<> done = co_await abort_upload_now(std::move(due.key), std::move(due.id), ctx);
    bool none = !done && done.error().detail() == "NoSuchUpload";
    co_return none ? another_native_row() : std::move(done);
  }
  if (due.what == What::object) {
    meta::Row only{std::move(due.row_key), due.row};
    bool removed = co_await co_await remove_only(due.key, {}, std::move(only), ctx);
    if (removed) co_return ok;
    NativeHead marker{.modified = ctx.loop->wall_now(), .marker = true};
    ctx.loop->random_bytes(marker.write);
    Also also{.over = std::move(due.row)};
    co_await co_await commit_head(std::move(due.key), std::move(marker), {}, std::move(also), ctx);
    co_return ok;
  }
  if (due.what == What::marker) {
    // Nothing comes behind it without another on top, whose row would not be this one.
    std::string behind = meta::schema::object_versions(options_.incarnation, due.key);
    auto page = co_await co_await rows(due.key).scan(meta::Range::prefix(behind), 1, ctx);
    if (!page.rows.empty()) co_return another_native_row();
  }
  meta::Row only{std::move(due.row_key), std::move(due.row)};
  co_await co_await remove_spot(std::move(due.key), std::move(due.id), std::move(only), ctx);
  co_return ok;
}

}  // namespace forebay::object
