// What a new map moves, as sets of slots and as copies to make. Pure; who acts on it, and when it
// may, is the cluster's.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "place/placement.h"

namespace forebay::place {

/// A set of slots, 128 KiB.
class SlotSet {
 public:
  SlotSet() : words_(kSlots / 64) {}
  void add(uint32_t slot) { words_[slot / 64] |= uint64_t{1} << slot % 64; }
  bool has(uint32_t slot) const { return (words_[slot / 64] >> slot % 64 & 1) != 0; }
  uint32_t count() const;
  /// Those that are not in `other`.
  SlotSet without(const SlotSet& other) const;
  bool operator==(const SlotSet&) const = default;

 private:
  std::vector<uint64_t> words_;
};

/// The slots that `disk` owns; none where it is no active member.
SlotSet owned(const Placement& placement, std::string_view disk);

/// One more member is to hold what lies in a slot.
struct Move {
  uint32_t slot;
  uint16_t to;  ///< in the newer placement's map
  bool operator==(const Move&) const = default;
};

/// Who must get what so that the first `copies` candidates of each slot hold it, where those of
/// `before` do. By slot. Members that no longer are among them may let go once it is done.
std::vector<Move> moves(const Placement& before, const Placement& after, size_t copies);

}  // namespace forebay::place
