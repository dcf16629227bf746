// A set of byte ranges: what of a unit is there. Pure.
#pragma once

#include <cstdint>
#include <map>

#include "base/range.h"

namespace forebay::unit {

/// Disjoint ranges; neighbours are merged. One thread at a time.
class Ranges {
 public:
  void add(ByteRange range);
  /// Bytes from `offset` on without a gap; 0 when `offset` is not covered.
  uint64_t covered_from(uint64_t offset) const;
  /// The first offset ≥ `offset` that is covered; `limit` when none is below it.
  uint64_t next_covered(uint64_t offset, uint64_t limit) const;
  /// Where what is covered before `offset`, which is not, ends; 0 when nothing is.
  uint64_t covered_before(uint64_t offset) const;
  bool covers(ByteRange range) const {
    return range.length == 0 || covered_from(range.offset) >= range.length;
  }
  uint64_t total() const { return total_; }

 private:
  std::map<uint64_t, uint64_t> ends_;  ///< start → end
  uint64_t total_ = 0;
};

}  // namespace forebay::unit
