// Read buffers in two sizes, kept for reuse. Small ones hold heads and little bodies; large ones
// make big bodies cheap and are bounded: whoever finds none left takes a small one.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace forebay::http {

inline constexpr size_t kSmallBuffer = 16 << 10;
inline constexpr size_t kLargeBuffer = 256 << 10;

class BufferPool;

/// Memory to read into; goes back to its pool, which must outlive it. May be empty.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer();

  char* data() const { return data_; }
  size_t size() const { return size_; }
  explicit operator bool() const { return data_ != nullptr; }
  void reset() { Buffer().swap(*this); }
  void swap(Buffer& other) noexcept { std::swap(*this, other); }

 private:
  friend class BufferPool;
  Buffer(BufferPool* pool, char* data, size_t size) : pool_(pool), data_(data), size_(size) {}

  BufferPool* pool_ = nullptr;
  char* data_ = nullptr;
  size_t size_ = 0;
};

/// One per server or client, on its loop.
class BufferPool {
 public:
  /// At most `large` large buffers are out at a time.
  explicit BufferPool(size_t large) : large_left_(large) {}
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool();

  /// kSmallBuffer bytes.
  Buffer small() { return take(small_, kSmallBuffer); }
  /// kLargeBuffer bytes, or kSmallBuffer when too many are out.
  Buffer large();
  /// `size` bytes that are not kept for reuse.
  Buffer odd(size_t size);
  size_t large_left() const { return large_left_; }

 private:
  friend class Buffer;
  using Spares = std::vector<char*>;
  // More than this many lie unused only after a burst; they go back to the system.
  static constexpr size_t kSpareSmall = 256;
  static constexpr size_t kSpareLarge = 16;

  Buffer take(Spares& spares, size_t size);
  void give(char* data, size_t size);

  Spares small_, large_;
  size_t large_left_;
};

}  // namespace forebay::http
