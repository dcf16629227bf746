// Json: a JSON value (RFC 8259) that is read and written by rows of the control store, the admin
// API and its client. Boost.JSON does the parsing and stays inside json.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace forebay {

/// A value; copied whole. Objects keep the order of their members. Integers are exact between
/// -2^63 and 2^64-1; other numbers are doubles, which may come back off by a unit in the last
/// place.
class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;
  static constexpr size_t kMaxDepth = 32;

  Json() = default;
  Json(bool value) : value_(value) {}
  Json(int value) : value_(static_cast<int64_t>(value)) {}
  Json(int64_t value) : value_(value) {}
  Json(uint32_t value) : value_(static_cast<int64_t>(value)) {}
  Json(uint64_t value);
  Json(double value) : value_(value) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}

  /// Reads one value that fills `text`. Not JSON, nested deeper than kMaxDepth, a number that is
  /// too large for a double, or a member that is there twice → Code::invalid.
  static Result<Json> parse(std::string_view text);
  /// Without spaces, in UTF-8. Text that is not UTF-8 is written as it is.
  std::string dump() const;

  bool is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }
  /// The value itself when it is of that kind; else nothing.
  std::optional<bool> as_bool() const;
  std::optional<int64_t> as_int() const;
  std::optional<uint64_t> as_uint() const;
  /// Any number.
  std::optional<double> as_double() const;
  const std::string* as_string() const { return std::get_if<std::string>(&value_); }
  const Array* as_array() const { return std::get_if<Array>(&value_); }
  const Object* as_object() const { return std::get_if<Object>(&value_); }

  /// The member of an object, or null when there is none (or this is no object).
  const Json* find(std::string_view name) const;
  /// Adds or replaces a member; a null value becomes an object. Returns *this.
  Json& set(std::string name, Json value);

  /// Members that must be there, of that kind: else Code::invalid with the member's name.
  Result<std::string> string(std::string_view name) const;
  Result<int64_t> integer(std::string_view name) const;
  Result<uint64_t> unsigned_integer(std::string_view name) const;
  Result<bool> boolean(std::string_view name) const;
  /// Members that may be missing (or null); of another kind they are Code::invalid.
  Result<std::string> string_or(std::string_view name, std::string fallback) const;
  Result<uint64_t> unsigned_or(std::string_view name, uint64_t fallback) const;
  Result<bool> boolean_or(std::string_view name, bool fallback) const;

  bool operator==(const Json&) const = default;

 private:
  std::variant<std::nullptr_t, bool, int64_t, uint64_t, double, std::string, Array, Object> value_ =
      nullptr;
};

}  // namespace forebay
