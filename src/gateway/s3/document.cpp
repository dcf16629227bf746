#include "gateway/s3/document.h"

#include "gateway/s3/payload.h"

namespace forebay::gateway::s3 {

Result<http::Response> document(Call& call, const Xml& xml, Allowance::Share share) {
  http::Response response = xml.response();
  uint64_t length = response.body.length;
  if (share.bytes() == 0) share = call.services.documents->none();
  if (!share.resize(HeldText::share_of(length))) {
    return fail(Code::busy, "too many documents are under way; try again", "SlowDown");
  }
  call.share = std::move(share);
  auto earned = static_cast<int64_t>(length * 1000 / kWholeRate);
  response.within = kWholeGrace + milliseconds(earned);
  return response;
}

}  // namespace forebay::gateway::s3
