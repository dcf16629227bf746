// Placement: a map, and for each slot of the key space its candidates, the first of whom owns it.
// For few members they are weighed when somebody asks, for many they stand in a table.
#pragma once

#include <array>
#include <memory>

#include "base/names.h"
#include "place/table.h"

namespace forebay::place {

/// The slot whose candidates hold a unit: that of its object's key for the first unit, so that
/// who decides on a key also has its first bytes; for each later one its own.
uint32_t home_slot(uint32_t key_slot, const UnitId& unit, uint64_t offset);

/// Places in a map's members, in order.
class Candidates {
 public:
  const uint16_t* begin() const { return members_.data(); }
  const uint16_t* end() const { return members_.data() + count_; }
  size_t size() const { return count_; }
  /// At most so many of them.
  std::span<const uint16_t> first(size_t count) const {
    return {members_.data(), std::min(count, count_)};
  }

 private:
  friend class Placement;
  std::array<uint16_t, kCandidates> members_;
  size_t count_ = 0;
};

/// Immutable; any thread.
class Placement {
 public:
  /// Up to so many active members are weighed when somebody asks: 10 ns each.
  static constexpr size_t kWeighed = 16;

  /// `before`: of an earlier map, from which a table may follow; or null. May take seconds: not on
  /// a loop.
  static std::shared_ptr<const Placement> make(MapRef map, const Placement* before);

  const Map& map() const { return *map_; }
  /// Empty where no member is active. `slot` is below kSlots.
  Candidates candidates(uint32_t slot) const;
  /// The first of them, or -1.
  int owner(uint32_t slot) const { return table_ ? table_->owner(slot) : chooser_.first(slot); }

 private:
  explicit Placement(MapRef map) : map_(std::move(map)), chooser_(*map_) {}

  MapRef map_;
  Chooser chooser_;
  TableRef table_;  ///< null: they are weighed
};

using PlacementRef = std::shared_ptr<const Placement>;

}  // namespace forebay::place
