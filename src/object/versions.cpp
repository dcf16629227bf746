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

}  // namespace

Error empty_version() {
  return fail(Code::invalid, "Version id cannot be the empty string", "InvalidArgument");
}

Task<std::string> version_at_origin(BucketRef bucket, std::string asked, Context ctx) {
  if (asked.empty()) co_return asked;
  bool kept = co_await co_await bucket->origin->has_versions(ctx);
  if (kept) co_return asked;
  if (asked == origin::kNullVersion) co_return std::string();
  if (could_be_version(asked)) {
    co_return fail(Code::not_found, "The specified version does not exist.", "NoSuchVersion");
  }
  co_return fail(Code::invalid, "Invalid version id specified", "InvalidArgument");
}

}  // namespace forebay::object
