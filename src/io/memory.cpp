#include "io/memory.h"

#include <sys/mman.h>

#include <cstdlib>

namespace forebay::io {

void FreeMemory::operator()(std::byte* memory) const { std::free(memory); }

Memory allocate(size_t bytes) {
  Memory memory(static_cast<std::byte*>(std::aligned_alloc(kLargePage, bytes)));
  // Advice: without large pages it is memory all the same.
  if (memory != nullptr) (void)::madvise(memory.get(), bytes, MADV_HUGEPAGE);
  return memory;
}

}  // namespace forebay::io
