// HeldText: a document in memory, and its share of what all documents may take.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "base/allowance.h"

namespace forebay {

/// Grows with what has come, so that a text that is announced and does not come has nothing.
struct HeldText {
  /// So much of each needs no share: who sends or asks little is not refused because others hold
  /// much.
  static constexpr size_t kFree = 16 << 10;
  /// What a text of that size must have.
  static constexpr uint64_t share_of(uint64_t bytes) {
    return bytes - std::min<uint64_t>(bytes, kFree);
  }

  explicit HeldText(const std::shared_ptr<Allowance>& all) : share(all->none()) {}

  /// False, and nothing is added, when there is no room. `length`: of the whole, where it is told.
  bool append(std::string_view piece, uint64_t length = 0) {
    size_t size = text.capacity();
    if (text.size() + piece.size() > size) {
      size = std::max(2 * size, static_cast<size_t>(std::min<uint64_t>(length, kFree)));
      while (size < text.size() + piece.size()) size *= 2;
      if (!share.resize(share_of(size))) return false;
      text.reserve(size);
    }
    text.append(piece);
    return true;
  }

  std::string text;
  Allowance::Share share;
};

}  // namespace forebay
