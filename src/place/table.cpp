#include "place/table.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/check.h"
#include "place/weigh.h"

namespace forebay::place {

namespace {

static_assert(Map::kMaxMembers <= std::numeric_limits<uint16_t>::max());

/// One member weighed for one slot. Of equal costs the first disk's goes first, as members stand.
struct Weighed {
  uint64_t cost;
  uint16_t member;
  auto operator<=>(const Weighed&) const = default;
};

bool places(const Member& member) { return member.state == MemberState::active; }

/// Chooses the candidates of slots among members of one map.
class Chooser {
 public:
  explicit Chooser(const Map& map) : zones_(map.members().size()) {
    std::vector<std::string_view> names;
    for (size_t i = 0; i < map.members().size(); ++i) {
      const Member& member = map.members()[i];
      weights_.emplace_back(member.disk, member.weight);
      if (!places(member)) continue;
      active_.push_back(static_cast<uint16_t>(i));
      auto found = std::ranges::find(names, member.zone);
      zones_[i] = static_cast<uint16_t>(found - names.begin());
      if (found == names.end()) names.emplace_back(member.zone);
    }
    best_.resize(names.size());
  }

  size_t width() const { return std::min(kCandidates, active_.size()); }
  const std::vector<uint16_t>& active() const { return active_; }

  // `out` gets the candidates among `members`, as many as it is long: of each zone the first one,
  // then the rest. Those of every zone and the first `out.size()` of all are enough to know.
  void choose(uint32_t slot, std::span<const uint16_t> members, std::span<uint16_t> out) {
    constexpr Weighed kNone{UINT64_MAX, UINT16_MAX};
    std::ranges::fill(best_, kNone);
    std::array<Weighed, kCandidates> first;
    size_t held = 0;
    for (uint16_t member : members) {
      Weighed now{weights_[member].cost(slot), member};
      Weighed& best = best_[zones_[member]];
      if (now < best) best = now;
      if (held == out.size() && now > first[held - 1]) continue;
      if (held < out.size()) ++held;
      size_t at = held - 1;
      for (; at > 0 && now < first[at - 1]; --at) first[at] = first[at - 1];
      first[at] = now;
    }
    size_t taken = take_zones(out);
    for (size_t i = 0; i < held && taken < out.size(); ++i) {
      bool there = std::ranges::find(out.first(taken), first[i].member) != out.begin() + taken;
      if (!there) out[taken++] = first[i].member;
    }
    check(taken == out.size(), "a slot has as many candidates as there can be");
  }

 private:
  size_t take_zones(std::span<uint16_t> out) {
    size_t count = std::min(out.size(), best_.size());
    std::ranges::partial_sort(best_, best_.begin() + static_cast<ptrdiff_t>(count));
    size_t taken = 0;
    for (; taken < count && best_[taken].cost != UINT64_MAX; ++taken) {
      out[taken] = best_[taken].member;
    }
    return taken;
  }

  std::vector<Weight> weights_;
  std::vector<uint16_t> zones_;   ///< of active members, numbered
  std::vector<uint16_t> active_;  ///< places of those that may be candidates
  std::vector<Weighed> best_;     ///< of each zone, while one slot is looked at
};

/// Of an older map's members those that stand in a newer one as they did.
constexpr uint16_t kGone = UINT16_MAX;
std::vector<uint16_t> kept_members(const Map& before, const Map& after) {
  std::vector<uint16_t> kept(before.members().size(), kGone);
  for (size_t i = 0; i < kept.size(); ++i) {
    const Member& old = before.members()[i];
    int at = after.find(old.disk);
    if (at < 0) continue;
    const Member& now = after.members()[static_cast<size_t>(at)];
    bool same = places(old) && places(now) && old.weight == now.weight && old.zone == now.zone;
    if (same) kept[i] = static_cast<uint16_t>(at);
  }
  return kept;
}

}  // namespace

uint32_t home_slot(uint32_t key_slot, const UnitId& unit, uint64_t offset) {
  if (offset == 0) return key_slot;
  return uint32_t{unit.bytes[0]} << 12 | uint32_t{unit.bytes[1]} << 4 | unit.bytes[2] >> 4;
}

std::vector<uint16_t> candidates_of(const Map& map, uint32_t slot) {
  Chooser chooser(map);
  std::vector<uint16_t> out(chooser.width());
  chooser.choose(slot, chooser.active(), out);
  return out;
}

Table::Table(MapRef map) : map_(std::move(map)) {
  auto active = std::ranges::count_if(map_->members(), places);
  width_ = std::min(kCandidates, static_cast<size_t>(active));
  rows_.resize(width_ * kSlots);
}

TableRef Table::build(MapRef map) {
  std::shared_ptr<Table> out(new Table(std::move(map)));
  Chooser chooser(*out->map_);
  if (out->width_ == 0) return out;
  for (uint32_t slot = 0; slot < kSlots; ++slot) {
    chooser.choose(slot, chooser.active(),
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
    chooser.choose(slot, gone ? chooser.active() : members, to);
  }
  return out;
}

}  // namespace forebay::place
