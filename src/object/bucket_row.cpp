#include "object/bucket_row.h"

#include "base/json.h"

namespace forebay::object {

namespace {

constexpr int kRowVersion = 1;

Json json_of(const origin::TagSet& tags) {
  Json::Array out;
  for (const auto& [name, value] : tags) {
    out.push_back(Json::Array{Json(name), Json(value)});
  }
  return out;
}

origin::TagSet tags_of(const Json* json) {
  origin::TagSet tags;
  const Json::Array* list = json == nullptr ? nullptr : json->as_array();
  if (list == nullptr) return tags;
  for (const Json& one : *list) {
    const Json::Array* pair = one.as_array();
    if (pair == nullptr || pair->size() != 2) continue;
    const std::string *name = (*pair)[0].as_string(), *value = (*pair)[1].as_string();
    if (name != nullptr && value != nullptr) tags.emplace_back(*name, *value);
  }
  return tags;
}

}  // namespace

Json capabilities_json(const origin::Capabilities& can) {
  Json out;
  out.set("conditional_put", can.conditional_put)
      .set("conditional_get", can.conditional_get)
      .set("part_number", can.part_number)
      .set("versions", can.versions)
      .set("start_after", can.start_after);
  return out;
}

std::string row_of(const Bucket& bucket) {
  Json row;
  row.set("version", kRowVersion)
      .set("incarnation", bucket.incarnation)
      .set("origin", bucket.config.url)
      .set("origin_access_key", bucket.config.access_key)
      .set("origin_secret_key", bucket.config.secret.reveal())
      .set("freshness", bucket.freshness.to_string())
      .set("unit_max", bucket.unit_max)
      .set("fill", name(bucket.fill))
      .set("cache_writes", bucket.cache_writes)
      .set("verify", name(bucket.verify))
      .set("hedge", name(bucket.settings.hedge))
      .set("created_ns", bucket.created.ns)
      .set("capabilities", capabilities_json(bucket.capabilities))
      .set("tags", json_of(bucket.settings.tags))
      .set("cors", cors_json(bucket.settings.cors))
      .set("max_bytes", bucket.settings.quota.bytes)
      .set("max_objects", bucket.settings.quota.objects);
  const LifecycleRef& lifecycle = bucket.settings.lifecycle;
  if (lifecycle != nullptr) row.set("lifecycle", lifecycle_json(*lifecycle));
  return row.dump();
}

Result<Bucket> bucket_of(BucketName name, std::string_view text) {
  auto row = Json::parse(text);
  if (!row) return std::move(row.error());
  Bucket bucket(std::move(name));
  auto incarnation = row->unsigned_integer("incarnation");
  if (!incarnation) return std::move(incarnation.error());
  bucket.incarnation = *incarnation;
  auto url = row->string("origin");
  if (!url) return std::move(url.error());
  bucket.config.url = *url;
  bucket.config.access_key = row->string_or("origin_access_key", "").value_or("");
  bucket.config.secret = Secret(row->string_or("origin_secret_key", "").value_or(""));
  auto freshness = Freshness::parse(row->string_or("freshness", "").value_or(""));
  if (!freshness) return std::move(freshness.error());
  bucket.freshness = *freshness;
  bucket.unit_max = row->unsigned_or("unit_max", bucket.unit_max).value_or(bucket.unit_max);
  bucket.cache_writes = row->boolean_or("cache_writes", true).value_or(true);
  auto fill = parse_filling(row->string_or("fill", "part").value_or(""));
  if (!fill) return std::move(fill.error());
  bucket.fill = *fill;
  auto verify = parse_verify(row->string_or("verify", "start").value_or(""));
  if (!verify) return std::move(verify.error());
  bucket.verify = *verify;
  auto hedge = parse_hedging(row->string_or("hedge", "off").value_or(""));
  if (!hedge) return std::move(hedge.error());
  bucket.settings.hedge = *hedge;
  bucket.created.ns = row->integer("created_ns").value_or(0);
  bucket.settings.tags = tags_of(row->find("tags"));
  auto cors = cors_of(row->find("cors"));
  if (!cors) return std::move(cors.error());
  bucket.settings.cors = std::move(*cors);
  auto lifecycle = lifecycle_of(row->find("lifecycle"));
  if (!lifecycle) return std::move(lifecycle.error());
  bucket.settings.lifecycle = std::move(*lifecycle);
  for (auto [member, limit] : {std::pair("max_bytes", &bucket.settings.quota.bytes),
                               std::pair("max_objects", &bucket.settings.quota.objects)}) {
    // What is no number would be no limit.
    auto most = row->unsigned_or(member, 0);
    if (!most) return std::move(most.error());
    *limit = *most;
  }
  if (const Json* can = row->find("capabilities")) {
    auto flag = [&](std::string_view key) { return can->boolean_or(key, false).value_or(false); };
    bucket.capabilities = {.conditional_put = flag("conditional_put"),
                           .conditional_get = flag("conditional_get"),
                           .part_number = flag("part_number"),
                           .versions = flag("versions"),
                           .start_after = flag("start_after")};
  }
  return bucket;
}

}  // namespace forebay::object
