// NativeOrigin: completion. One transaction makes the parts an object and ends their upload.
#include "base/encoding.h"
#include "io/loop.h"
#include "meta/schema.h"
#include "object/native/native_origin.h"
#include "object/native/native_rows.h"
#include "origin/checksums.h"

namespace forebay::object {

namespace {

/// Rows that one transaction removes.
constexpr size_t kRowsAtOnce = 90;
/// Versions of a key, the latest, among which a completion is looked for that is asked for again.
constexpr uint32_t kCompletedAmong = 100;
static_assert(kRowsAtOnce <= meta::kMaxOperations);

std::map<uint32_t, origin::PartInfo> infos_of(const std::map<uint32_t, NativePart>& parts) {
  std::map<uint32_t, origin::PartInfo> out;
  for (const auto& [number, part] : parts) out.emplace(number, part.info(number));
  return out;
}

/// The MD5 behind the ETag that these parts make together.
Result<Sixteen> digest_of(const std::vector<origin::PartInfo>& chosen) {
  auto etag = origin::etag_of_parts(chosen);
  if (!etag) return std::move(etag.error());
  auto digest = parse_sixteen(std::string_view(etag->text()).substr(1, 32));
  if (!digest) return fail(Code::internal, "an ETag of parts is no MD5");
  return *digest;
}

/// Makes pieces of those parts that were chosen and takes them out of `parts`. Their numbers.
std::vector<uint32_t> join(std::map<uint32_t, NativePart>& parts,
                           const std::vector<origin::PartInfo>& chosen, NativeHead& head) {
  std::vector<uint32_t> numbers;
  for (const origin::PartInfo& info : chosen) {
    NativePart& part = parts.at(info.number);
    head.size += part.size;
    head.pieces.push_back({part.size, part.write, std::move(part.checksums)});
    numbers.push_back(info.number);
    parts.erase(info.number);
  }
  return numbers;
}

origin::PutAnswer answer_of(const NativeHead& head, std::string version_id) {
  origin::ObjectInfo info = head.info();
  return {.etag = info.etag,
          .tag = info.tag,
          .version_id = std::move(version_id),
          .modified = info.modified,
          .checksums = info.checksums,
          .pieces = info.pieces};
}

}  // namespace

Task<NativeOrigin::Parts> NativeOrigin::parts_of(ObjectKey key, std::string id, Context ctx) {
  meta::Range range = meta::Range::prefix(meta::schema::parts(options_.incarnation, key, id));
  Parts out;
  while (true) {
    meta::Page page = co_await co_await rows(key).scan(range, meta::kMaxPageRows, ctx);
    for (const meta::Row& row : page.rows) {
      auto named = co_await meta::schema::parse_part(row.key);
      out.emplace(named.number, co_await parse_native_part(row.value));
    }
    if (!page.more || page.rows.empty()) co_return out;
    range = range.after(page.rows.back().key);
  }
}

Task<> NativeOrigin::drop_part_rows(ObjectKey key, std::string id, std::vector<uint32_t> numbers,
                                    Context ctx) {
  for (size_t done = 0; done < numbers.size();) {
    meta::Txn txn;
    for (size_t i = 0; i < kRowsAtOnce && done < numbers.size(); ++i, ++done) {
      txn.remove(meta::schema::part(options_.incarnation, key, id, numbers[done]));
    }
    // A sweep removes those that a crash brings back.
    txn.without_sync();
    co_await co_await rows(key).commit(std::move(txn), ctx);
  }
  co_return ok;
}

Task<origin::PutAnswer> NativeOrigin::completed(ObjectKey key, std::string id,
                                                std::string completion, Context ctx) {
  // Others may have come on top of it meanwhile: it is looked for among the latest of them too.
  std::string row_key = meta::schema::object(options_.incarnation, key);
  meta::Range range = meta::Range::prefix(meta::schema::object_versions(options_.incarnation, key));
  range.from = row_key;
  meta::Page page = co_await co_await rows(key).scan(std::move(range), kCompletedAmong, ctx);
  for (const meta::Row& row : page.rows) {
    if (!row.value.contains(id)) continue;
    auto head = parse_native_head(row.value);
    bool same = head && head->upload == id && head->completion == completion;
    if (!same) continue;
    std::string version_id = co_await co_await told_id(*head, ctx);
    co_return answer_of(*head, std::move(version_id));
  }
  co_return no_such_native_upload();
}

Task<origin::PutAnswer> NativeOrigin::complete_upload_now(ObjectKey key, std::string upload_id,
                                                          std::vector<origin::CompletedPart> asked,
                                                          origin::PutOptions options, Context ctx) {
  const std::string completion = origin::completion_fingerprint(asked, options);
  // Whoever asks again while the first still works waits for what it came to.
  const auto turn = co_await co_await turns_.take(upload_id, origin::UploadTurns::Kind::alone, ctx);
  auto row = co_await upload_row(key, upload_id, ctx);
  bool ended = !row && row.error().code() == Code::not_found && parse_sixteen(upload_id);
  if (ended) co_return co_await completed(std::move(key), std::move(upload_id), completion, ctx);
  const std::string upload_text = co_await std::move(row);
  NativeUpload upload = co_await parse_native_upload(upload_text);
  Parts parts = co_await co_await parts_of(key, upload_id, ctx);
  auto chosen = co_await origin::choose_parts(infos_of(parts), asked, options_.min_part);
  NativeHead head;
  head.checksums = origin::checksums_of_whole(upload.plan, chosen);
  co_await origin::check_completion(upload.plan, asked, chosen, options, head.checksums);
  head.md5 = co_await digest_of(chosen);
  Also ends;
  for (const auto& [number, part] : parts) {
    ends.parts.emplace_back(meta::schema::part(options_.incarnation, key, upload_id, number),
                            part.size);
  }
  std::vector<uint32_t> numbers = join(parts, chosen, head);
  std::vector<UnitId> unlisted;
  for (const auto& [number, part] : parts) {
    for (const UnitId& id : units_of(key, part)) unlisted.push_back(id);
    numbers.push_back(number);
  }
  head.fields = std::move(upload.fields);
  head.tags = std::move(upload.tags);
  head.upload = upload_id;
  head.completion = completion;
  head.modified = ctx.loop->wall_now();
  ctx.loop->random_bytes(head.write);
  LooseUnits::Leaving leaving(loose_, std::move(unlisted));
  const std::string upload_key = meta::schema::upload(options_.incarnation, key, upload_id);
  ends.txn.require(upload_key, upload_text).remove(upload_key);
  auto done = co_await commit_head(key, std::move(head), std::move(options.conditions),
                                   std::move(ends), ctx);
  if (!done && done.error().detail() == upload_key) {
    // One whose answer was lost has done it, or the upload was aborted.
    co_return co_await completed(std::move(key), std::move(upload_id), completion, ctx);
  }
  head = co_await std::move(done);
  leaving.retire(ctx.loop->now());
  // The object is there; rows of parts that stay behind are swept.
  (void)co_await drop_part_rows(std::move(key), std::move(upload_id), std::move(numbers), ctx);
  std::string version_id = co_await co_await told_id(head, ctx);
  co_return answer_of(head, std::move(version_id));
}

}  // namespace forebay::object
