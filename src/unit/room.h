// Room on disk, also when it must be made first.
#pragma once

#include <memory>

#include "disk/store.h"

namespace forebay::unit {

/// As disk::Store::reserve(). A refusal makes the evictor hurry, and most often there is room a
/// moment later: asks again for 20 ms.
Task<disk::Reservation> reserve_soon(std::shared_ptr<disk::Store> store, UnitId id, uint64_t bytes,
                                     Context ctx);
/// The same of disk::Writer::grow().
Task<> grow_soon(std::shared_ptr<disk::Writer> writer, uint64_t bytes, Context ctx);

}  // namespace forebay::unit
