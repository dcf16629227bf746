// What a `dir` origin keeps beside a file's bytes: the S3 side of an object, as JSON in the
// extended attribute `user.forebay` (docs/formats/dir-origin.md). And the names of a file's bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/file.h"
#include "origin/origin.h"

namespace forebay::origin {

/// `count` parts of `size` bytes in a row.
struct PartRun {
  uint64_t size = 0;
  uint32_t count = 0;
  bool operator==(const PartRun&) const = default;
};

struct DirRecord {
  /// Of the file when it was written: a record that does not match its file describes other bytes
  /// and counts as missing.
  uint64_t size = 0;
  WallTime modified = {};
  ETag etag = {};
  Fields fields = {};
  TagSet tags = {};
  Fields checksums = {};
  std::vector<PartRun> parts = {};  ///< empty: not uploaded in parts

  bool describes(const io::FileStat& stat) const {
    return stat.size == size && stat.modified == modified;
  }
};

inline constexpr const char* kDirAttribute = "user.forebay";

std::string encode(const DirRecord& record);
/// Not a record of a version we know → Code::corrupt.
Result<DirRecord> parse_dir_record(std::string_view text);

/// An upload's own file.
struct DirUpload {
  std::string key;
  WallTime initiated = {};
  Fields fields = {};
  TagSet tags = {};
  std::optional<ChecksumPlan> plan = {};
};
std::string encode(const DirUpload& upload);
/// Not an upload of a version we know → Code::corrupt.
Result<DirUpload> parse_dir_upload(std::string_view text);

/// What an upload came to, for a client that lost the answer and asks again.
struct DirCompleted {
  std::string key;
  std::string asked;  ///< a fingerprint of the parts that were named and of what else was stated
  std::string temp;   ///< the file that became the object: while it is there, it has not
  ETag etag = {};
  Fields checksums = {};
  WallTime at = {};
};
std::string encode(const DirCompleted& completed);
/// Not of a version we know → Code::corrupt.
Result<DirCompleted> parse_dir_completed(std::string_view text);

/// Device, inode, size, mtime and ctime: names a file's bytes once they have settled.
std::string dir_identity(const io::FileStat& stat);
/// Whether one clock tick may still hide a rewrite: the mtime is less than 2 s before `now`, or
/// after it.
bool dir_unsettled(const io::FileStat& stat, WallTime now);
/// The ETag of a file without a record: stable, neither like an MD5 nor like "…-N".
ETag dir_etag(const io::FileStat& stat);
/// Where the record of a file lies when attributes cannot hold it; stable under rename.
std::string dir_record_path(const io::FileStat& stat);

}  // namespace forebay::origin
