// Signature Version 4 of a form that a browser sends (S3 API reference, "POST Object"): it stands
// in fields of the form, and covers the policy in it and nothing else. What the policy allows is
// for whoever reads it.
#pragma once

#include <string_view>

#include "sign/sigv4.h"

namespace forebay::sign {

/// Fields of a form as they were sent; empty where it has none.
struct FormFields {
  std::string_view policy;  ///< base64, which is what was signed
  std::string_view algorithm, credential, date, signature, security_token;
};

/// Reads what a form claims; nothing without a policy: it is anonymous. Its views are those of
/// `fields`. Errors (detail): InvalidArgument (a field is missing or bad), NotImplemented (SigV4A).
Result<std::optional<Claim>> parse_form(const FormFields& fields, std::string_view service = "s3");

/// Checks that claim against the key of its scope. A form is signed before it is filled in, so its
/// date may be kMaxExpires old. Errors (detail): AccessDenied (older, or not valid yet);
/// SignatureDoesNotMatch.
Result<> verify_form(const Claim& claim, std::string_view policy, const HmacKey& key, WallTime now);

}  // namespace forebay::sign
