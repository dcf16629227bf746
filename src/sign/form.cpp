#include "sign/form.h"

#include "base/encoding.h"
#include "sign/credential.h"
#include "sign/text.h"

namespace forebay::sign {

namespace {

Error form_malformed(std::string_view why) {
  return fail(Code::invalid, std::string(why), "InvalidArgument");
}

}  // namespace

Result<std::optional<Claim>> parse_form(const FormFields& fields, std::string_view service) {
  if (fields.policy.empty()) return std::optional<Claim>{};
  for (auto [name, value] :
       {std::pair("X-Amz-Algorithm", fields.algorithm),
        std::pair("X-Amz-Credential", fields.credential), std::pair("X-Amz-Date", fields.date),
        std::pair("X-Amz-Signature", fields.signature)}) {
    if (!value.empty()) continue;
    return form_malformed("Bucket POST must contain a field named '" + std::string(name) +
                          "'.  If it is specified, please check the order of the fields.");
  }
  if (fields.algorithm.starts_with("AWS4-ECDSA-")) {
    return fail(Code::invalid, "Signature Version 4A (ECDSA) is not implemented", "NotImplemented");
  }
  if (fields.algorithm != kAlgorithm) {
    return form_malformed("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
  }
  Claim claim;
  claim.form = Claim::Form::form;
  Result<> read = read_credential(claim, fields.credential, service, form_malformed);
  if (!read) return std::move(read.error());
  auto when = parse_amz_date(fields.date);
  if (!when) return form_malformed("X-Amz-Date must be formatted via ISO8601 Basic format");
  std::ranges::copy(fields.date, claim.timestamp.begin());
  claim.date = *when;
  if (Result<> same = check_scope_date(claim, form_malformed); !same) {
    return std::move(same.error());
  }
  claim.signature = fields.signature;
  claim.session_token = fields.security_token;
  return claim;
}

Result<> verify_form(const Claim& claim, std::string_view policy, const HmacKey& key,
                     WallTime now) {
  if (claim.date.ns - now.ns > kMaxSkew.ns) {
    return fail(Code::denied, "The form is not valid yet", "AccessDenied");
  }
  if (now.ns - claim.date.ns > kMaxExpires.ns) {
    return fail(Code::denied, "The form's signature is more than seven days old", "AccessDenied");
  }
  Hex256 expected = hex_of(key.sign(as_bytes(policy)));
  if (same_secretly(view(expected), claim.signature)) return ok;
  return fail(Code::denied,
              "The request signature we calculated does not match the signature you provided. "
              "Check your key and signing method.",
              "SignatureDoesNotMatch");
}

}  // namespace forebay::sign
