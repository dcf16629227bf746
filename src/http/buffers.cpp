#include "http/buffers.h"

#include <cstdlib>

#include "base/check.h"

namespace forebay::http {

namespace {

constexpr size_t kPage = 4096;

char* allocate(size_t size) {
  // Whole pages: large reads land aligned, and writers to disks may pass them on as they are.
  void* data = std::aligned_alloc(kPage, (size + kPage - 1) / kPage * kPage);
  check(data != nullptr, "out of memory");
  return static_cast<char*>(data);
}

}  // namespace

Buffer::~Buffer() {
  if (data_ != nullptr) pool_->give(data_, size_);
}

BufferPool::~BufferPool() {
  for (Spares* spares : {&small_, &large_}) {
    for (char* data : *spares) std::free(data);
  }
}

Buffer BufferPool::take(Spares& spares, size_t size) {
  if (spares.empty()) return {this, allocate(size), size};
  char* data = spares.back();
  spares.pop_back();
  return {this, data, size};
}

Buffer BufferPool::large() {
  if (large_left_ == 0) return small();
  --large_left_;
  return take(large_, kLargeBuffer);
}

Buffer BufferPool::odd(size_t size) {
  check(size != kSmallBuffer && size != kLargeBuffer, "an odd buffer of a pooled size");
  return {this, allocate(size), size};
}

void BufferPool::give(char* data, size_t size) {
  if (size == kLargeBuffer) ++large_left_;
  Spares& spares = size == kLargeBuffer ? large_ : small_;
  size_t keep = size == kLargeBuffer ? kSpareLarge : size == kSmallBuffer ? kSpareSmall : 0;
  if (spares.size() < keep) {
    spares.push_back(data);
  } else {
    std::free(data);
  }
}

}  // namespace forebay::http
