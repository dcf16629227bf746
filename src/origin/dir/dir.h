// `dir`: a folder of this machine (or one it has mounted) as an origin. Each key is a file; what
// S3 knows beside its bytes is kept in an extended attribute. Forebay writes by temporary file and
// rename, so a file never holds half a version; others may write into the folder too.
// docs/formats/dir-origin.md says what lies where and what cannot be seen.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/allowance.h"
#include "io/lane.h"
#include "io/md5_lanes.h"
#include "origin/origin.h"
#include "origin/parts.h"

namespace forebay::io {
class Loop;
}

namespace forebay::origin {

struct DirOptions {
  std::string path;              ///< absolute
  bool create = false;           ///< make the folder when it is missing, else it is NoSuchBucket
  uint64_t min_part = kMinPart;  ///< smaller parts but the last are refused
  std::shared_ptr<Meter> meter = nullptr;
  /// What bodies that are being written may gather, all together; who finds none left writes what
  /// comes as it comes.
  std::shared_ptr<Allowance> blocks = std::make_shared<Allowance>(64 << 20);
  /// What documents may take, all together: a list that finds no more room ends its page there.
  std::shared_ptr<Allowance> documents = std::make_shared<Allowance>(64 << 20);
  /// Of whoever else reckons MD5s.
  std::shared_ptr<io::Md5Lanes> md5 = std::make_shared<io::Md5Lanes>();
  /// Where its calls block. Calls that walk folders have a lane of their own: one costs as much as
  /// thousands of the others. Null: the engine's own.
  std::shared_ptr<io::Lane> lane = nullptr;
  std::shared_ptr<io::Lane> walks = nullptr;
  /// Asked before the folder is opened; its error is that of the call that would have opened it,
  /// and the next one asks again. Blocks in the lane, on any thread. Null: it may be opened.
  std::function<Result<>()> allowed = nullptr;
};

/// Sets the lanes of one folder: few calls at once, and none that waits for ever. What hangs (a
/// network file system without its server) then holds up its own callers only.
void add_dir_lanes(DirOptions& options, io::Loop& loop);

/// Touches nothing yet: the folder is opened by the first call. Conditions of writes hold among
/// writers through this object; If-None-Match also against everybody else.
std::unique_ptr<Origin> make_dir_origin(DirOptions options);

/// Removes the folder of a bucket that is no more, with all that is Forebay's in it. One that holds
/// a key stays as it is.
Task<> discard_dir(DirOptions options, Context ctx);

}  // namespace forebay::origin
