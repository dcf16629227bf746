#include "object/versions.h"

#include <algorithm>

namespace forebay::object {

namespace {

/// S3's ids: opaque, but all of this length and these characters.
bool could_be_version(std::string_view id) {
  constexpr size_t kLength = 32;
  return id.size() == kLength && std::ranges::all_of(id, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

// Pages without anything that are looked at.
constexpr int kMaxBarePages = 100;

}  // namespace

Error empty_version() {
  return fail(Code::invalid, "Version id cannot be the empty string", "InvalidArgument");
}

Result<std::string> own_version(std::string asked, bool kept) {
  if (kept || asked.empty()) return asked;
  if (asked == origin::kNullVersion) return std::string();
  if (could_be_version(asked)) {
    return fail(Code::not_found, "The specified version does not exist.", "NoSuchVersion");
  }
  return fail(Code::invalid, "Invalid version id specified", "InvalidArgument");
}

Task<std::string> version_at_origin(BucketRef bucket, std::string asked, Context ctx) {
  if (asked.empty()) co_return asked;
  bool kept = co_await co_await bucket->origin->has_versions(ctx);
  co_return own_version(std::move(asked), kept);
}

Task<> check_no_versions(BucketRef bucket, Context ctx) {
  bool kept = co_await co_await bucket->origin->has_versions(ctx);
  if (!kept) co_return ok;
  origin::ListVersionsOptions options{.max_keys = 1};
  for (int page = 0; page < kMaxBarePages; ++page) {
    auto found = co_await bucket->origin->list_versions(options, ctx);
    bool unseen = !found && (found.error().code() == Code::denied ||
                             found.error().detail() == "NotImplemented");
    if (unseen) co_return ok;
    if (!found) co_return std::move(found.error());
    if (!found->versions.empty() || !found->prefixes.empty()) break;
    if (!found->truncated) co_return ok;
    options.key_marker = std::move(found->next_key);
    options.version_marker = std::move(found->next_version);
  }
  co_return fail(Code::conflict,
                 "The bucket you tried to delete is not empty. You must delete all versions in the "
                 "bucket.",
                 "BucketNotEmpty");
}

}  // namespace forebay::object
