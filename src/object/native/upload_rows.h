// Rows of uploads to a native bucket, and of their parts (docs/formats/native-head.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "object/native/head_row.h"
#include "origin/origin.h"

namespace forebay::object {

struct NativeUpload {
  WallTime initiated = {};
  origin::Fields fields = {};
  origin::TagSet tags = {};
  std::optional<origin::ChecksumPlan> plan = {};
  bool operator==(const NativeUpload&) const = default;
};

struct NativePart {
  uint64_t size = 0;
  Sixteen md5{};
  WallTime modified = {};
  Sixteen write{};
  origin::Fields checksums = {};

  ETag etag() const;
  origin::PartInfo info(uint32_t number) const;
  bool operator==(const NativePart&) const = default;
};

/// Longer than kMaxUploadRow → Code::too_large, "MetadataTooLarge".
Result<std::string> encode(const NativeUpload& upload);
std::string encode(const NativePart& part);
/// A version we do not know → Code::invalid; what is no row → Code::corrupt.
Result<NativeUpload> parse_native_upload(std::string_view row);
Result<NativePart> parse_native_part(std::string_view row);

}  // namespace forebay::object
