// Comparing what lies on a disk with the checksums taken when it arrived.
#pragma once

#include "base/names.h"
#include "base/result.h"
#include "disk/index/unit_map.h"
#include "io/file.h"

namespace forebay::disk {

/// The detail of the error when bytes were read but are not what they should be; any other
/// failure is the disk's.
inline constexpr const char* kChecksum = "CHECKSUM";

/// Reads `count` blocks of the unit from `first` on (and its record header, in a segment) and
/// compares. Blocks: for a few MiB at most per call. `file` is the unit's.
Result<> verify_blocks(io::File& file, const UnitId& id, const Unit& unit, uint64_t first,
                       uint64_t count);

/// How many blocks one call should take, so that a pool thread is not held for long.
inline constexpr uint64_t kVerifyBlocks = 8;

}  // namespace forebay::disk
