#include "origin/origin.h"

namespace forebay::origin {

namespace {

/// Pages of one call; more uploads than that come faster than they can be ended.
constexpr int kMaxPages = 1000;

Error no_versions() {
  return fail(Code::invalid, "the origin keeps no versions", "NotImplemented");
}

}  // namespace

Result<> Origin::limit(Quota quota) {
  (void)quota;
  return fail(Code::invalid, "only a native bucket can have a quota", "NotImplemented");
}

Result<> Origin::set_keys(std::string access_key, Secret secret) {
  (void)access_key, (void)secret;
  return fail(Code::invalid, "only an s3:// origin has keys", "NotImplemented");
}

Result<> Origin::set_hedging(Hedging hedging) {
  if (hedging == Hedging::off) return ok;
  return fail(Code::invalid, "only an s3:// origin can be asked a second time", "NotImplemented");
}

Task<std::optional<PutAnswer>> Origin::copy(ObjectKey key, CopyOrder order, Context ctx) {
  (void)key, (void)order, (void)ctx;
  co_return std::optional<PutAnswer>();
}

Task<Versioning> Origin::versioning(Context ctx) {
  (void)ctx;
  co_return Versioning::never;
}

Task<> Origin::set_versioning(Versioning to, Context ctx) {
  (void)to, (void)ctx;
  co_return no_versions();
}

Task<bool> Origin::has_versions(Context ctx) {
  (void)ctx;
  co_return false;
}

Task<ListVersionsAnswer> Origin::list_versions(ListVersionsOptions options, Context ctx) {
  // After a key come other keys: it has no second version.
  auto page = co_await co_await list({.prefix = std::move(options.prefix),
                                      .delimiter = std::move(options.delimiter),
                                      .start_after = std::move(options.key_marker),
                                      .max_keys = options.max_keys},
                                     ctx);
  ListVersionsAnswer out{.prefixes = std::move(page.prefixes), .truncated = page.truncated};
  out.versions.reserve(page.objects.size());
  for (ListedObject& object : page.objects) {
    out.versions.push_back({.object = std::move(object), .latest = true});
  }
  out.share = std::move(page.share);
  if (!out.truncated) co_return out;
  out.next_key = std::move(page.last_name);
  bool prefix = !out.prefixes.empty() && out.prefixes.back() == out.next_key;
  if (!prefix) out.next_version = kNullVersion;
  co_return out;
}

Task<Removed> Origin::remove_version(ObjectKey key, std::string version_id, Context ctx) {
  if (!version_id.empty()) co_return no_versions();
  co_await co_await remove(std::move(key), ctx);
  co_return Removed{};
}

Task<Removed> Origin::remove_matching(ObjectKey key, ETag wanted, Context ctx) {
  (void)key, (void)wanted, (void)ctx;
  co_return fail(Code::invalid, "the origin has no deletes with a condition", "NotImplemented");
}

Task<> Origin::rename(ObjectKey to, RenameOrder order, Context ctx) {
  (void)to, (void)order, (void)ctx;
  co_return fail(Code::invalid, "the origin renames no objects", "NotImplemented");
}

Task<WallTime> Origin::marker_date(ObjectKey key, std::string version_id, Context ctx) {
  (void)key, (void)version_id, (void)ctx;
  co_return WallTime{};
}

Task<TagSet> Origin::tags_of_version(ObjectKey key, std::string version_id, Context ctx) {
  if (!version_id.empty()) co_return no_versions();
  co_return co_await tags(std::move(key), ctx);
}

Task<> Origin::set_tags_of_version(ObjectKey key, std::string version_id, TagSet tags,
                                   Context ctx) {
  if (!version_id.empty()) co_return no_versions();
  co_return co_await set_tags(std::move(key), std::move(tags), ctx);
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
