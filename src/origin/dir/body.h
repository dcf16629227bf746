// The body of a file that others may be writing to: it ends in an error rather than mix two
// versions.
#pragma once

#include <memory>

#include "base/allowance.h"
#include "io/body.h"
#include "origin/origin.h"

namespace forebay::origin {

/// Bytes up to this size are read at once, with the file's opening.
inline constexpr uint64_t kDirSmall = 64 << 10;

/// Gives `range` of `file`. Each chunk is given only after the file's size and mtime were seen to
/// be those of `stat`; the last 64 KiB are given from memory, checked after they were read. A file
/// that changed → Code::conflict, "PreconditionFailed".
///
/// With `copy`, all chunks are given from memory: for files that may be rewritten in place right
/// now, where bytes under way by sendfile could still change.
///
/// `memory`: who reads slowly holds what was read for him. Up to 64 KiB of it, while there is some
/// left; else 16 KiB.
io::Body dir_body(std::shared_ptr<io::File> file, const io::FileStat& stat, ByteRange range,
                  bool copy, std::shared_ptr<Meter> meter, Allowance::Share memory);

/// Reads `range` (at most kDirSmall) into memory and checks; they hold `memory` as long as they
/// live. May block.
Result<Bytes> dir_read(io::File& file, const io::FileStat& stat, ByteRange range,
                       Allowance::Share memory);

}  // namespace forebay::origin
