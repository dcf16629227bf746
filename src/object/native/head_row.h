// The rows of a native bucket: what is kept of an object, of an upload and of a part, as bytes
// (docs/formats/native-head.md). A row is all there is of an object beside its units: which of them
// are its bytes stands here and nowhere else.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meta/store.h"
#include "object/layout.h"
#include "origin/origin.h"

namespace forebay::object {

/// Sixteen bytes: a random name of what one write has written, or an MD5.
using Sixteen = std::array<std::byte, 16>;
/// 32 lower-case hex digits; anything else is nothing.
std::optional<Sixteen> parse_sixteen(std::string_view hex);

/// No head row is longer that is written now. One transaction holds the row that was current, the
/// same as an older version's, and the new one, and completes an upload in the same step; or it
/// holds the row that goes, and twice the one that becomes current again.
inline constexpr size_t kMaxHeadRow = 330'000;
inline constexpr size_t kMaxUploadRow = 40'000;
static_assert(3 * kMaxHeadRow + kMaxUploadRow + 6 * meta::kMaxKeyBytes <= meta::kMaxTxnBytes);

/// A part that has become a piece of an object.
struct NativePiece {
  uint64_t size = 0;
  Sixteen write{};  ///< the part's own write id
  origin::Fields checksums = {};
  bool operator==(const NativePiece&) const = default;
};

/// Where a version stands among those of its key, as 32 lower-case hex digits: the later it was
/// written, the earlier it sorts. Its second half is random.
std::string version_order(WallTime modified, const Sixteen& write);

/// An object, or a version of one, or a delete marker.
struct NativeHead {
  uint64_t size = 0;
  WallTime modified = {};
  Sixteen md5{};                         ///< the digest of the ETag
  Sixteen write{};                       ///< new with every version: its Tag
  std::vector<NativePiece> pieces = {};  ///< in order; empty: written by one put
  origin::Fields fields = {};
  origin::Fields checksums = {};
  origin::TagSet tags = {};
  std::string upload = {};               ///< the id of the upload it came from
  std::string completion = {};           ///< origin::completion_fingerprint() of what completed it
  std::vector<std::string> copies = {};  ///< the nodes that hold its bytes, 32 hex digits each
  bool own_id = false;                   ///< has a version id of its own; else it is "null"
  bool marker = false;                   ///< a delete marker: nothing but a date and a name
  /// Of a current one: order() of the older version that is "null"; empty: none is.
  std::string null_order = {};
  /// Of one that was renamed: the key it was written under, by which its units are named.
  std::string named_by = {};

  ETag etag() const;
  Tag tag() const;
  std::string order() const { return version_order(modified, write); }
  std::string version_id() const { return own_id ? order() : std::string(origin::kNullVersion); }
  /// As clients see it, with all that a head tells.
  origin::ObjectInfo info() const;
  /// How it is cut into units; nothing when its pieces are not the object.
  std::optional<Layout> layout(uint64_t unit_max) const;
  bool operator==(const NativeHead&) const = default;
};

/// Always in the newest form. Checksums of pieces are left out where the row would be longer than
/// kMaxHeadRow with them. What is longer still → Code::too_large, "MetadataTooLarge".
Result<std::string> encode(const NativeHead& head);
/// A version we do not know → Code::invalid; what is no row → Code::corrupt.
Result<NativeHead> parse_native_head(std::string_view row);

/// Whether that row is a delete marker's. Only looks at its front, which may be no row's.
bool is_marker_row(std::string_view row);

/// What a list tells of an object, and what settles a commit: little is read for it.
struct NativeSummary {
  uint64_t size = 0;
  WallTime modified = {};
  ETag etag = {};
  Sixteen write{};
  bool own_id = false;
  bool marker = false;
  std::optional<origin::ChecksumPlan> checksum = {};
  std::string order() const { return version_order(modified, write); }
};
/// Errors as parse_native_head(), for the part that it reads.
Result<NativeSummary> parse_native_summary(std::string_view row);

}  // namespace forebay::object
