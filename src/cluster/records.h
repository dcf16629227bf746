// What members say to one another in rows, besides maps: that they are there, and what they have
// confirmed (docs/formats/map.md). And the map that follows from who is there.
#pragma once

#include "place/map.h"

namespace forebay::cluster {

/// Which map is in force, and which is to follow it.
struct MapState {
  uint64_t active = 0;    ///< its version; 0: none
  uint64_t proposed = 0;  ///< the same one once it is in force

  std::string dump() const;
  /// What is not exactly one is Code::invalid.
  static Result<MapState> parse(std::string_view row);
};

/// A member that is there. Its row differs each time it is put: one that comes late must not move
/// the row back under a lease that nobody renews.
struct Presence {
  uint64_t lease = 0;
  uint64_t put = 0;  ///< counts the process's rows
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

/// The map that follows from who is there: those of `last` as they are now, others added, unless
/// their name is another's that is not down, or there are too many. `live`: all who are there. Null
/// where it would be the same.
Result<place::MapRef> next_map(const place::Map* last, const std::vector<place::Member>& live);

}  // namespace forebay::cluster
