#include "place/chooser.h"

#include <array>
#include <limits>

#include "base/check.h"

namespace forebay::place {

static_assert(Map::kMaxMembers <= std::numeric_limits<uint16_t>::max());

Chooser::Chooser(const Map& map) : zones_(map.members().size()) {
  std::vector<std::string_view> names;
  for (size_t i = 0; i < map.members().size(); ++i) {
    const Member& member = map.members()[i];
    weights_.emplace_back(member.disk, member.weight);
    if (!is_candidate(member)) continue;
    active_.push_back(static_cast<uint16_t>(i));
    auto found = std::ranges::find(names, member.zone);
    zones_[i] = static_cast<uint16_t>(found - names.begin());
    if (found == names.end()) names.emplace_back(member.zone);
  }
  zone_count_ = names.size();
}

// The first of each zone and the first `out.size()` of all are enough to know.
void Chooser::choose(uint32_t slot, std::span<const uint16_t> members, std::span<Weighed> scratch,
                     std::span<uint16_t> out) const {
  std::ranges::fill(scratch, Weighed{});
  std::array<Weighed, kCandidates> first;
  size_t held = 0;
  for (uint16_t member : members) {
    Weighed now{weights_[member].cost(slot), member};
    Weighed& best = scratch[zones_[member]];
    if (now < best) best = now;
    if (held == out.size() && now > first[held - 1]) continue;
    if (held < out.size()) ++held;
    size_t at = held - 1;
    for (; at > 0 && now < first[at - 1]; --at) first[at] = first[at - 1];
    first[at] = now;
  }
  size_t apart = std::min(out.size(), scratch.size());
  std::ranges::partial_sort(scratch, scratch.begin() + static_cast<ptrdiff_t>(apart));
  size_t taken = 0;
  while (taken < apart && scratch[taken] != Weighed{}) {
    out[taken] = scratch[taken].member;
    ++taken;
  }
  for (size_t i = 0; i < held && taken < out.size(); ++i) {
    bool there = std::ranges::find(out.first(taken), first[i].member) != out.begin() + taken;
    if (!there) out[taken++] = first[i].member;
  }
  check(taken == out.size(), "a slot has as many candidates as there can be");
}

int Chooser::first(uint32_t slot) const {
  Weighed first;
  for (uint16_t member : active_) first = std::min(first, {weights_[member].cost(slot), member});
  return active_.empty() ? -1 : first.member;
}

}  // namespace forebay::place
