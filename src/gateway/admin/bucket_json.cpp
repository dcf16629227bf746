#include "gateway/admin/bucket_json.h"

#include <algorithm>
#include <initializer_list>

#include "base/encoding.h"
#include "object/bucket_row.h"

namespace forebay::gateway::admin {

namespace {

constexpr const char* kMaxBytes = "max_bytes";
constexpr const char* kMaxObjects = "max_objects";
constexpr const char* kAccessKey = "origin_access_key";
constexpr const char* kSecretKey = "origin_secret_key";
constexpr const char* kHedge = "hedge";

Result<> refuse_others(const Json& json, std::initializer_list<std::string_view> known) {
  const Json::Object* members = json.as_object();
  if (members == nullptr) return fail(Code::invalid, "the body is no JSON object");
  for (auto& [name, value] : *members) {
    if (std::ranges::find(known, name) != known.end()) continue;
    return fail(Code::invalid, "unknown member '" + name + "'");
  }
  return ok;
}

Result<BucketChange> read_limits(const Json& json) {
  BucketChange out;
  for (auto [name, limit] :
       {std::pair(kMaxBytes, &out.max_bytes), std::pair(kMaxObjects, &out.max_objects)}) {
    if (json.find(name) == nullptr) continue;
    auto most = json.unsigned_integer(name);
    if (!most) return std::move(most.error());
    *limit = *most;
  }
  return out;
}

Result<BucketChange> read_keys(const Json& json) {
  auto access_key = json.string(kAccessKey);
  if (!access_key) return std::move(access_key.error());
  auto secret = json.string(kSecretKey);
  if (!secret) return std::move(secret.error());
  if (access_key->empty() || secret->empty()) {
    return fail(Code::invalid, "an empty key: an access key and its secret come together");
  }
  return BucketChange{.keys = BucketChange::Keys{*access_key, Secret(*secret)}};
}

Result<BucketChange> read_hedge(const Json& json) {
  auto text = json.string(kHedge);
  if (!text) return std::move(text.error());
  auto hedge = object::parse_hedging(*text);
  if (!hedge) return std::move(hedge.error());
  return BucketChange{.hedge = *hedge};
}

}  // namespace

void BucketChange::apply(origin::Quota& quota) const {
  quota.bytes = max_bytes.value_or(quota.bytes);
  quota.objects = max_objects.value_or(quota.objects);
}

void BucketChange::apply(object::BucketSettings& settings) const {
  apply(settings.quota);
  settings.hedge = hedge.value_or(settings.hedge);
}

Result<BucketChange> read_change(const Json& json) {
  Result<> known = refuse_others(json, {kMaxBytes, kMaxObjects, kAccessKey, kSecretKey, kHedge});
  if (!known) return std::move(known.error());
  if (json.as_object()->empty()) {
    return fail(Code::invalid,
                "nothing to change: max_bytes, max_objects (0: no limit), origin_access_key "
                "and origin_secret_key, or hedge (off, p95, p99)");
  }
  bool keys = json.find(kAccessKey) != nullptr || json.find(kSecretKey) != nullptr;
  bool hedge = json.find(kHedge) != nullptr;
  bool limits = json.find(kMaxBytes) != nullptr || json.find(kMaxObjects) != nullptr;
  if (limits && keys) {
    return fail(Code::invalid, "a bucket has limits or an origin with keys, not both");
  }
  if (limits && hedge) {
    return fail(Code::invalid, "a bucket has limits or an origin that is hedged, not both");
  }
  if (keys && hedge) return fail(Code::invalid, "keys and 'hedge' are two changes");
  if (keys) return read_keys(json);
  return hedge ? read_hedge(json) : read_limits(json);
}

Json show(const object::Bucket& bucket) {
  Json out;
  out.set("name", bucket.name.text())
      .set("origin", bucket.config.url)
      .set("unit_max", bucket.unit_max)
      .set("verify", object::name(bucket.verify))
      .set("created", iso8601(bucket.created));
  if (!bucket.native()) {
    return out.set("origin_access_key", bucket.config.access_key)
        .set("freshness", bucket.freshness.to_string())
        .set("fill", object::name(bucket.fill))
        .set("cache_writes", bucket.cache_writes)
        .set(kHedge, object::name(bucket.settings.hedge))
        .set("capabilities", object::capabilities_json(bucket.capabilities));
  }
  // What is being counted is not told yet.
  if (auto usage = bucket.origin->usage()) {
    out.set("bytes", usage->bytes).set("objects", usage->objects);
  }
  out.set(kMaxBytes, bucket.settings.quota.bytes).set(kMaxObjects, bucket.settings.quota.objects);
  return out;
}

Result<object::BucketSpec> read_spec(const Json& json) {
  object::BucketSpec spec;
  Result<> known = refuse_others(
      json, {"name", "origin", "freshness", kAccessKey, kSecretKey, "origin_region", "unit_max",
             "fill", "cache_writes", "verify", kHedge, kMaxBytes, kMaxObjects});
  if (!known) return std::move(known.error());
  auto url = json.string_or("origin", "");
  auto freshness = json.string_or("freshness", spec.freshness.to_string());
  auto access_key = json.string_or(kAccessKey, "");
  auto secret = json.string_or(kSecretKey, "");
  auto region = json.string_or("origin_region", "");
  auto verify = json.string_or("verify", std::string(object::name(spec.verify)));
  auto fill = json.string_or("fill", std::string(object::name(spec.fill)));
  auto hedging = json.string_or(kHedge, std::string(object::name(spec.hedge)));
  auto unit_max = json.unsigned_or("unit_max", spec.unit_max);
  auto cache_writes = json.boolean_or("cache_writes", spec.cache_writes);
  for (auto* text : {&url, &freshness, &access_key, &secret, &region, &fill, &verify, &hedging}) {
    if (!*text) return text->error();
  }
  if (!unit_max) return std::move(unit_max.error());
  Result<> allowed = object::allow_unit_max(*unit_max);
  if (!allowed) return std::move(allowed.error());
  if (!cache_writes) return std::move(cache_writes.error());
  bool s3 = url->starts_with("s3://");
  if (!region->empty() && !s3) {
    return fail(Code::invalid, "'origin_region' belongs to an s3:// 'origin'");
  }
  if (url->empty() && (!access_key->empty() || !secret->empty())) {
    return fail(Code::invalid, "keys of an origin, and no 'origin'");
  }
  if (s3 && !region->empty() && url->find("region=") == std::string::npos) {
    *url += (url->find('?') == std::string::npos ? "?region=" : "&region=") + *region;
  }
  spec.config = {*url, *access_key, Secret(*secret)};
  for (const char* of_origin :
       {"freshness", "fill", "cache_writes", kHedge, kAccessKey, kSecretKey}) {
    if (json.find(of_origin) != nullptr) spec.says_of_origin = of_origin;
  }
  auto parsed = object::Freshness::parse(*freshness);
  if (!parsed) return std::move(parsed.error());
  spec.freshness = *parsed;
  auto filling = object::parse_filling(*fill);
  if (!filling) return std::move(filling.error());
  spec.fill = *filling;
  auto when = object::parse_verify(*verify);
  if (!when) return std::move(when.error());
  spec.verify = *when;
  auto hedge = object::parse_hedging(*hedging);
  if (!hedge) return std::move(hedge.error());
  spec.hedge = *hedge;
  spec.unit_max = *unit_max;
  spec.cache_writes = *cache_writes;
  auto limits = read_limits(json);
  if (!limits) return std::move(limits.error());
  limits->apply(spec.quota);
  return spec;
}

}  // namespace forebay::gateway::admin
