// A body whose checksum is known only behind it, as S3 takes it: aws-chunked in one chunk, with the
// checksum as a trailer and nothing signed (S3 API reference, "Including Trailing Headers").
#pragma once

#include <memory>
#include <string>

#include "http/message.h"
#include "origin/origin.h"

namespace forebay::origin {

/// Frames `body`, of known length, and adds the headers that say so but x-amz-content-sha256.
/// `trailing` has `kind`'s checksum once the body's source has ended.
io::Body s3_with_trailer(io::Body body, ChecksumKind kind, std::shared_ptr<const Fields> trailing,
                         http::HeadFields& fields);

}  // namespace forebay::origin
