// What members say to one another in rows, besides maps: that they are there, and what they have
// confirmed (docs/formats/map.md). And the map that follows from who is there.
#pragma once

#include "place/map.h"

namespace forebay::cluster {

/// A member that is there. Its row differs with each lease: one that comes late must not move the
/// row back under a lease that nobody renews.
struct Presence {
  uint64_t lease = 0;
  place::Member member;

  std::string dump() const;
  /// What is not exactly one is Code::invalid.
  static Result<Presence> parse(std::string_view row);
};

/// What a member has said last.
struct Confirmation {
  uint64_t nonce = 0;    ///< the process that said it
  uint64_t version = 0;  ///< of the proposal: it acts on nothing that this takes from it
  bool left = false;     ///< it acts on nothing any more

  std::string dump() const;
  static Result<Confirmation> parse(std::string_view row);
};

/// The map that follows from who is there: those of `last` as they are now, others added. `live`:
/// the rows of all who are there. Null where it would be the same.
Result<place::MapRef> next_map(const place::Map* last, const std::vector<place::Member>& live);

}  // namespace forebay::cluster
