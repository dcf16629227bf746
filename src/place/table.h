// Table: for each slot of the key space its candidates, the first of whom owns it. It follows from
// a map alone. A change of few members costs a fraction of a new table, since only slots whose
// candidates left are weighed anew (docs/formats/placement.md).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/names.h"
#include "place/map.h"

namespace forebay::place {

/// The candidates of a slot: at most so many.
inline constexpr size_t kCandidates = 8;

/// The slot whose candidates hold a unit: that of its object's key for the first unit, so that
/// who decides on a key also has its first bytes; for each later one its own.
uint32_t home_slot(uint32_t key_slot, const UnitId& unit, uint64_t offset);

/// The candidates of one slot as places in map.members(), in order: of each zone the member with
/// the least cost, then the others by cost. Only active members are candidates. What a Table is
/// made of; weighs each member.
std::vector<uint16_t> candidates_of(const Map& map, uint32_t slot);

/// Immutable; any thread. 2 MiB for each candidate that a slot has.
class Table {
 public:
  /// Weighs each member for each slot: 2^20 times members. Not on a loop.
  static std::shared_ptr<const Table> build(MapRef map);
  /// What build(map) gives, from this one. Cheap where most members are as they were.
  std::shared_ptr<const Table> next(MapRef map) const;

  const Map& map() const { return *map_; }
  /// As candidates_of(map(), slot); empty where no member is active. `slot` is below kSlots.
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
