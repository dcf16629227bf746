// Usage, Quota: what a store holds of one bucket, and how much it may.
#pragma once

#include <cstdint>

namespace forebay::origin {

struct Usage {
  uint64_t bytes = 0;    ///< of objects, and of the parts of open uploads
  uint64_t objects = 0;  ///< without parts
  bool operator==(const Usage&) const = default;
};

/// 0: no limit.
struct Quota {
  uint64_t bytes = 0;
  uint64_t objects = 0;
  bool set() const { return bytes > 0 || objects > 0; }
  bool operator==(const Quota&) const = default;
};

}  // namespace forebay::origin
