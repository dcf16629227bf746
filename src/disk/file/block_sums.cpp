#include "disk/file/block_sums.h"

#include <algorithm>

#include "base/hash.h"

namespace forebay::disk {

void BlockSums::arrive(uint64_t offset, ByteView bytes) {
  while (!bytes.empty()) {
    Block& block = blocks_[offset / kBlockBytes];
    uint64_t in_block = offset % kBlockBytes;
    uint64_t part = std::min(bytes.size(), kBlockBytes - in_block);
    if (block.summed == in_block) {
      block.crc = crc32c(bytes.first(part), block.crc);
      block.summed += static_cast<uint32_t>(part);
    }
    offset += part;
    bytes = bytes.subspan(part);
  }
}

std::vector<BlockSums::Gap> BlockSums::written(uint64_t offset, uint64_t length) {
  std::vector<Gap> gaps;
  while (length > 0) {
    uint64_t index = offset / kBlockBytes;
    Block& block = blocks_[index];
    uint64_t part = std::min(length, kBlockBytes - offset % kBlockBytes);
    block.written += static_cast<uint32_t>(part);
    if (block.written == size_of(index) && block.summed < block.written) {
      gaps.push_back({index, index * kBlockBytes + block.summed, block.written - block.summed});
    }
    offset += part;
    length -= part;
  }
  return gaps;
}

BlockCrcs BlockSums::sums() const {
  BlockCrcs out;
  out.reserve(blocks_.size());
  for (const Block& block : blocks_) out.push_back(block.crc);
  return out;
}

}  // namespace forebay::disk
