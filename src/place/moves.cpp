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

SlotSet owned(const Table& table, std::string_view disk) {
  SlotSet out;
  int self = table.map().find(disk);
  if (self < 0) return out;
  for (uint32_t slot = 0; slot < kSlots; ++slot) {
    if (table.owner(slot) == self) out.add(slot);
  }
  return out;
}

std::vector<Move> moves(const Table& before, const Table& after, size_t copies) {
  // What each of the newer map's members was called in the older one.
  std::vector<int> earlier;
  for (const Member& member : after.map().members()) {
    earlier.push_back(before.map().find(member.disk));
  }
  std::vector<Move> out;
  for (uint32_t slot = 0; slot < kSlots; ++slot) {
    auto had = before.candidates(slot);
    had = had.first(std::min(copies, had.size()));
    auto wanted = after.candidates(slot);
    for (uint16_t to : wanted.first(std::min(copies, wanted.size()))) {
      if (std::ranges::find(had, earlier[to]) == had.end()) out.push_back({slot, to});
    }
  }
  return out;
}

}  // namespace forebay::place
