#include "origin/origin.h"

namespace forebay::origin {

namespace {

/// Pages of one call; more uploads than that come faster than they can be ended.
constexpr int kMaxPages = 1000;

}  // namespace

Task<std::optional<PutAnswer>> Origin::copy(ObjectKey key, CopyOrder order, Context ctx) {
  (void)key, (void)order, (void)ctx;
  co_return std::optional<PutAnswer>();
}

Task<Versioning> Origin::versioning(Context ctx) {
  (void)ctx;
  co_return Versioning::never;
}

Task<TagSet> Origin::tags(ObjectKey key, Context ctx) {
  (void)key, (void)ctx;
  co_return fail(Code::invalid, "the origin keeps no tags", "NotImplemented");
}

Task<> Origin::set_tags(ObjectKey key, TagSet tags, Context ctx) {
  (void)key, (void)tags, (void)ctx;
  co_return fail(Code::invalid, "the origin keeps no tags", "NotImplemented");
}

Task<> Origin::drop_uploads(Context ctx) {
  ListUploadsOptions options;
  for (int page = 0; page < kMaxPages; ++page) {
    auto found = co_await co_await list_uploads(options, ctx);
    for (const UploadInfo& upload : found.uploads) {
      ObjectKey key = co_await ObjectKey::parse(upload.key);
      Result<> ended = co_await abort_upload(std::move(key), upload.upload_id, ctx);
      if (!ended && ended.error().code() != Code::not_found) co_return ended;
    }
    if (!found.truncated) co_return ok;
    options.key_marker = std::move(found.next_key);
    options.upload_id_marker = std::move(found.next_upload);
  }
  co_return fail(Code::busy, "uploads come faster than they can be ended", "SlowDown");
}

}  // namespace forebay::origin
