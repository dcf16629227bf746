// A set of byte ranges, touching ones joined: what of a growing unit has been promised or written.
#pragma once

#include <cstdint>
#include <map>

#include "base/range.h"

namespace forebay::disk {

/// One thread at a time.
class RangeSet {
 public:
  /// False, and nothing changes, when a byte of `range` is in already. Empty ranges change nothing.
  bool add(ByteRange range);
  /// Whether all bytes of `range` are in; an empty range always is.
  bool covers(ByteRange range) const { return range.length <= length_from(range.offset); }
  /// How many bytes from `offset` on are in without a gap.
  uint64_t length_from(uint64_t offset) const;

 private:
  std::map<uint64_t, uint64_t> ends_;  // by begin
};

}  // namespace forebay::disk
