// Who may read a bucket from another web page (CORS): the rules of a bucket, and which of them a
// request meets. Pure (S3 user guide, "Using cross-origin resource sharing"; the Fetch standard).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace forebay::object {

struct CorsRule {
  std::string id = {};
  std::vector<std::string> origins = {};  ///< each with one '*' at most, which is any text
  std::vector<std::string> methods = {};
  std::vector<std::string> headers = {};  ///< that a request may have; '*' as in origins
  std::vector<std::string> exposed = {};  ///< that the page may read of an answer
  std::optional<uint32_t> max_age = {};   ///< seconds that a browser may remember the answer

  bool operator==(const CorsRule&) const = default;
};
using CorsRules = std::vector<CorsRule>;

/// What a page asks for.
struct CorsRequest {
  std::string_view origin;
  std::string_view method;
  std::vector<std::string> headers = {};  ///< only a preflight names them
};

/// The first rule that allows it; null where none does.
const CorsRule* find_rule(const CorsRules& rules, const CorsRequest& request);
/// The rule names no origin but "*": the answer is the same for every page.
bool for_everybody(const CorsRule& rule, std::string_view origin);

/// As a bucket's row writes them.
Json cors_json(const CorsRules& rules);
/// None where there is nothing; Code::invalid for what cors_json() does not write.
Result<CorsRules> cors_of(const Json* json);

}  // namespace forebay::object
