#include "auth/guard.h"

#include <boost/container/small_vector.hpp>

namespace forebay::auth {

namespace {

obs::Counter& refusals(obs::Registry& metrics, const GuardOptions& options,
                       std::string_view reason) {
  return metrics.counter("forebay_auth_refusals_total", "Requests whose sender was not accepted.",
                         {{"door", options.door}, {"reason", std::string(reason)}});
}

Principal principal_of(const AccessKey& key) {
  return {key.root ? Principal::Kind::root : Principal::Kind::key, key.id};
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
  return counted(check(request, now));
}

Result<Verified> Guard::authenticate_form(const sign::FormFields& form, WallTime now) {
  return counted(check_form(form, now));
}

Result<Verified> Guard::counted(Result<Verified> result) {
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
  Result<Known> known = find(*given);
  if (!known) return std::move(known.error());
  const auto& [who, key] = *known;
  if (Result<> good = sign::verify(*given, view, key, now); !good) {
    return std::move(good.error());
  }
  return Verified{principal_of(*who), std::move(given), key};
}

Result<Guard::Known> Guard::find(const sign::Claim& claim) {
  if (!claim.session_token.empty()) {
    return fail(Code::denied, "The provided token is malformed or otherwise invalid.",
                "InvalidToken");
  }
  std::shared_ptr<const AccessKey> who = keys_.find(claim.access_key);
  if (who == nullptr || !who->enabled) {
    return fail(Code::denied, "The AWS Access Key Id you provided does not exist in our records.",
                "InvalidAccessKeyId");
  }
  HmacKey key = signing_keys_.get(who->id, who->secret, claim.scope);
  return Known{std::move(who), key};
}

Result<Verified> Guard::check_form(const sign::FormFields& form, WallTime now) {
  auto claim = sign::parse_form(form, options_.service);
  if (!claim) return std::move(claim.error());
  const std::optional<sign::Claim>& given = *claim;
  if (!given) return Verified{};
  Result<Known> known = find(*given);
  if (!known) return std::move(known.error());
  Result<> good = sign::verify_form(*given, form.policy, known->key, now);
  if (!good) return std::move(good.error());
  return Verified{principal_of(*known->who), std::nullopt, std::nullopt};
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
