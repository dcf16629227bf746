// The server's side of AWS Signature Version 4 for S3, in two steps, because the key must be looked
// up between them: parse() reads what the request claims, verify() checks the claim with the key.
// Every refusal carries S3's own error code in Error::detail().
//
// Canonical form, as S3 has it: the path is not normalised and not encoded twice; the query is
// sorted by encoded name, then value; header values are trimmed and inner runs of blanks become one
// space; repeated headers are joined by ','. Clients differ in what they percent-encode on the
// wire: the form re-encoded by the rules of SigV4 is tried first, the bytes as sent second.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/result.h"
#include "base/time.h"
#include "sign/key.h"
#include "sign/payload.h"
#include "sign/request.h"

namespace forebay::sign {

/// How far a client's clock may be off (S3: RequestTimeTooSkewed beyond 15 minutes).
inline constexpr Duration kMaxSkew = seconds(15 * 60);
/// The longest life of a presigned URL (seven days).
inline constexpr Duration kMaxExpires = seconds(7 * 24 * 3600);

/// What a request claims about itself. Views point into the request's bytes or into memory the
/// claim owns; it may be moved, and must not outlive the request. Nothing here is proven yet.
struct Claim {
  enum class Form { header, presigned, form };

  Form form = Form::header;
  std::string_view access_key;
  Scope scope;
  std::string_view scope_text;       ///< "20130524/us-east-1/s3/aws4_request"
  std::string_view signed_headers;   ///< names joined by ';', as sent
  std::string_view signature;        ///< 64 hex digits; the seed of signed chunks
  std::string_view session_token;    ///< x-amz-security-token; empty without
  std::array<char, 16> timestamp{};  ///< "20130524T000000Z"
  WallTime date;
  Duration expires;               ///< presigned only: life from `date` on
  std::string_view payload_line;  ///< what stands for the body in the canonical request
  Payload payload;                ///< the form of the body that follows

  std::string_view timestamp_text() const { return {timestamp.data(), timestamp.size()}; }

  std::unique_ptr<char[]> decoded;  ///< backs the views of a presigned query
};

/// Reads the claim of a request. No Authorization header and no signing parameter: an empty
/// optional, the request is anonymous. Dates are checked by verify(). `service` is the one this
/// endpoint belongs to; a claim for another is AuthorizationHeaderMalformed.
///
/// A header-signed request without x-amz-content-sha256 counts as signed over an empty body; with
/// a body it is refused (docs/adr/0004-missing-content-sha256.md).
///
/// Errors (detail): AuthorizationHeaderMalformed, AuthorizationQueryParametersError,
/// InvalidArgument (two mechanisms, unknown mechanism, bad x-amz-content-sha256), InvalidRequest
/// (Signature Version 2, missing x-amz-content-sha256), AccessDenied (no date), NotImplemented
/// (SigV4A).
Result<std::optional<Claim>> parse(const RequestView& request, std::string_view service = "s3");

/// Checks the claim that parse() read from the same request against the key of its scope.
///
/// Errors (detail): RequestTimeTooSkewed; AccessDenied (expired, not valid yet, unsigned x-amz-*
/// headers or host); SignatureDoesNotMatch; InvalidRequest (too many headers or parameters).
Result<> verify(const Claim& claim, const RequestView& request, const HmacKey& key, WallTime now);

/// What the server signed, for the answer to SignatureDoesNotMatch (S3 shows both to the client)
/// and for tests.
struct Explanation {
  std::string canonical_request;
  std::string string_to_sign;
};
Explanation explain(const Claim& claim, const RequestView& request);

}  // namespace forebay::sign
