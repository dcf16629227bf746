#include "place/moves.h"

#include <algorithm>
#include <bit>

namespace forebay::place {

uint32_t SlotSet::count() const {
  uint32_t out = 0;
  for (uint64_t word : words_) out += static_cast<uint32_t>(std::popcount(word));
  return out;
}

SlotSet SlotSet::without(const SlotSet& other) const {
  SlotSet out;
  for (size_t i = 0; i < words_.size(); ++i) out.words_[i] = words_[i] & ~other.words_[i];
  return out;
}

SlotSet owned(const Placement& placement, std::string_view disk) {
  SlotSet out;
  int self = placement.map().find(disk);
  if (self < 0) return out;
  for (uint32_t slot = 0; slot < kSlots; ++slot) {
    if (placement.owner(slot) == self) out.add(slot);
  }
  return out;
}

std::vector<Move> moves(const Placement& before, const Placement& after, size_t copies) {
  // What each of the newer map's members was called in the older one.
  std::vector<int> earlier;
  for (const Member& member : after.map().members()) {
    earlier.push_back(before.map().find(member.disk));
  }
  std::vector<Move> out;
  for (uint32_t slot = 0; slot < kSlots; ++slot) {
    Candidates had = before.candidates(slot), wanted = after.candidates(slot);
    auto there = had.first(copies);
    for (uint16_t to : wanted.first(copies)) {
      if (std::ranges::find(there, earlier[to]) == there.end()) out.push_back({slot, to});
    }
  }
  return out;
}

}  // namespace forebay::place
