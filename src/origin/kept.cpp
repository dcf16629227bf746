#include "origin/kept.h"

#include "origin/checksums.h"

namespace forebay::origin {

Result<Fields> fields_to_keep(Fields fields, std::string_view unencrypted) {
  // A record is JSON. What it cannot hold would take all else of it along.
  for (const auto& [name, value] : fields) {
    if (is_utf8(value)) continue;
    return fail(Code::invalid,
                "The value of " + name + " is not UTF-8, and this bucket keeps no other",
                "InvalidArgument");
  }
  if (fields.contains(std::string(kEncryptionField))) {
    return fail(Code::invalid, std::string(unencrypted), "NotImplemented");
  }
  auto said = fields.find("x-amz-storage-class");
  if (said == fields.end()) return fields;
  if (said->second != "STANDARD") {
    return fail(Code::invalid, "The storage class you specified is not valid",
                "InvalidStorageClass");
  }
  fields.erase(said);
  return fields;
}

Result<> allow_tags(const TagSet& tags) {
  for (const auto& [name, value] : tags) {
    if (is_utf8(name) && is_utf8(value)) continue;
    return fail(Code::invalid, "A tag is not UTF-8", "InvalidTag");
  }
  return ok;
}

Json to_json(const Fields& fields) {
  Json out(Json::Object{});
  for (const auto& [name, value] : fields) out.set(name, value);
  return out;
}

Json to_json(const TagSet& tags) {
  Json::Array out;
  for (const auto& [name, value] : tags) out.push_back(Json::Array{name, value});
  return out;
}

Result<TagSet> read_tags(const Json& json) {
  TagSet out;
  const Json* found = json.find("tags");
  if (found == nullptr) return out;
  Error bad = fail(Code::corrupt, "tags are no list of pairs of text");
  const Json::Array* list = found->as_array();
  if (list == nullptr) return bad;
  for (const Json& one : *list) {
    const Json::Array* pair = one.as_array();
    if (pair == nullptr || pair->size() != 2) return bad;
    const std::string* name = (*pair)[0].as_string();
    const std::string* value = (*pair)[1].as_string();
    if (name == nullptr || value == nullptr) return bad;
    out.emplace_back(*name, *value);
  }
  return out;
}

Result<Fields> read_fields(const Json& json, std::string_view name) {
  Fields out;
  const Json* found = json.find(name);
  if (found == nullptr) return out;
  const Json::Object* members = found->as_object();
  if (members == nullptr) return fail(Code::corrupt, std::string(name) + " is no object");
  for (const auto& [key, value] : *members) {
    if (value.as_string() == nullptr) return fail(Code::corrupt, key + " is no text");
    out[key] = *value.as_string();
  }
  return out;
}

void write_plan(Json& json, const std::optional<ChecksumPlan>& plan) {
  if (!plan) return;
  json.set("checksum_algorithm", name(plan->kind));
  json.set("checksum_type", name(plan->type));
}

// Uploads of before they were kept have none.
Result<std::optional<ChecksumPlan>> read_plan(const Json& json) {
  if (json.find("checksum_algorithm") == nullptr) return std::nullopt;
  auto algorithm = json.string("checksum_algorithm"), type = json.string("checksum_type");
  if (!algorithm || !type) return fail(Code::corrupt, "checksums without a type");
  auto plan = plan_checksums(*algorithm, *type);
  if (!plan) return plan.error().as(Code::corrupt);
  return *plan;
}

}  // namespace forebay::origin
