// The rows by which members agree, besides their own (place::Member): what is proposed, and what
// each has confirmed (docs/formats/map.md).
#pragma once

#include "place/map.h"

namespace forebay::cluster {

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
