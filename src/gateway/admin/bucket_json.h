// What the admin API says of a bucket, and how it is told what one shall be. A member that is not
// known is refused.
#pragma once

#include <optional>

#include "base/json.h"
#include "object/bucket.h"

namespace forebay::gateway::admin {

/// One bucket as the admin API shows it; secrets never.
Json show(const object::Bucket& bucket);

/// A bucket to be made, all but its name. What is none → Code::invalid.
Result<object::BucketSpec> read_spec(const Json& json);

/// What of a bucket is to change: its limits, its origin's keys, or when that is asked again.
struct BucketChange {
  struct Keys {
    std::string access_key;
    Secret secret;
  };
  std::optional<Keys> keys = {};
  std::optional<uint64_t> max_bytes = {};    ///< 0: no limit
  std::optional<uint64_t> max_objects = {};  ///< the same
  std::optional<origin::Hedging> hedge = {};
  void apply(origin::Quota& quota) const;
  void apply(object::BucketSettings& settings) const;
};
/// One that changes nothing, several of these, or something else → Code::invalid.
Result<BucketChange> read_change(const Json& json);

}  // namespace forebay::gateway::admin
