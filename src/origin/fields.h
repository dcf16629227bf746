// What an object carries beside its bytes: header fields, tags, and what kind of checksum.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"

namespace forebay::origin {

/// Header fields that belong to an object and are returned as the origin gave them, lower-case
/// names: content-type, content-encoding, cache-control, content-disposition, content-language,
/// expires, x-amz-meta-*, x-amz-storage-class, and others kept verbatim.
using Fields = std::map<std::string, std::string>;

/// An object's tags as S3 has them (names and values; "tag set"), in no order. Nothing to do with
/// Tag, which names bytes.
using TagSet = std::vector<std::pair<std::string, std::string>>;

/// Among Fields: how many tags there are; not there when there are none.
inline constexpr std::string_view kTaggingCount = "x-amz-tagging-count";

/// Among Fields: how the object is encrypted at rest. In a write: how it must be.
inline constexpr std::string_view kEncryptionField = "x-amz-server-side-encryption";

/// What the checksum of an object in parts is made of.
enum class ChecksumType {
  composite,   ///< the checksum of its parts' checksums, written with "-N"
  full_object  ///< that of all its bytes
};

/// What an upload's parts carry and its whole will have.
struct ChecksumPlan {
  ChecksumKind kind = ChecksumKind::crc32;
  ChecksumType type = ChecksumType::composite;
  bool operator==(const ChecksumPlan&) const = default;
};

}  // namespace forebay::origin
