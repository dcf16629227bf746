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

std::vector<UnitId> NativeOrigin::units_of(const ObjectKey& key, const NativeHead& head) const {
  auto layout = head.layout(options_.unit_max);
  if (!layout) return {};
  const std::string& name = head.named_by.empty() ? key.text() : head.named_by;
  return object::units_of(*layout, options_.incarnation, name, to_hex(head.write));
}

std::vector<UnitId> NativeOrigin::units_of(const ObjectKey& key, const NativePart& part) const {
  return object::units_of(Layout::whole(part.size, options_.unit_max), options_.incarnation,
                          key.text(), to_hex(part.write));
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

Task<origin::ObjectInfo> NativeOrigin::head_now(ObjectKey key, origin::HeadOptions options,
                                                Context ctx) {
  Spot found = co_await co_await find_object(std::move(key), std::move(options.version_id), ctx);
  origin::ObjectInfo info = options.part_number == 0
                                ? found.head.info()
                                : co_await info_of_part(found.head, options.part_number);
  if (!options.checksums) info.checksums.clear();
  info.version_id = co_await co_await told_id(std::move(found.head), ctx);
  co_return info;
}

Task<origin::TagSet> NativeOrigin::tags_now(ObjectKey key, std::string id, Context ctx) {
  Spot found = co_await co_await find_object(std::move(key), std::move(id), ctx);
  co_return std::move(found.head.tags);
}

Task<> NativeOrigin::set_tags_now(ObjectKey key, std::string id, origin::TagSet tags, Context ctx) {
  co_await origin::allow_tags(tags);
  for (int attempt = 0; attempt < kNativeAttempts; ++attempt) {
    Spot found = co_await co_await find_object(key, id, ctx);
    found.head.tags = tags;
    std::string row = co_await encode(found.head);
    meta::Txn txn;
    txn.require(found.row_key, found.row).put(found.row_key, std::move(row));
    Result<> done = co_await rows(key).commit(std::move(txn), ctx);
    if (!done && done.error().code() == Code::unavailable) {
      // Another may have come on top of it meanwhile: it is looked for wherever it stands.
      auto now = co_await find_spot(key, found.head.version_id(), ctx);
      if (now && now->head.write == found.head.write && now->head.tags == tags) done = ok;
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
