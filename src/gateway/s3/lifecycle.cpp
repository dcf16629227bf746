#include "gateway/s3/lifecycle.h"

#include "base/encoding.h"
#include "gateway/s3/errors.h"

namespace forebay::gateway::s3 {

Result<> has_lifecycle(const object::Bucket& bucket, bool write) {
  bool folder = bucket.config.url.starts_with("dir:");
  if (bucket.native() || (folder && !write)) return ok;
  return not_implemented("A lifecycle configuration of a bucket with an origin");
}

Task<std::string> expiration_of(object::BucketRef bucket, ObjectKey key, Described version,
                                Context ctx) {
  const object::LifecycleRef& lifecycle = bucket->settings.lifecycle;
  if (lifecycle == nullptr) co_return std::string();
  if (!version.tags && looks_at_tags(*lifecycle)) {
    auto tags = co_await bucket->origin->tags(key, ctx);
    if (tags) version.tags = std::move(*tags);
  }
  auto ending = object::ending_of(*lifecycle, {.key = key.text(),
                                               .size = version.size,
                                               .tags = version.tags ? &*version.tags : nullptr,
                                               .modified = version.modified});
  if (!ending) co_return std::string();
  co_return "expiry-date=\"" + http_date(object::midnight(ending->day)) + "\", rule-id=\"" +
      percent_encode(ending->rule->id) + "\"";
}

void write_abort(http::HeadFields& out, const object::Bucket& bucket, const ObjectKey& key,
                 WallTime initiated) {
  if (!has_rules(bucket)) return;
  auto ending = object::ending_of_upload(*bucket.settings.lifecycle, key.text(), initiated);
  if (!ending) return;
  out.add("x-amz-abort-date", http_date(object::midnight(ending->day)));
  out.add("x-amz-abort-rule-id", percent_encode(ending->rule->id));
}

}  // namespace forebay::gateway::s3
