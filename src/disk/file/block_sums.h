// The checksums of a unit's blocks, taken as its bytes arrive in any order.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "disk/format.h"

namespace forebay::disk {

/// Bytes that continue a block from its begin are summed as they come, which is what nearly always
/// happens. A block that came otherwise is read back, from its first gap on, when it is complete.
/// One thread at a time.
class BlockSums {
 public:
  explicit BlockSums(uint64_t length) : length_(length), blocks_(block_count(length)) {}

  /// Bytes that are about to be written. No byte comes twice.
  void arrive(uint64_t offset, ByteView bytes);
  /// Part of the unit whose bytes must be read back and given to fill().
  struct Gap {
    uint64_t block = 0;
    uint64_t offset = 0;
    uint64_t length = 0;
  };
  /// The bytes have been written. Tells the gaps of blocks that are whole now.
  std::vector<Gap> written(uint64_t offset, uint64_t length);
  /// The sum over the bytes of a gap, begun with sum_before(gap).
  uint32_t sum_before(const Gap& gap) const { return blocks_[gap.block].crc; }
  void fill(const Gap& gap, uint32_t crc) { blocks_[gap.block].crc = crc; }

  /// One per block; right once all bytes were written and all gaps filled.
  BlockCrcs sums() const;

 private:
  struct Block {
    uint32_t crc = 0;
    uint32_t summed = 0;  // bytes from the block's begin in crc
    uint32_t written = 0;
  };
  uint64_t size_of(uint64_t block) const {
    return std::min(kBlockBytes, length_ - block * kBlockBytes);
  }
  const uint64_t length_;
  std::vector<Block> blocks_;
};

}  // namespace forebay::disk
