// Members of what a server told, where one that is missing or odd is as good as nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"

namespace forebay::cli {

/// Empty where it is not there.
inline std::string text_in(const Json& json, std::string_view name) {
  return json.string_or(name, "").value_or("");
}

/// 0 where it is not there.
inline uint64_t number_in(const Json& json, std::string_view name) {
  return json.unsigned_or(name, 0).value_or(0);
}

/// False where it is not there.
inline bool flag_in(const Json& json, std::string_view name) {
  return json.boolean_or(name, false).value_or(false);
}

}  // namespace forebay::cli
