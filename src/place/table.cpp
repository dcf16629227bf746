#include "place/table.h"

#include <algorithm>

namespace forebay::place {

namespace {

/// Of an older map's members those that stand in a newer one as they did.
constexpr uint16_t kGone = UINT16_MAX;
std::vector<uint16_t> kept_members(const Map& before, const Map& after) {
  std::vector<uint16_t> kept(before.members().size(), kGone);
  for (size_t i = 0; i < kept.size(); ++i) {
    const Member& old = before.members()[i];
    int at = after.find(old.disk);
    if (at < 0) continue;
    const Member& now = after.members()[static_cast<size_t>(at)];
    bool same =
        is_candidate(old) && is_candidate(now) && old.weight == now.weight && old.zone == now.zone;
    if (same) kept[i] = static_cast<uint16_t>(at);
  }
  return kept;
}

}  // namespace

Table::Table(MapRef map) : map_(std::move(map)) {
  auto active = std::ranges::count_if(map_->members(), is_candidate);
  width_ = std::min(kCandidates, static_cast<size_t>(active));
  rows_.resize(width_ * kSlots);
}

TableRef Table::build(MapRef map) {
  std::shared_ptr<Table> out(new Table(std::move(map)));
  Chooser chooser(*out->map_);
  if (out->width_ == 0) return out;
  std::vector<Weighed> scratch(chooser.zones());
  for (uint32_t slot = 0; slot < kSlots; ++slot) {
    chooser.choose(slot, chooser.active(), scratch,
                   std::span(out->rows_).subspan(slot * out->width_, out->width_));
  }
  return out;
}

// A newcomer pushes others back and lets none forward, so that what a slot had and the newcomers
// are enough. One that goes matters where it was a candidate.
TableRef Table::next(MapRef map) const {
  std::shared_ptr<Table> out(new Table(std::move(map)));
  if (out->width_ == 0) return out;
  Chooser chooser(*out->map_);
  std::vector<uint16_t> kept = kept_members(*map_, *out->map_);
  std::vector<uint16_t> fresh = chooser.active();
  std::erase_if(fresh, [&](uint16_t one) { return std::ranges::find(kept, one) != kept.end(); });
  std::vector<Weighed> scratch(chooser.zones());
  std::vector<uint16_t> members;
  for (uint32_t slot = 0; slot < kSlots; ++slot) {
    members.clear();
    for (uint16_t one : candidates(slot)) members.push_back(kept[one]);
    auto to = std::span(out->rows_).subspan(slot * out->width_, out->width_);
    bool gone = std::ranges::find(members, kGone) != members.end();
    if (!gone && fresh.empty()) {
      std::ranges::copy(members, to.begin());
      continue;
    }
    members.insert(members.end(), fresh.begin(), fresh.end());
    chooser.choose(slot, gone ? chooser.active() : members, scratch, to);
  }
  return out;
}

}  // namespace forebay::place
