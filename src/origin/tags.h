// How S3-like origins name versions: one rule for all of them, so that a tag written to a disk by
// one build is understood by the next.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/names.h"

namespace forebay::origin {

/// The tag of a version: its id where the origin has versions ("null" is the unversioned one and
/// names nothing), else a strong ETag and the size. Neither → an empty Tag: do not cache.
Tag version_tag(std::string_view version_id, const ETag& etag, uint64_t size);

/// The ETag S3 gives to parts joined into an object: MD5 over their raw MD5s, "-", their number.
/// `part_digests` is their concatenation, 16 bytes each.
ETag multipart_etag(std::string_view part_digests);

}  // namespace forebay::origin
