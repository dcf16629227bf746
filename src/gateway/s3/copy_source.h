// What x-amz-copy-source and the headers that come with it say, read in one place for CopyObject
// and UploadPartCopy.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/s3/call.h"
#include "object/copy.h"

namespace forebay::gateway::s3 {

/// An object as x-amz-copy-source names it; nothing is known of whether it is there.
struct CopySource {
  std::string bucket;
  std::string key;
  std::string version_id = {};  ///< empty: what is current
  bool operator==(const CopySource&) const = default;
};

/// Reads "bucket/key" or "/bucket/key", percent-encoded ('+' is a space, as S3 has it), with
/// "?versionId=…" behind it or not. Any other '?' must be encoded. Code::invalid,
/// "InvalidArgument", for anything else; "NotImplemented" for the ARN of an access point. Pure.
Result<CopySource> parse_copy_source(std::string_view header);

/// Reads "bytes=first-last", both there and in order. Else Code::invalid, "InvalidArgument". Pure.
Result<ByteRange> parse_copy_range(std::string_view header);

/// COPY or REPLACE: whether it is the latter. Absent: COPY. Else Code::invalid, "InvalidArgument".
Result<bool> replaces(std::optional<std::string_view> directive, std::string_view header);

/// Source, target, conditions and limit of a copy whose sender may read the one and write the
/// other.
Result<object::CopyRequest> read_copy_request(Call& call);

/// `root` with ETag, LastModified and checksums, and the version ids as headers.
http::Response copy_response(std::string_view root, const object::CopyAnswer& copied);

}  // namespace forebay::gateway::s3
