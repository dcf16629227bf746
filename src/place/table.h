// Table: for each slot of the key space its candidates, made ahead. A change of few members costs a
// fraction of a new table, since only slots whose candidates left are weighed anew
// (docs/formats/placement.md).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/names.h"
#include "place/chooser.h"

namespace forebay::place {

/// Immutable; any thread. 2 MiB for each candidate that a slot has.
class Table {
 public:
  /// Weighs each member for each slot: 2^20 times members. Not on a loop.
  static std::shared_ptr<const Table> build(MapRef map);
  /// What build(map) gives, from this one. Cheap where most members are as they were.
  std::shared_ptr<const Table> next(MapRef map) const;

  const Map& map() const { return *map_; }
  /// Empty where no member is active. `slot` is below kSlots.
  std::span<const uint16_t> candidates(uint32_t slot) const {
    return std::span(rows_).subspan(slot * width_, width_);
  }
  /// The first of them, or -1.
  int owner(uint32_t slot) const { return width_ == 0 ? -1 : rows_[slot * width_]; }

 private:
  explicit Table(MapRef map);

  MapRef map_;
  size_t width_;  ///< candidates of each slot
  std::vector<uint16_t> rows_;
};

using TableRef = std::shared_ptr<const Table>;

}  // namespace forebay::place
