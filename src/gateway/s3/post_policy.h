// The policy of a form (S3 API reference, "Creating a POST Policy"): what who signed it allows the
// fields and the file to be. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "gateway/s3/form.h"

namespace forebay::gateway::s3 {

struct PostPolicy {
  struct Condition {
    bool starts_with = false;  ///< else equal
    std::string field;         ///< in lower case, without '$'
    std::string value;
  };
  WallTime expiration;
  std::vector<Condition> conditions;
  uint64_t least = 0, most = UINT64_MAX;  ///< bytes of the file
};

/// Reads the JSON document. What is not understood of it → Code::invalid, "InvalidPolicyDocument".
Result<PostPolicy> parse_post_policy(std::string_view json);

/// Whether all conditions hold and each field has one, but the signature, the policy and those that
/// begin with x-ignore-. `fields` as the parser gives them, with what stands for the file's name
/// replaced. Code::denied, "AccessDenied": expired, a condition that fails, or a field without one.
Result<> check_post_policy(const PostPolicy& policy, const FormParser::Fields& fields,
                           std::string_view bucket, WallTime now);

/// Whether the file may be so long: "EntityTooSmall", "EntityTooLarge".
Result<> check_post_length(const PostPolicy& policy, uint64_t bytes);

}  // namespace forebay::gateway::s3
