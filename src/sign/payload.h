// The forms in which S3 clients send a body, as x-amz-content-sha256 announces them (S3 API
// reference, "Authenticating Requests: Using the Authorization Header").
#pragma once

#include <string_view>

#include "base/hash.h"
#include "base/result.h"

namespace forebay::sign {

/// How the body is protected and framed.
enum class PayloadKind {
  hash,                       ///< plain body; its SHA-256 is given and signed
  unsigned_body,              ///< plain body, not covered: UNSIGNED-PAYLOAD
  streaming_signed,           ///< aws-chunked, each chunk signed
  streaming_signed_trailer,   ///< the same with signed trailers
  streaming_unsigned_trailer  ///< aws-chunked with trailers, nothing signed
};

/// Whether the body arrives as aws-chunked and needs a ChunkedPayload.
constexpr bool is_chunked(PayloadKind kind) {
  return kind != PayloadKind::hash && kind != PayloadKind::unsigned_body;
}
/// Whether every chunk carries a signature.
constexpr bool has_chunk_signatures(PayloadKind kind) {
  return kind == PayloadKind::streaming_signed || kind == PayloadKind::streaming_signed_trailer;
}
/// Whether trailers may follow the last chunk.
constexpr bool has_trailers(PayloadKind kind) {
  return kind == PayloadKind::streaming_signed_trailer ||
         kind == PayloadKind::streaming_unsigned_trailer;
}

/// The SHA-256 of no bytes, in hex.
inline constexpr std::string_view kEmptySha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

/// One announced payload.
struct Payload {
  PayloadKind kind = PayloadKind::unsigned_body;
  Digest256 sha256{};  ///< what the body must hash to; only for PayloadKind::hash

  /// Reads a value of x-amz-content-sha256. Errors: InvalidArgument; NotImplemented for the ECDSA
  /// (SigV4A) forms.
  static Result<Payload> parse(std::string_view value);
};

/// The announcing word; empty for PayloadKind::hash, whose word is the hash itself.
std::string_view word(PayloadKind kind);

}  // namespace forebay::sign
