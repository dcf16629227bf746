#include "base/json.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/error.hpp>
#include <boost/json/parse_options.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <limits>
#include <utility>

namespace forebay {

namespace {

namespace bj = boost::json;

// Builds a Json while Boost reads. Its own builder keeps the last of two members of one name, and
// which of them was meant cannot be known.
class Builder {
 public:
  using code = boost::system::error_code;
  static constexpr size_t max_object_size = std::numeric_limits<size_t>::max();
  static constexpr size_t max_array_size = max_object_size;
  static constexpr size_t max_key_size = max_object_size;
  static constexpr size_t max_string_size = max_object_size;

  bool on_document_begin(code&) { return true; }
  bool on_document_end(code&) { return true; }
  bool on_object_begin(code&) { return open(Json::Object()); }
  bool on_object_end(size_t, code& error) {
    Json done = close();
    if (auto twice = repeated(*done.as_object())) {
      wrong = "a member is there twice: '" + *twice + "'";
      error = bj::error::syntax;
      return false;
    }
    return add(std::move(done));
  }
  bool on_array_begin(code&) { return open(Json::Array()); }
  bool on_array_end(size_t, code&) { return add(close()); }
  bool on_key_part(bj::string_view part, size_t, code&) { return append(part); }
  bool on_key(bj::string_view part, size_t, code&) {
    append(part);
    open_.back().names.push_back(std::exchange(text_, {}));
    return true;
  }
  bool on_string_part(bj::string_view part, size_t, code&) { return append(part); }
  bool on_string(bj::string_view part, size_t, code&) {
    append(part);
    return add(Json(std::exchange(text_, {})));
  }
  bool on_number_part(bj::string_view, code&) { return true; }
  bool on_int64(int64_t value, bj::string_view, code&) { return add(Json(value)); }
  bool on_uint64(uint64_t value, bj::string_view, code&) { return add(Json(value)); }
  bool on_double(double value, bj::string_view, code& error) {
    if (std::isfinite(value)) return add(Json(value));
    // Boost makes infinite what is too large for a double.
    wrong = "a number is too large";
    error = bj::error::syntax;
    return false;
  }
  bool on_bool(bool value, code&) { return add(Json(value)); }
  bool on_null(code&) { return add(Json()); }
  bool on_comment_part(bj::string_view, code&) { return true; }
  bool on_comment(bj::string_view, code&) { return true; }

  Json root;
  std::string wrong;  ///< what Boost has no word for

 private:
  struct Open {
    bool object = false;
    std::vector<std::string> names = {};
    Json::Array values = {};
  };

  static std::optional<std::string> repeated(const Json::Object& object) {
    std::vector<std::string_view> names;
    names.reserve(object.size());
    for (const Json::Member& member : object) names.push_back(member.first);
    std::ranges::sort(names);
    auto found = std::ranges::adjacent_find(names);
    if (found == names.end()) return std::nullopt;
    return std::string(*found);
  }
  bool append(bj::string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool open(const Json& kind) {
    open_.push_back({.object = kind.is_object()});
    return true;
  }
  Json close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    if (!done.object) return Json(std::move(done.values));
    Json::Object object;
    object.reserve(done.values.size());
    for (size_t i = 0; i < done.values.size(); ++i) {
      object.emplace_back(std::move(done.names[i]), std::move(done.values[i]));
    }
    return Json(std::move(object));
  }
  bool add(Json value) {
    (open_.empty() ? root : open_.back().values.emplace_back()) = std::move(value);
    return true;
  }

  std::vector<Open> open_;
  std::string text_;
};

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
  bj::basic_parser<Builder> parser(options);
  size_t read = parser.write_some(false, text.data(), text.size(), error);
  Builder& built = parser.handler();
  if (!built.wrong.empty()) return fail(Code::invalid, "not JSON: " + built.wrong);
  if (!error && read < text.size()) error = bj::error::extra_data;
  if (error) return fail(Code::invalid, "not JSON: " + error.message());
  return std::move(built.root);
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
