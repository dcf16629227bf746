// Layout: how an object is cut into units. A unit is an uploaded part; a part above unit_max is
// split evenly, so that one byte never costs gigabytes. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/names.h"
#include "base/range.h"
#include "origin/pieces.h"

namespace forebay::object {

/// Parts and units of one version. Known: as it was uploaded. Guessed: explains what the origin
/// told; wrong guesses cost efficiency, never bytes, because a unit's name holds its range.
class Layout {
 public:
  /// Without credible parts an object is cut at multiples of this.
  static constexpr uint64_t kFixedPart = 8 << 20;

  Layout() = default;
  /// One part.
  static Layout whole(uint64_t size, uint64_t unit_max);
  /// One unit, for objects so small that cutting them by parts would only cost. Known when there
  /// is no more than one part.
  static Layout small(uint64_t size, const ETag& etag, uint64_t unit_max);
  /// Parts of these sizes, in order; nothing when no object has so many bytes. Sizes come from rows
  /// and from origins: nothing is taken for granted of them.
  static std::optional<Layout> of_parts(std::vector<uint64_t> sizes, uint64_t unit_max);
  /// Parts of which some or all name their units by themselves; nothing as of_parts().
  static std::optional<Layout> of_pieces(origin::Pieces pieces, uint64_t unit_max);
  /// For an object that others uploaded: one part without "-N" in its ETag; else the part size
  /// `first_part` (0: not known) if it explains size and N; else the smallest whole MiB that does;
  /// else fixed parts.
  static Layout guess(uint64_t size, const ETag& etag, uint64_t first_part, uint64_t unit_max);

  /// Parts of `part` bytes, the last one as many as are left; 0: one part. As a row remembers it.
  static Layout of_uniform(uint64_t size, uint64_t part, bool known, uint64_t unit_max);

  /// Bytes that it holds beside itself.
  size_t memory() const {
    return ends_.capacity() * sizeof(uint64_t) + pieces_.size() * sizeof(origin::Piece);
  }
  bool known() const { return known_; }
  /// Whether it says more than the object's size does.
  bool telling() const { return parts() > 1 || !pieces_.empty(); }
  uint64_t size() const { return size_; }
  uint64_t parts() const;
  /// The size of every part but the last; 0 where they differ. Not 0 for a single one.
  uint64_t uniform_part() const { return uniform_; }
  /// The bytes of part `number` (from 1); nothing when there is no such part.
  std::optional<ByteRange> part(uint32_t number) const;
  /// The unit that holds `offset`, which is below size().
  ByteRange unit_at(uint64_t offset) const;
  /// How the unit that holds `offset` is named: by its object's tag and its place there, or, where
  /// there is a piece, by that one's tag and its place in it.
  struct Named {
    ByteRange unit;     ///< in the object
    uint64_t base = 0;  ///< its name counts from here
    const origin::Piece* piece = nullptr;
  };
  Named named_at(uint64_t offset) const;
  /// Sizes of all parts, for a stored head.
  std::vector<uint64_t> part_sizes() const;
  /// One for each part, or none where no part names its units.
  const origin::Pieces& pieces() const { return pieces_; }

 private:
  /// The part with `index` (from 0) below parts().
  ByteRange at(uint64_t index) const;
  uint64_t index_at(uint64_t offset) const;
  ByteRange cut(ByteRange part, uint64_t offset) const;

  uint64_t size_ = 0;
  uint64_t unit_max_ = 0;
  uint64_t uniform_ = 0;        ///< size of every part but the last; 0: see ends_
  std::vector<uint64_t> ends_;  ///< of each part
  origin::Pieces pieces_;
  bool known_ = false;
};

}  // namespace forebay::object
