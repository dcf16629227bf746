// Bring: all of an object is fetched into the cache before anybody reads it.
#pragma once

#include <cstdint>

#include "object/heads.h"
#include "unit/cache.h"

namespace forebay::object {

/// How far an object has come, in bytes. Written by bring(), read by whoever shows it; one loop.
struct Brought {
  uint64_t here = 0;     ///< were here already
  uint64_t fetched = 0;  ///< have come since, for this or for somebody else
};

/// Whether all of the version in `head` is here. Counts as a use of what is.
Task<bool> all_here(unit::Cache& cache [[clang::lifetimebound]], HeadRef head, Context ctx);

/// Fetches what is missing of the version in `head`, which has a strong tag, several units at once;
/// returns when all is here. Objects of one origin are begun in the order in which they are asked
/// for. The first error ends it: Code::busy, "ENOSPC", where the cache has no room for a unit;
/// Code::conflict or Code::not_found where the version is not the current one any more.
Task<> bring(unit::Cache& cache [[clang::lifetimebound]], HeadRef head,
             Brought& so_far [[clang::lifetimebound]], Context ctx);

}  // namespace forebay::object
