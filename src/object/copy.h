// What a copy is told and tells: CopyObject, and UploadPartCopy when it names a part. Store::copy()
// carries it out.
#pragma once

#include <optional>
#include <string>

#include "object/bucket.h"
#include "object/conditions.h"

namespace forebay::object {

struct CopyRequest {
  BucketRef source;
  ObjectKey source_key;
  std::string version_id = {};     ///< of the source, as a client names it; empty: what is current
  ReadConditions conditions = {};  ///< of the source; not if_range
  uint64_t limit = 0;              ///< most bytes that are copied at once

  BucketRef bucket;
  ObjectKey key;
  /// Else the source's type and metadata go along; options.fields add to them then.
  bool replace_fields = false;
  bool replace_tags = false;
  origin::PutOptions options = {};
  std::optional<ChecksumKind> checksum = {};  ///< that the copy is to have

  std::string upload_id = {};  ///< of a part, and then also:
  uint32_t part_number = 0;    ///< 0: an object is copied
  std::optional<ByteRange> range = {};
};

struct CopyAnswer {
  ETag etag = {};
  WallTime modified = {};
  std::string version_id = {};
  std::string source_version_id = {};
  origin::Fields checksums = {};  ///< as ObjectInfo's
  origin::Fields encryption = {};
};

}  // namespace forebay::object
