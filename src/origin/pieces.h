// Pieces: how an object lies whose bytes are not named by its own tag. An upload in parts becomes
// an object without a byte of it being moved: each part keeps the name under which it was stored.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/encoding.h"

namespace forebay::origin {

/// A stretch of an object that names its bytes, and its units, by itself.
struct Piece {
  uint64_t size = 0;
  std::array<std::byte, 16> id{};
  /// Without an id its units are named as those of an object without pieces are.
  bool named() const { return id != std::array<std::byte, 16>{}; }
  /// What stands for the object's tag in the names of its units.
  std::string tag() const { return to_hex(id); }
  bool operator==(const Piece&) const = default;
};

/// All pieces of an object, in order; none for one whose bytes its own tag names. Shared when
/// copied, compared by content.
class Pieces {
 public:
  Pieces() = default;
  explicit Pieces(std::vector<Piece> pieces)
      : all_(std::make_shared<const std::vector<Piece>>(std::move(pieces))) {}

  bool empty() const { return all_ == nullptr || all_->empty(); }
  size_t size() const { return all_ == nullptr ? 0 : all_->size(); }
  const Piece& operator[](size_t index) const { return (*all_)[index]; }
  bool operator==(const Pieces& other) const {
    if (all_ == other.all_) return true;
    return all_ != nullptr && other.all_ != nullptr && *all_ == *other.all_;
  }

 private:
  std::shared_ptr<const std::vector<Piece>> all_;
};

}  // namespace forebay::origin
