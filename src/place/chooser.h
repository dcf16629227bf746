// Chooser: the rule of candidates, over the members of one map (docs/formats/placement.md). What
// placements are made of.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "place/map.h"
#include "place/weigh.h"

namespace forebay::place {

/// The candidates of a slot: at most so many.
inline constexpr size_t kCandidates = 8;

/// Whether anything is placed on it.
inline bool is_candidate(const Member& member) { return member.state == MemberState::active; }

/// One member weighed for one slot. Of equal costs the first disk's goes first, as members stand.
struct Weighed {
  uint64_t cost = UINT64_MAX;
  uint16_t member = UINT16_MAX;
  auto operator<=>(const Weighed&) const = default;
};

/// Immutable; any thread. Members are told by their places in the map.
class Chooser {
 public:
  explicit Chooser(const Map& map);

  /// Those that may be candidates.
  const std::vector<uint16_t>& active() const { return active_; }
  /// How many candidates each slot has.
  size_t width() const { return std::min(kCandidates, active_.size()); }
  /// How many zones there are among them.
  size_t zones() const { return zone_count_; }

  /// `out` gets the candidates among `members`, as many as it is long and there are: of each zone
  /// the first one, then the others, by cost. `scratch` is zones() long.
  void choose(uint32_t slot, std::span<const uint16_t> members, std::span<Weighed> scratch,
              std::span<uint16_t> out) const;
  /// The first of all, or -1.
  int first(uint32_t slot) const;

 private:
  std::vector<Weight> weights_;
  std::vector<uint16_t> zones_;  ///< of active members, numbered
  std::vector<uint16_t> active_;
  size_t zone_count_ = 0;
};

}  // namespace forebay::place
