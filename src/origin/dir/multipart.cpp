// The `dir` origin: uploads in parts.
#include <algorithm>

#include "base/encoding.h"
#include "origin/checksums.h"
#include "origin/dir/key.h"
#include "origin/dir/origin.h"

namespace forebay::origin {

namespace {

constexpr uint64_t kCopyStep = 64 << 20;

/// What CompleteMultipartUpload puts together.
struct Whole {
  std::vector<PartInfo> parts;
  DirRecord record;
  std::optional<DirCompleted> again;  ///< nothing: it has not been done before
};

/// The record of an object of these parts, but for size and time.
Result<> describe_whole(Whole& whole) {
  for (const PartInfo& part : whole.parts) {
    std::vector<PartRun>& runs = whole.record.parts;
    if (!runs.empty() && runs.back().size == part.size) {
      ++runs.back().count;
    } else {
      runs.push_back({part.size, 1});
    }
  }
  auto etag = etag_of_parts(whole.parts);
  if (!etag) return std::move(etag.error());
  whole.record.etag = std::move(*etag);
  return ok;
}

}  // namespace

Task<std::string> DirOrigin::create_upload_now(ObjectKey key, PutOptions options, Context ctx) {
  co_await dir_path(key);
  Fields fields = co_await dir_fields(std::move(options.fields));
  std::string id = dir_random_name(*ctx.loop);
  DirUpload upload{key.text(), ctx.loop->wall_now(), std::move(fields), std::move(options.tags),
                   options.plan};
  co_await co_await blocking(ctx,
                             [&] { return store_.create_upload(id, upload, upload.initiated); });
  co_return id;
}

Task<PartInfo> DirOrigin::put_part_now(ObjectKey key, std::string upload_id, uint32_t number,
                                       PutOptions options, io::Body body, Context ctx) {
  if (number < 1 || number > kMaxPartNumber) {
    co_return fail(Code::invalid, "part numbers are 1 to 10,000", "InvalidArgument");
  }
  DirUpload upload =
      co_await co_await blocking(ctx, [&] { return store_.upload(upload_id, key.text()); });
  co_await check_part(upload.plan, options.checksums, options.trailing_name);
  // A part that comes without the checksum its upload asked for gets it here.
  MissingChecksum missing = missing_checksum(upload.plan, options);
  DirTemp temp = co_await co_await take(std::move(body), std::move(missing.sum), ctx);
  Fields checksums = options.all_checksums();
  if (temp.other != nullptr) checksums[missing.header] = to_base64(as_bytes(temp.other->digest()));
  // A part that was taken is not lost to a completion that has already chosen its parts.
  auto turn = co_await turns_.take(upload_id, UploadTurns::Kind::part, ctx);
  if (!turn) {
    co_await co_await drop(temp, ctx);
    co_return std::move(turn.error());
  }
  co_return co_await step(ctx, [&] {
    Result<PartInfo> done = store_.commit_part(temp, upload_id, number, std::move(checksums));
    if (!done) store_.drop(temp);
    return done;
  });
}

Task<> DirOrigin::join(DirTemp& temp, const std::string& upload_id,
                       const std::vector<PartInfo>& parts, Context ctx) {
  for (const PartInfo& part : parts) {
    auto file = co_await co_await step(ctx, [&] { return store_.open_part(upload_id, part); });
    for (uint64_t done = 0; done < part.size;) {
      uint64_t length = std::min(part.size - done, kCopyStep);
      co_await co_await step(ctx,
                             [&] { return temp.file->copy_from(*file, done, temp.size, length); });
      temp.size += length;
      done += length;
    }
  }
  co_return ok;
}

Task<PutAnswer> DirOrigin::complete_upload_now(ObjectKey key, std::string upload_id,
                                               std::vector<CompletedPart> asked, PutOptions options,
                                               Context ctx) {
  std::string path = co_await dir_path(key);
  const std::string named = completion_fingerprint(asked, options);
  // Whoever asks again while the first still works waits for what it came to.
  const auto turn = co_await co_await turns_.take(upload_id, UploadTurns::Kind::alone, ctx);
  const WallTime now = ctx.loop->wall_now();
  Whole whole = co_await co_await walking(ctx, [&]() -> Result<Whole> {
    Whole out;
    out.again = store_.completed(upload_id, key.text(), now);
    if (out.again && out.again->asked == named) return out;
    if (out.again) return fail(Code::not_found, "the upload has completed", "NoSuchUpload");
    auto upload = store_.upload(upload_id, key.text());
    if (!upload) return std::move(upload.error());
    out.record.fields = std::move(upload->fields);
    out.record.tags = std::move(upload->tags);
    auto there = store_.parts(upload_id);
    if (!there) return std::move(there.error());
    auto chosen = choose_parts(*there, asked, options_.min_part);
    if (!chosen) return std::move(chosen.error());
    out.parts = std::move(*chosen);
    out.record.checksums = checksums_of_whole(upload->plan, out.parts);
    Result<> so = check_completion(upload->plan, asked, out.parts, options, out.record.checksums);
    if (!so) return std::move(so.error());
    Result<> described = describe_whole(out);
    if (!described) return std::move(described.error());
    return out;
  });
  if (whole.again) {
    // Whoever asks has lost the answer. Nothing is written: what has become of the object since
    // then stays. Parts that a crash left behind go now.
    (void)co_await step(ctx, [&] { return store_.drop_upload(upload_id); });
    co_return PutAnswer{.etag = whole.again->etag, .checksums = std::move(whole.again->checksums)};
  }
  Fields checksums = whole.record.checksums;
  DirTemp temp = co_await co_await take(io::Body::empty(), nullptr, ctx);
  Result<> joined = co_await join(temp, upload_id, whole.parts, ctx);
  if (!joined) {
    co_await co_await drop(temp, ctx);
    co_return std::move(joined.error());
  }
  DirCompleted completed{key.text(), named, {}, whole.record.etag, checksums, now};
  PutAnswer answer = co_await co_await step(ctx, [&] {
    return store_.commit_upload(upload_id, temp, path, std::move(whole.record),
                                std::move(completed), options.conditions);
  });
  answer.checksums = std::move(checksums);
  // The object is there; parts that stay behind are listed as an open upload and can be aborted.
  (void)co_await step(ctx, [&] { return store_.drop_upload(upload_id); });
  co_return answer;
}

Task<> DirOrigin::abort_upload_now(ObjectKey key, std::string upload_id, Context ctx) {
  const auto turn = co_await co_await turns_.take(upload_id, UploadTurns::Kind::alone, ctx);
  co_return co_await blocking(ctx, [&]() -> Result<> {
    auto upload = store_.upload(upload_id, key.text());
    if (!upload) return std::move(upload.error());
    return store_.drop_upload(upload_id);
  });
}

Task<ListPartsAnswer> DirOrigin::list_parts_now(ObjectKey key, std::string upload_id,
                                                uint32_t part_marker, uint32_t max_parts,
                                                Context ctx) {
  co_return co_await walking(ctx, [&]() -> Result<ListPartsAnswer> {
    auto upload = store_.upload(upload_id, key.text());
    if (!upload) return std::move(upload.error());
    auto there = store_.parts(upload_id);
    if (!there) return std::move(there.error());
    ListPartsAnswer out = page_parts(*there, part_marker, max_parts);
    out.plan = upload->plan;
    return out;
  });
}

Task<> DirOrigin::drop_uploads_now(Context ctx) {
  std::string name = dir_random_name(*ctx.loop);
  co_return co_await walking(ctx, [&] { return store_.drop_uploads(name); });
}

Task<ListUploadsAnswer> DirOrigin::list_uploads_now(ListUploadsOptions options, Context ctx) {
  co_return co_await walking(ctx, [&]() -> Result<ListUploadsAnswer> {
    LeastUploads least(options);
    Result<> seen = store_.visit_uploads([&](UploadInfo info) { least.offer(std::move(info)); });
    if (!seen) return std::move(seen.error());
    return least.page();
  });
}

}  // namespace forebay::origin
