#include "gateway/s3/access.h"

#include "gateway/s3/errors.h"
#include "gateway/s3/fields.h"
#include "gateway/s3/payload.h"
#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {

http::Response acl_response() {
  Xml xml("AccessControlPolicy");
  xml.open("Owner").text("ID", kOwner).text("DisplayName", kOwner).close();
  xml.open("AccessControlList").open("Grant");
  xml.grantee(kOwner);
  xml.text("Permission", "FULL_CONTROL");
  return xml.response();
}

Task<> keeps_acl(Call& call, Context ctx) {
  HeldText sent = co_await co_await read_payload(call, kMaxXmlBody, ctx);
  for (const Header& header : call.request.headers) {
    constexpr std::string_view kGrant = "x-amz-grant-";
    if (http::same_name(header.name.substr(0, kGrant.size()), kGrant)) co_return no_acls();
  }
  auto canned = call.header("x-amz-acl");
  if (canned) co_await check_acl(*canned);
  if (canned && sent.text.empty()) co_return ok;
  AccessPolicy policy = co_await parse_acl(sent.text);
  const auto& grants = policy.grants;
  bool same = policy.owner.value_or(std::string(kOwner)) == kOwner && grants.size() == 1 &&
              grants[0].first == kOwner && grants[0].second == "FULL_CONTROL";
  if (!same) co_return no_acls();
  co_return ok;
}

}  // namespace forebay::gateway::s3
