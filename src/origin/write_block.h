// WriteBlock: the pieces of one body, gathered until they are worth a write.
#pragma once

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>
#include <vector>

#include "base/allowance.h"
#include "base/bytes.h"

namespace forebay::origin {

/// Grows with what has come, never beyond its share of what all bodies under way may hold. One
/// task's.
class WriteBlock {
 public:
  static constexpr size_t kFirst = 64 << 10;
  static constexpr size_t kMost = 1 << 20;

  explicit WriteBlock(const std::shared_ptr<Allowance>& all) : share_(all->none()) {}

  /// Takes what it has room for from the front of `part`; returns the rest. All of it, with
  /// nothing gathered, when there is no memory for it: then it must be written as it is.
  ByteView gather(ByteView part) {
    make_room(part.size());
    size_t taken = std::min(part.size(), bytes_.capacity() - bytes_.size());
    bytes_.insert(bytes_.end(), part.begin(), part.begin() + static_cast<ptrdiff_t>(taken));
    return part.subspan(taken);
  }
  ByteView bytes() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }
  void clear() { bytes_.clear(); }

 private:
  void make_room(size_t more) {
    size_t size = std::clamp(std::bit_ceil(bytes_.size() + more), kFirst, kMost);
    if (size > bytes_.capacity() && share_.resize(size)) bytes_.reserve(size);
  }

  Allowance::Share share_;
  std::vector<std::byte> bytes_;
};

}  // namespace forebay::origin
