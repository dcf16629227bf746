// Weighted rendezvous: of all members the one with the least cost for a slot is its first
// candidate, and each gets a share as large as its weight. In integers, so that every machine comes
// to the same (docs/formats/placement.md; Thaler and Ravishankar 1998, weights by logarithm as in
// Schindelhauer and Schomaker 2005).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace forebay::place {

/// -log2((hash + 1) / 2^64), in units of 2^-32, rounded as the format says: 0 … 2^38. It falls
/// as `hash` grows.
uint64_t minus_log2(uint64_t hash);

/// What is needed of a member to reckon its costs.
class Weight {
 public:
  /// `disk`: 32 hex digits; `weight`: 1 … Member::kMaxWeight.
  Weight(std::string_view disk, uint32_t weight);
  /// Below 2^63; to be compared with that of others for the same slot.
  uint64_t cost(uint32_t slot) const;

 private:
  std::array<char, 16> disk_;
  uint64_t inverse_;
};

}  // namespace forebay::place
