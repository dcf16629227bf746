// Who fetches which bytes of a unit. Each byte is claimed by at most one stream at a time, so that
// no byte is asked of the origin twice; a reader far ahead of a stream takes over the bytes it
// wants instead of waiting for all those before them. Pure; guarded by its Fill's mutex.
#pragma once

#include <list>
#include <vector>

#include "unit/ranges.h"

namespace forebay::unit {

/// A stream's share: it has come to `at` and stops at `end`, which may shrink meanwhile (never
/// below at + kShare), or grow before it has come there.
struct Claim {
  uint64_t at = 0;
  uint64_t end = 0;
};

/// Offsets count from the unit's first byte.
class Claims {
 public:
  /// A reader this many bytes ahead of a stream gets a stream of its own. More than a stream moves
  /// between two looks at its claim.
  static constexpr uint64_t kOvertake = 4 << 20;

  /// Bytes of a share that is split off, and of what is left, but for a block's rounding. More than
  /// a stream moves between two looks too.
  static constexpr uint64_t kShare = 2 << 20;
  /// Shares begin at multiples of this.
  static constexpr uint64_t kShareStep = 1 << 20;

  explicit Claims(uint64_t length) : length_(length) {}

  /// Claims what of `range` is neither present nor claimed; the new claims, in order. They stay
  /// good until release().
  std::vector<Claim*> demand(ByteRange range);
  /// The stream of `claim` has written `bytes` more.
  void advance(Claim& claim, uint64_t bytes);
  /// Cuts what is left of the claim in so many equal shares, or as many as it has kShare for: it
  /// keeps the first; the others, new claims in order. None while nobody may overtake.
  std::vector<Claim*> split(Claim& claim, uint64_t shares);
  /// The stream of `claim` cannot go on: the one whose share ends there, and who has not come to
  /// its end, goes on through it. False when nobody does; else the claim is gone.
  bool give_back(Claim& claim);
  /// The stream of `claim` passes over the whole unit anyway: it takes what nobody else has before
  /// and behind its share too, and from now on nobody overtakes anybody.
  void widen(Claim& claim);
  /// The stream of `claim` is over; what it did not fetch is free again.
  void release(Claim& claim);

  const Ranges& present() const { return present_; }
  bool complete() const { return present_.total() == length_; }
  bool idle() const { return active_.empty(); }
  size_t active() const { return active_.size(); }
  bool overtaking() const { return overtaking_; }

 private:
  Claim* claim_at(uint64_t offset);
  uint64_t next_claim(uint64_t offset, uint64_t limit) const;

  uint64_t length_;
  Ranges present_;
  bool overtaking_ = true;
  std::list<Claim> active_;
};

}  // namespace forebay::unit
