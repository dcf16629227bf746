#include "base/json.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <limits>

namespace forebay {

namespace {

namespace bj = boost::json;

// `*finite` becomes false where a number is too large for a double: Boost makes it infinite.
Json from_boost(const bj::value& value, bool* finite) {
  switch (value.kind()) {
    case bj::kind::null: return Json();
    case bj::kind::bool_: return Json(value.get_bool());
    case bj::kind::int64: return Json(static_cast<int64_t>(value.get_int64()));
    case bj::kind::uint64: return Json(static_cast<uint64_t>(value.get_uint64()));
    case bj::kind::double_:
      *finite = *finite && std::isfinite(value.get_double());
      return Json(value.get_double());
    case bj::kind::string: return Json(std::string(value.get_string()));
    case bj::kind::array: {
      Json::Array array;
      array.reserve(value.get_array().size());
      for (const bj::value& item : value.get_array()) array.push_back(from_boost(item, finite));
      return Json(std::move(array));
    }
    case bj::kind::object: {
      Json::Object object;
      object.reserve(value.get_object().size());
      for (const bj::key_value_pair& member : value.get_object()) {
        object.emplace_back(std::string(member.key()), from_boost(member.value(), finite));
      }
      return Json(std::move(object));
    }
  }
  return Json();
}

bj::value to_boost(const Json& json) {
  if (auto* text = json.as_string()) return bj::string(*text);
  if (auto flag = json.as_bool()) return *flag;
  if (auto number = json.as_int()) return *number;
  if (auto number = json.as_uint()) return *number;
  if (auto number = json.as_double()) return *number;
  if (auto* array = json.as_array()) {
    bj::array out;
    for (const Json& item : *array) out.push_back(to_boost(item));
    return out;
  }
  if (auto* object = json.as_object()) {
    bj::object out;
    for (const auto& [name, value] : *object) out.insert_or_assign(name, to_boost(value));
    return out;
  }
  return nullptr;
}

Error wrong(std::string_view name, std::string_view wanted) {
  return fail(Code::invalid, "'" + std::string(name) + "' must be " + std::string(wanted));
}

constexpr std::string_view kAString = "a string";
constexpr std::string_view kAnInteger = "an integer";
constexpr std::string_view kAnUnsigned = "an integer that is not negative";
constexpr std::string_view kABoolean = "true or false";

}  // namespace

Json::Json(uint64_t value) {
  // One number has one form, so that equal values compare equal.
  if (value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    value_ = static_cast<int64_t>(value);
  } else {
    value_ = value;
  }
}

Result<Json> Json::parse(std::string_view text) {
  bj::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code error;
  bj::value value = bj::parse(bj::string_view(text.data(), text.size()), error, {}, options);
  if (error) return fail(Code::invalid, "not JSON: " + error.message());
  bool finite = true;
  Json json = from_boost(value, &finite);
  if (!finite) return fail(Code::invalid, "not JSON: a number is too large");
  return json;
}

std::string Json::dump() const { return bj::serialize(to_boost(*this)); }

std::optional<bool> Json::as_bool() const {
  if (auto* value = std::get_if<bool>(&value_)) return *value;
  return std::nullopt;
}

std::optional<int64_t> Json::as_int() const {
  if (auto* value = std::get_if<int64_t>(&value_)) return *value;
  return std::nullopt;
}

std::optional<uint64_t> Json::as_uint() const {
  if (auto* value = std::get_if<uint64_t>(&value_)) return *value;
  if (auto* value = std::get_if<int64_t>(&value_); value != nullptr && *value >= 0) {
    return static_cast<uint64_t>(*value);
  }
  return std::nullopt;
}

std::optional<double> Json::as_double() const {
  if (auto* value = std::get_if<double>(&value_)) return *value;
  if (auto* value = std::get_if<int64_t>(&value_)) return static_cast<double>(*value);
  if (auto* value = std::get_if<uint64_t>(&value_)) return static_cast<double>(*value);
  return std::nullopt;
}

const Json* Json::find(std::string_view name) const {
  if (auto* object = as_object()) {
    for (const Member& member : *object) {
      if (member.first == name) return &member.second;
    }
  }
  return nullptr;
}

Json& Json::set(std::string name, Json value) {
  if (is_null()) value_ = Object();
  if (auto* object = std::get_if<Object>(&value_)) {
    for (Member& member : *object) {
      if (member.first == name) {
        member.second = std::move(value);
        return *this;
      }
    }
    object->emplace_back(std::move(name), std::move(value));
  }
  return *this;
}

Result<std::string> Json::string(std::string_view name) const {
  const Json* member = find(name);
  if (member == nullptr || member->as_string() == nullptr) return wrong(name, kAString);
  return *member->as_string();
}

Result<int64_t> Json::integer(std::string_view name) const {
  const Json* member = find(name);
  auto value = member == nullptr ? std::nullopt : member->as_int();
  if (!value) return wrong(name, kAnInteger);
  return *value;
}

Result<uint64_t> Json::unsigned_integer(std::string_view name) const {
  const Json* member = find(name);
  auto value = member == nullptr ? std::nullopt : member->as_uint();
  if (!value) return wrong(name, kAnUnsigned);
  return *value;
}

Result<bool> Json::boolean(std::string_view name) const {
  const Json* member = find(name);
  auto value = member == nullptr ? std::nullopt : member->as_bool();
  if (!value) return wrong(name, kABoolean);
  return *value;
}

Result<std::string> Json::string_or(std::string_view name, std::string fallback) const {
  const Json* member = find(name);
  if (member == nullptr || member->is_null()) return fallback;
  return string(name);
}

Result<uint64_t> Json::unsigned_or(std::string_view name, uint64_t fallback) const {
  const Json* member = find(name);
  if (member == nullptr || member->is_null()) return fallback;
  return unsigned_integer(name);
}

Result<bool> Json::boolean_or(std::string_view name, bool fallback) const {
  const Json* member = find(name);
  if (member == nullptr || member->is_null()) return fallback;
  return boolean(name);
}

}  // namespace forebay
