// Blocks: memory in which a fill's bytes wait for the disk, and from which its readers send them
// meanwhile. Bounded; who gets none writes through the page cache.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "io/memory.h"

namespace forebay::unit {

/// What is written to a disk at once: as much as its checksums stand for (disk::kBlockBytes).
inline constexpr uint64_t kBlock = 1 << 20;

/// kBlock bytes, page-aligned. Goes back to its pool with the last holder; the pool may be gone by
/// then. Any thread.
using Block = std::shared_ptr<std::byte>;

/// Hands out blocks and keeps those that come back. Any thread.
class BlockPool {
 public:
  /// At most `bytes` are out or kept at a time.
  explicit BlockPool(uint64_t bytes) : state_(std::make_shared<State>(bytes / kBlock)) {}
  /// Null when all are out.
  Block take();
  /// Blocks that could be taken now.
  uint64_t left() const;

 private:
  struct State {
    explicit State(uint64_t blocks) : left(blocks) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    bool grow();
    void give(std::byte* memory);
    std::mutex mutex;
    uint64_t left;
    std::vector<std::byte*> spare;
    std::vector<io::Memory> all;  // each holds some blocks
  };
  std::shared_ptr<State> state_;
};

}  // namespace forebay::unit
