#include "gateway/s3/access.h"
#include "gateway/s3/call.h"
#include "gateway/s3/errors.h"
#include "gateway/s3/payload.h"
#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {

Task<http::Response> put_bucket_ownership_controls(Call& call, Context ctx) {
  co_await call.bucket();
  HeldText sent = co_await co_await read_payload(call, kMaxXmlBody, ctx);
  std::string wanted = co_await parse_ownership(sent.text);
  if (wanted != kOwnerEnforced) co_return not_implemented("Object ownership with ACLs");
  co_return http::Response::make(200);
}

}  // namespace forebay::gateway::s3
