#include "node/budget.h"

#include <algorithm>

namespace forebay::node {

object::HeadOptions Budget::heads() const {
  object::HeadOptions options;
  options.max_bytes = memory / 8;
  return options;
}

size_t Budget::row_blocks() const {
  // Filters and indexes of a million heads are some three MiB.
  constexpr uint64_t kLeast = 4 << 20;
  return std::max(memory / 64, kLeast);
}

size_t Budget::row_memtable() const {
  // With less, rows of many heads are sorted in too often.
  constexpr uint64_t kLeast = 4 << 20, kMost = 16 << 20;
  return std::clamp(memory / 128, kLeast, kMost);
}

uint64_t Budget::queue(size_t disks) const {
  // Some tens of the largest small units.
  constexpr uint64_t kLeast = 4 << 20;
  return std::max(memory / 16 / disks, kLeast);
}

unit::Options Budget::units() const {
  // A sixteenth for what is read from origins, an eighth for copies of what is written, and a
  // sixteenth for those of small bodies.
  constexpr uint64_t kTee = 2 << 20;
  unit::Options options;
  options.block_bytes = memory / 16;
  options.tees = static_cast<uint32_t>(std::clamp<uint64_t>(memory / 8 / kTee / loops, 1, 64));
  options.small_tee_bytes = memory / 16;
  return options;
}

size_t Budget::large_buffers() const {
  constexpr uint64_t kLarge = 256 << 10;
  return std::clamp<uint64_t>(memory / 16 / kLarge / loops, 4, 64);
}

int Budget::unsent() const {
  // Thousands of slow readers must fit into a small budget; a large one leaves it to the kernel
  // (docs/performance.md).
  constexpr uint64_t kSlowReaders = 6144;
  constexpr uint64_t kLeast = 16 << 10;
  constexpr uint64_t kLarge = 1 << 30;
  return memory >= kLarge ? 0 : static_cast<int>(std::max(kLeast, memory / kSlowReaders));
}

http::ServerOptions Budget::server(uint64_t descriptors) const {
  http::ServerOptions options;
  // A quarter of the descriptors, and of the budget if all stop in their first heads.
  constexpr uint64_t kStopped = 8 << 10;
  constexpr uint64_t kLeast = 4096;
  uint64_t all = std::min(descriptors / 4, std::max(kLeast, memory / 4 / kStopped));
  options.max_connections = std::max<uint64_t>(8, all / loops);
  uint64_t heads = memory / (options.head_bytes + (16 << 10)) / loops;
  options.large_heads = std::clamp<uint64_t>(heads / 32, 8, 4096);
  options.handshakes = std::clamp<uint64_t>(heads / 16, 8, 4096);
  // Forms whose senders are not known yet (PostObject), each as large as it may be.
  constexpr uint64_t kForm = 40 << 10;
  options.unproven = std::clamp<uint64_t>(memory / 64 / kForm / loops, 8, 4096);
  options.large_buffers = large_buffers();
  return options;
}

}  // namespace forebay::node
