#include "place/placement.h"

namespace forebay::place {

uint32_t home_slot(uint32_t key_slot, const UnitId& unit, uint64_t offset) {
  if (offset == 0) return key_slot;
  return uint32_t{unit.bytes[0]} << 12 | uint32_t{unit.bytes[1]} << 4 | unit.bytes[2] >> 4;
}

PlacementRef Placement::make(MapRef map, const Placement* before) {
  std::shared_ptr<Placement> out(new Placement(std::move(map)));
  if (out->chooser_.active().size() <= kWeighed) return out;
  bool follows = before != nullptr && before->table_ != nullptr;
  out->table_ = follows ? before->table_->next(out->map_) : Table::build(out->map_);
  return out;
}

Candidates Placement::candidates(uint32_t slot) const {
  Candidates out;
  if (table_) {
    auto row = table_->candidates(slot);
    std::ranges::copy(row, out.members_.begin());
    out.count_ = row.size();
    return out;
  }
  out.count_ = chooser_.width();
  std::array<Weighed, kWeighed> scratch;
  chooser_.choose(slot, chooser_.active(), std::span(scratch).first(chooser_.zones()),
                  std::span(out.members_).first(out.count_));
  return out;
}

}  // namespace forebay::place
