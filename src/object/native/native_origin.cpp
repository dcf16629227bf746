#include "object/native/native_origin.h"

#include <algorithm>

#include "base/encoding.h"
#include "meta/schema.h"
#include "object/head.h"
#include "object/native/native_rows.h"
#include "origin/kept.h"

namespace forebay::object {

namespace {

/// Info of one part, as HEAD ?partNumber tells it.
Result<origin::ObjectInfo> info_of_part(const NativeHead& head, uint32_t number) {
  origin::ObjectInfo info = head.info();
  auto pieces = static_cast<uint32_t>(head.pieces.size());
  if (number > std::max<uint32_t>(pieces, 1)) {
    return fail(Code::invalid, "no such part", "InvalidPartNumber");
  }
  ByteRange part{0, head.size};
  for (uint32_t i = 0; i < pieces && i < number; ++i) {
    part = {i == 0 ? 0 : part.end(), head.pieces[i].size};
  }
  info.parts = pieces;
  info.part = part;
  info.part_of = head.size;
  info.size = part.length;
  return info;
}

}  // namespace

std::vector<UnitId> NativeOrigin::units_of(const ObjectKey& key, const Layout& layout,
                                           const Sixteen& write, std::vector<UnitId> out) const {
  const std::string tag = to_hex(write);
  for (uint64_t at = 0; at < layout.size();) {
    unit::Unit unit = unit_of(layout, options_.incarnation, key.text(), tag, at);
    out.push_back(unit.id);
    at = unit.range.end();
  }
  return out;
}

std::vector<UnitId> NativeOrigin::units_of(const ObjectKey& key, const NativeHead& head) const {
  auto layout = head.layout(options_.unit_max);
  if (!layout) return {};
  return units_of(key, *layout, head.write, {});
}

std::vector<UnitId> NativeOrigin::units_of(const ObjectKey& key, const NativePart& part) const {
  return units_of(key, Layout::whole(part.size, options_.unit_max), part.write, {});
}

Task<NativeOrigin::Found> NativeOrigin::find(ObjectKey key, Context ctx) {
  Found out;
  std::string row_key = meta::schema::object(options_.incarnation, key);
  out.row = co_await co_await rows(key).get(std::move(row_key), ctx);
  if (!out.row) co_return out;
  auto head = parse_native_head(*out.row);
  // A row that says nothing may be replaced and removed like any other; its units are swept.
  if (!head && head.error().code() != Code::corrupt) co_return head.error_in(key.text());
  if (head) out.head = std::move(*head);
  co_return out;
}

Task<NativeOrigin::There> NativeOrigin::find_there(ObjectKey key, Context ctx) {
  Found found = co_await co_await find(key, ctx);
  if (!found.row) co_return no_such_native_key();
  if (!found.head) {
    co_return fail(Code::corrupt, "the row of " + key.text() + " is damaged", "InternalError");
  }
  co_return There{std::move(*found.row), std::move(*found.head)};
}

Task<origin::ObjectInfo> NativeOrigin::head_now(ObjectKey key, origin::HeadOptions options,
                                                Context ctx) {
  There found = co_await co_await find_there(std::move(key), ctx);
  origin::ObjectInfo info = options.part_number == 0
                                ? found.head.info()
                                : co_await info_of_part(found.head, options.part_number);
  if (!options.checksums) info.checksums.clear();
  co_return info;
}

Task<> NativeOrigin::remove_now(ObjectKey key, Context ctx) {
  const std::string row_key = meta::schema::object(options_.incarnation, key);
  NativeUsage::Change change = co_await co_await usage_.begin(ctx);
  for (int attempt = 0; attempt < kNativeAttempts; ++attempt) {
    Found found = co_await co_await find(key, ctx);
    if (!found.row) co_return ok;
    if (change.counts(row_key)) {
      co_await change.plan({found.head ? -static_cast<int64_t>(found.head->size) : 0, -1});
    }
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
    }
    if (done || done.error().code() != Code::conflict) co_return done;
  }
  co_return changes_too_fast();
}

Task<origin::TagSet> NativeOrigin::tags_now(ObjectKey key, Context ctx) {
  There found = co_await co_await find_there(std::move(key), ctx);
  co_return std::move(found.head.tags);
}

Task<> NativeOrigin::set_tags_now(ObjectKey key, origin::TagSet tags, Context ctx) {
  co_await origin::allow_tags(tags);
  const std::string row_key = meta::schema::object(options_.incarnation, key);
  for (int attempt = 0; attempt < kNativeAttempts; ++attempt) {
    There found = co_await co_await find_there(key, ctx);
    found.head.tags = tags;
    std::string row = co_await encode(found.head);
    meta::Txn txn;
    txn.require(row_key, found.row).put(row_key, row);
    Result<> done = co_await rows(key).commit(std::move(txn), ctx);
    if (!done && done.error().code() == Code::unavailable) {
      auto now = co_await rows(key).get(row_key, ctx);
      if (now && *now == row) done = ok;
    }
    if (done || done.error().code() != Code::conflict) co_return done;
  }
  co_return changes_too_fast();
}

Task<> NativeOrigin::count(Context ctx) {
  meta::Store& rows = options_.meta.shard(options_.incarnation, "");
  co_return co_await usage_.count(rows, options_.incarnation, ctx);
}

// That of a bucket which is being made.
Task<origin::Capabilities> NativeOrigin::probe_now(Context ctx) {
  co_await co_await count(ctx);
  co_return origin::Capabilities{.conditional_put = true,
                                 .conditional_get = true,
                                 .part_number = true,
                                 .versions = false,
                                 .start_after = true};
}

}  // namespace forebay::object
