#include "auth/guard.h"

#include <boost/container/small_vector.hpp>

namespace forebay::auth {

namespace {

obs::Counter& refusals(obs::Registry& metrics, const GuardOptions& options,
                       std::string_view reason) {
  return metrics.counter("forebay_auth_refusals_total", "Requests whose sender was not accepted.",
                         {{"door", options.door}, {"reason", std::string(reason)}});
}

}  // namespace

Guard::Guard(const Keys& keys, obs::Registry& metrics, GuardOptions options)
    : keys_(keys),
      options_(std::move(options)),
      signature_refusals_(refusals(metrics, options_, "signature")),
      key_refusals_(refusals(metrics, options_, "key")),
      time_refusals_(refusals(metrics, options_, "time")),
      other_refusals_(refusals(metrics, options_, "other")) {}

Result<Verified> Guard::authenticate(const http::Request& request, WallTime now) {
  Result<Verified> result = check(request, now);
  if (!result) {
    const std::string& detail = result.error().detail();
    if (detail == "SignatureDoesNotMatch") {
      signature_refusals_.add();
    } else if (detail == "InvalidAccessKeyId" || detail == "InvalidToken") {
      key_refusals_.add();
    } else if (detail == "RequestTimeTooSkewed") {
      time_refusals_.add();
    } else {
      other_refusals_.add();
    }
  }
  return result;
}

Result<Verified> Guard::check(const http::Request& request, WallTime now) {
  boost::container::small_vector<sign::Header, 48> headers;
  for (const http::Header& header : request.headers) {
    headers.push_back({header.name, header.value});
  }
  sign::RequestView view{
      request.method, request.path, request.query, {headers.data(), headers.size()}};
  Result<std::optional<sign::Claim>> claim = sign::parse(view, options_.service);
  if (!claim) return std::move(claim.error());
  std::optional<sign::Claim>& given = *claim;
  if (!given) return Verified{};
  if (!given->session_token.empty()) {
    return fail(Code::denied, "The provided token is malformed or otherwise invalid.",
                "InvalidToken");
  }
  std::shared_ptr<const AccessKey> known = keys_.find(given->access_key);
  if (known == nullptr || !known->enabled) {
    return fail(Code::denied, "The AWS Access Key Id you provided does not exist in our records.",
                "InvalidAccessKeyId");
  }
  HmacKey key = signing_keys_.get(known->id, known->secret, given->scope);
  if (Result<> good = sign::verify(*given, view, key, now); !good) {
    return std::move(good.error());
  }
  Principal principal{known->root ? Principal::Kind::root : Principal::Kind::key, known->id};
  return Verified{std::move(principal), std::move(given), key};
}

Result<> may(const Principal& principal, std::string_view action, std::string_view,
             std::string_view) {
  bool allowed = false;
  switch (principal.kind) {
    case Principal::Kind::root: allowed = true; break;
    case Principal::Kind::key: allowed = !action.starts_with(kAdminActions); break;
    case Principal::Kind::anonymous: break;
  }
  if (allowed) return ok;
  return fail(Code::denied, "Access Denied", "AccessDenied");
}

}  // namespace forebay::auth
