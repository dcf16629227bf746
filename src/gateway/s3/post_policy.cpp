#include "gateway/s3/post_policy.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/encoding.h"
#include "base/json.h"
#include "gateway/s3/fields.h"

namespace forebay::gateway::s3 {

namespace {

constexpr std::string_view kBucket = "bucket";
constexpr std::string_view kType = "content-type";

Error invalid_policy(std::string_view why) {
  return fail(Code::invalid, "Invalid Policy: " + std::string(why), "InvalidPolicyDocument");
}

Error refused(std::string_view why) {
  return fail(Code::denied, "Invalid according to Policy: " + std::string(why), "AccessDenied");
}

// A number, or a text of digits, which some clients write.
std::optional<uint64_t> number(const Json& json) {
  if (auto value = json.as_uint()) return value;
  const std::string* text = json.as_string();
  if (text == nullptr || text->empty()) return std::nullopt;
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  bool good = error == std::errc() && end == text->data() + text->size();
  return good ? std::optional(value) : std::nullopt;
}

Result<> read_list(const Json::Array& list, PostPolicy& out) {
  const std::string* word = list.size() == 3 ? list[0].as_string() : nullptr;
  if (word == nullptr) return invalid_policy("a condition has not three elements");
  std::string operation = lower(*word);
  if (operation == "content-length-range") {
    auto least = number(list[1]), most = number(list[2]);
    if (!least || !most) return invalid_policy("a content-length-range is not of two numbers");
    out.least = std::max(out.least, *least);
    out.most = std::min(out.most, *most);
    return ok;
  }
  const std::string* field = list[1].as_string();
  const std::string* value = list[2].as_string();
  bool known = operation == "eq" || operation == "starts-with";
  if (!known || field == nullptr || value == nullptr || !field->starts_with('$')) {
    return invalid_policy("a condition is none of eq, starts-with and content-length-range");
  }
  out.conditions.push_back({operation == "starts-with", lower(field->substr(1)), *value});
  return ok;
}

Result<> read_condition(const Json& json, PostPolicy& out) {
  if (const Json::Array* list = json.as_array()) return read_list(*list, out);
  const Json::Object* object = json.as_object();
  if (object == nullptr || object->size() != 1) {
    return invalid_policy("a condition is neither a list nor an object of one member");
  }
  const std::string* value = object->front().second.as_string();
  if (value == nullptr) return invalid_policy("a condition's value is no text");
  out.conditions.push_back({false, lower(object->front().first), *value});
  return ok;
}

bool holds(const PostPolicy::Condition& condition, std::string_view value) {
  if (!condition.starts_with) return value == condition.value;
  if (condition.field != kType) return value.starts_with(condition.value);
  // Of a list of types each must.
  while (true) {
    size_t comma = value.find(',');
    if (!trim(value.substr(0, comma)).starts_with(condition.value)) return false;
    if (comma == std::string_view::npos) return true;
    value.remove_prefix(comma + 1);
  }
}

std::string words_of(const PostPolicy::Condition& condition) {
  Json::Array list{condition.starts_with ? "starts-with" : "eq", "$" + condition.field,
                   condition.value};
  return Json(std::move(list)).dump();
}

bool needs_none(std::string_view field) {
  return field == "policy" || field == "x-amz-signature" || field.starts_with("x-ignore-");
}

}  // namespace

Result<PostPolicy> parse_post_policy(std::string_view json) {
  auto document = Json::parse(json);
  if (!document || !document->is_object()) return invalid_policy("it is no JSON object");
  PostPolicy out;
  auto expiration = document->string("expiration");
  auto when = expiration ? parse_iso8601(*expiration) : std::nullopt;
  if (!when) return invalid_policy("it has no expiration like 2030-12-30T12:00:00.000Z");
  out.expiration = *when;
  const Json* conditions = document->find("conditions");
  const Json::Array* list = conditions == nullptr ? nullptr : conditions->as_array();
  if (list == nullptr) return invalid_policy("it has no list of conditions");
  if (document->as_object()->size() != 2)
    return invalid_policy("it has a member that is not known");
  for (const Json& one : *list) {
    if (Result<> read = read_condition(one, out); !read) return std::move(read.error());
  }
  return out;
}

Result<> check_post_policy(const PostPolicy& policy, const FormParser::Fields& fields,
                           std::string_view bucket, WallTime now) {
  if (now.ns >= policy.expiration.ns) return refused("Policy expired.");
  for (const PostPolicy::Condition& condition : policy.conditions) {
    // The bucket is the request's, whatever a field says.
    std::optional<std::string_view> value;
    if (condition.field == kBucket) value = bucket;
    for (const auto& [name, said] : fields) {
      if (name == condition.field && name != kBucket) value = said;
    }
    // What is not there is nothing, which begins with nothing.
    if (!holds(condition, value.value_or("")) || (!value && !condition.value.empty())) {
      return refused("Policy Condition failed: " + words_of(condition));
    }
  }
  // Nothing else ties the form to a bucket: its signature covers no more than the policy.
  bool tied =
      std::ranges::any_of(policy.conditions, [](const auto& one) { return one.field == kBucket; });
  if (!tied) return refused("Extra input fields: bucket");
  for (const auto& [name, value] : fields) {
    bool covered =
        std::ranges::any_of(policy.conditions, [&](const auto& one) { return one.field == name; });
    if (name == kBucket && value != bucket) return refused("the field bucket names another one");
    if (!covered && !needs_none(name)) return refused("Extra input fields: " + name);
  }
  return ok;
}

Result<> check_post_length(const PostPolicy& policy, uint64_t bytes) {
  if (bytes < policy.least) {
    return fail(Code::invalid, "Your proposed upload is smaller than the minimum allowed size",
                "EntityTooSmall");
  }
  if (bytes > policy.most) {
    return fail(Code::too_large, "Your proposed upload exceeds the maximum allowed size",
                "EntityTooLarge");
  }
  return ok;
}

}  // namespace forebay::gateway::s3
