// NativeOrigin: uploads in parts, up to their completion. A part is stored like an object, under a
// write id of its own, so that completing an upload copies nothing.
#include <algorithm>

#include "base/encoding.h"
#include "io/loop.h"
#include "meta/schema.h"
#include "object/native/native_origin.h"
#include "object/native/native_rows.h"
#include "origin/checksums.h"
#include "origin/kept.h"

namespace forebay::object {

Task<std::string> NativeOrigin::create_upload_now(ObjectKey key, origin::PutOptions options,
                                                  Context ctx) {
  NativeUpload upload;
  upload.fields = co_await origin::fields_to_keep(std::move(options.fields), kNativeUnencrypted);
  co_await origin::allow_tags(options.tags);
  upload.tags = std::move(options.tags);
  upload.plan = options.plan;
  upload.initiated = ctx.loop->wall_now();
  Sixteen name;
  ctx.loop->random_bytes(name);
  std::string id = to_hex(name);
  std::string row_key = meta::schema::upload(options_.incarnation, key, id);
  std::string row = co_await encode(upload);
  meta::Txn txn;
  txn.require_absent(row_key).put(row_key, std::move(row));
  // An upload that nobody was told of is listed, and can be aborted.
  co_await co_await rows(key).commit(std::move(txn), ctx);
  co_return id;
}

Task<std::string> NativeOrigin::upload_row(ObjectKey key, std::string id, Context ctx) {
  if (!parse_sixteen(id)) co_return no_such_native_upload();
  auto row =
      co_await co_await rows(key).get(meta::schema::upload(options_.incarnation, key, id), ctx);
  if (!row) co_return no_such_native_upload();
  co_return std::move(*row);
}

Task<origin::PartInfo> NativeOrigin::put_part_now(ObjectKey key, std::string upload_id,
                                                  uint32_t number, origin::PutOptions options,
                                                  io::Body body, Context ctx) {
  if (number < 1 || number > origin::kMaxPartNumber) {
    co_return fail(Code::invalid, "part numbers are 1 to 10,000", "InvalidArgument");
  }
  const std::string row = co_await co_await upload_row(key, upload_id, ctx);
  const NativeUpload upload = co_await parse_native_upload(row);
  co_await origin::check_part(upload.plan, options.checksums, options.trailing_name);
  co_await co_await allow_room_for_part(key, upload_id, number, body.length, ctx);
  // A part that comes without the checksum its upload asked for gets it here.
  origin::MissingChecksum missing = origin::missing_checksum(upload.plan, options);
  Taken taken = co_await co_await take(key, std::move(body), std::move(missing.sum), ctx);
  NativePart part{.size = taken.size,
                  .md5 = taken.md5,
                  .modified = ctx.loop->wall_now(),
                  .write = taken.write,
                  .checksums = options.all_checksums()};
  if (taken.other != nullptr) {
    part.checksums[missing.header] = to_base64(as_bytes(taken.other->digest()));
  }
  // A part that was taken is not lost to a completion that has already chosen its parts.
  auto turn = co_await co_await turns_.take(upload_id, origin::UploadTurns::Kind::part, ctx);
  origin::PartInfo told = part.info(number);
  Result<> done =
      co_await commit_part(std::move(key), std::move(upload_id), number, std::move(part), row, ctx);
  if (done) taken.units.named();
  if (!done && done.error().code() == Code::unavailable) taken.units.doubt();
  co_await std::move(done);
  co_return told;
}

Task<> NativeOrigin::allow_room_for_part(ObjectKey key, std::string id, uint32_t number,
                                         uint64_t bytes, Context ctx) {
  if (usage_.allow(bytes, 0)) co_return ok;
  auto old = co_await co_await rows(key).get(
      meta::schema::part(options_.incarnation, key, id, number), ctx);
  auto before = old ? parse_native_part(*old) : Result<NativePart>(no_such_native_upload());
  co_return usage_.allow(bytes, before ? before->size : 0);
}

Task<> NativeOrigin::commit_part(ObjectKey key, std::string id, uint32_t number, NativePart part,
                                 std::string upload, Context ctx) {
  const std::string row_key = meta::schema::part(options_.incarnation, key, id, number);
  const std::string upload_key = meta::schema::upload(options_.incarnation, key, id);
  const std::string row = encode(part);
  NativeUsage::Change change = co_await co_await usage_.begin(ctx);
  for (int attempt = 0; attempt < kNativeAttempts; ++attempt) {
    auto old = co_await co_await rows(key).get(row_key, ctx);
    auto before = old ? parse_native_part(*old) : Result<NativePart>(no_such_native_upload());
    LooseUnits::Leaving leaving(loose_, before ? units_of(key, *before) : std::vector<UnitId>());
    if (change.counts(row_key)) {
      uint64_t replaced = before ? before->size : 0;
      co_await change.plan({static_cast<int64_t>(part.size) - static_cast<int64_t>(replaced), 0});
    }
    meta::Txn txn;
    txn.require(upload_key, upload).put(row_key, row);
    if (old) {
      txn.require(row_key, *old);
    } else {
      txn.require_absent(row_key);
    }
    Result<> done = co_await rows(key).commit(std::move(txn), ctx);
    if (!done && done.error().code() == Code::unavailable) {
      auto now = co_await rows(key).get(row_key, ctx);
      if (now && *now == row) done = ok;
    }
    if (done) {
      leaving.retire(ctx.loop->now());
      change.done();
      co_return ok;
    }
    if (done.error().code() == Code::unavailable) change.doubt();
    if (done.error().code() != Code::conflict) co_return done;
    if (done.error().detail() == upload_key) co_return no_such_native_upload();
  }
  co_return changes_too_fast();
}

// Nobody reads parts, so they go at once. What a death in between leaves behind is swept.
Task<> NativeOrigin::abort_upload_now(ObjectKey key, std::string upload_id, Context ctx) {
  const auto turn = co_await co_await turns_.take(upload_id, origin::UploadTurns::Kind::alone, ctx);
  const std::string row = co_await co_await upload_row(key, upload_id, ctx);
  const std::string row_key = meta::schema::upload(options_.incarnation, key, upload_id);
  NativeUsage::Change change = co_await co_await usage_.begin(ctx);
  meta::Txn txn;
  txn.require(row_key, row).remove(row_key);
  Result<> done = co_await rows(key).commit(std::move(txn), ctx);
  if (!done && done.error().code() == Code::unavailable) {
    auto now = co_await rows(key).get(row_key, ctx);
    if (now && !*now) done = ok;
  }
  if (!done && done.error().code() == Code::conflict) co_return no_such_native_upload();
  co_await std::move(done);
  // The upload has ended; what of its parts cannot be found now is swept later.
  auto parts = co_await parts_of(key, upload_id, ctx);
  if (!parts) co_return ok;
  std::vector<uint32_t> numbers;
  int64_t bytes = 0;
  for (const auto& [number, part] : *parts) {
    for (const UnitId& id : units_of(key, part)) options_.units.remove(id);
    numbers.push_back(number);
    bool counts = change.counts(meta::schema::part(options_.incarnation, key, upload_id, number));
    if (counts) bytes += static_cast<int64_t>(part.size);
  }
  co_await change.plan({-bytes, 0});
  change.done();
  (void)co_await drop_part_rows(std::move(key), std::move(upload_id), std::move(numbers), ctx);
  co_return ok;
}

Task<origin::ListPartsAnswer> NativeOrigin::list_parts_now(ObjectKey key, std::string upload_id,
                                                           uint32_t part_marker, uint32_t max_parts,
                                                           Context ctx) {
  const std::string row = co_await co_await upload_row(key, upload_id, ctx);
  const NativeUpload upload = co_await parse_native_upload(row);
  origin::ListPartsAnswer out;
  out.plan = upload.plan;
  out.initiated = upload.initiated;
  if (max_parts == 0) co_return out;
  meta::Range range =
      meta::Range::prefix(meta::schema::parts(options_.incarnation, key, upload_id));
  if (part_marker > 0) {
    uint32_t marker = std::min(part_marker, origin::kMaxPartNumber);
    range = range.after(meta::schema::part(options_.incarnation, key, upload_id, marker));
  }
  while (true) {
    meta::Page page = co_await co_await rows(key).scan(range, meta::kMaxPageRows, ctx);
    for (const meta::Row& each : page.rows) {
      if (out.parts.size() == max_parts) {
        out.truncated = true;
        co_return out;
      }
      auto named = co_await meta::schema::parse_part(each.key);
      NativePart part = co_await parse_native_part(each.value);
      out.parts.push_back(part.info(named.number));
      out.next_marker = named.number;
    }
    if (!page.more || page.rows.empty()) co_return out;
    range = range.after(page.rows.back().key);
  }
}

Task<origin::ListUploadsAnswer> NativeOrigin::list_uploads_now(origin::ListUploadsOptions options,
                                                               Context ctx) {
  const std::string base = meta::schema::uploads(options_.incarnation);
  meta::Range range = meta::Range::prefix(base + options.prefix);
  range.from = std::max(range.from, base + options.key_marker);
  meta::Store& store = options_.meta.shard(options_.incarnation, options.prefix);
  origin::LeastUploads least(std::move(options));
  while (range.to.empty() || range.from < range.to) {
    meta::Page read = co_await co_await store.scan(range, meta::kMaxPageRows, ctx);
    for (const meta::Row& row : read.rows) {
      auto named = co_await meta::schema::parse_upload(row.key);
      auto upload = co_await parse_native_upload(row.value);
      least.offer({std::move(named.key), std::move(named.id), upload.initiated, upload.plan});
    }
    // They come in order: those that follow are on no page that ends before them.
    if (least.full() || !read.more || read.rows.empty()) break;
    range = range.after(read.rows.back().key);
  }
  co_return least.page();
}

// The bucket is no more: nobody comes back to what it has let go.
Task<> NativeOrigin::drop_uploads_now(Context ctx) {
  co_await co_await Origin::drop_uploads(ctx);
  co_await co_await drop_renames(ctx);
  (void)loose_.remove_retired();
  co_return ok;
}

}  // namespace forebay::object
