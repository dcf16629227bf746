// The body of an upload as it may be trusted: unframed from aws-chunked, counted, and compared with
// every hash and checksum the client gave. The last bytes are held back until all of that is right,
// and a source that does not verify fails instead of ending, so nothing wrong is ever committed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/held_text.h"
#include "gateway/s3/call.h"
#include "io/body.h"
#include "origin/origin.h"
#include "sign/chunked.h"

namespace forebay::gateway::s3 {

/// Bytes held back until the whole body has verified. An origin must not see the end before.
inline constexpr size_t kHoldBack = 16 << 10;
/// The largest object of one PUT and the largest part (S3: 5 GiB).
inline constexpr uint64_t kMaxPut = uint64_t{5} << 30;
/// A body that is read whole has so long in all, and a second more for each kWholeRate bytes of it
/// that have come: 2 MB may take a minute and a half, one byte now and then half a minute.
inline constexpr Duration kWholeGrace = seconds(30);
inline constexpr uint64_t kWholeRate = 32 << 10;

/// What the client said about its body, and what was found. Shared with the source that checks it.
struct Payload {
  uint64_t length = 0;       ///< decoded bytes
  origin::Fields checksums;  ///< header name → base64, of headers and, at the end, trailers
  std::unique_ptr<io::Source> source;
  std::shared_ptr<origin::Fields> trailing;  ///< filled when the body has verified
  std::string trailing_name;                 ///< of the checksum that comes as a trailer, or empty
};

/// Whose x-amz-checksum-* headers are: CompleteMultipartUpload's are those of the object it makes;
/// nobody's where an operation has no body.
enum class ChecksumsOf { body, object, none };

/// Reads the headers of `call` and makes the checking source, which holds back the last
/// `hold_back` bytes until all has verified; with 0 only its end tells.
/// Errors: MissingContentLength, EntityTooLarge, InvalidDigest (bad Content-MD5 or checksum value),
/// InvalidRequest (two checksums, unknown trailer, framing and signature that do not fit). The
/// source's: BadDigest, XAmzContentSHA256Mismatch, IncompleteBody, and those of sign/chunked.h.
Result<Payload> open_payload(Call& call, ChecksumsOf checksums = ChecksumsOf::body,
                             size_t hold_back = kHoldBack);

/// The same for a body that is only a part of the request's: `source` gives it, and `length` is
/// known. What is said of it stands in call.request.headers.
Result<Payload> open_payload_of(const Call& call, std::unique_ptr<io::Source> source,
                                uint64_t length);

/// Says them in `options`: what a put or a part does with its body's checksums.
void add_checksums(const Payload& payload, origin::PutOptions& options);

/// A whole small body (XML) verified the same way; over `limit` → MalformedXML. Its share of
/// Services::bodies grows with what has come; none left → SlowDown. Slower than kWholeGrace
/// allows → RequestTimeout.
Task<HeldText> read_payload(Call& call, uint64_t limit, Context ctx,
                            ChecksumsOf checksums = ChecksumsOf::body);

/// The body of an operation that has none: what is said of it must hold for no bytes, so that what
/// lost its body on the way is noticed. Bytes → UnexpectedContent; else the errors of open_payload.
Task<> read_no_body(Call& call, Context ctx);

}  // namespace forebay::gateway::s3
