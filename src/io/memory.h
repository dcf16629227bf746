// Large memory for buffers. The kernel is asked to map it in few large pages: copying through it
// and giving it to a disk costs the less the fewer pages there are.
#pragma once

#include <cstddef>
#include <memory>

namespace forebay::io {

/// A large page, and what Memory is aligned to.
inline constexpr size_t kLargePage = 2 << 20;

/// `bytes` of memory, a multiple of kLargePage; null when there is none. Any thread.
struct FreeMemory {
  void operator()(std::byte* memory) const;
};
using Memory = std::unique_ptr<std::byte, FreeMemory>;
Memory allocate(size_t bytes);

}  // namespace forebay::io
