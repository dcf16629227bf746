#include "gateway/s3/call.h"
#include "gateway/s3/payload.h"
#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {

Task<http::Response> put_bucket_versioning(Call& call, Context ctx) {
  object::BucketRef bucket = co_await call.bucket();
  HeldText sent = co_await co_await read_payload(call, kMaxXmlBody, ctx);
  origin::Versioning to = co_await parse_versioning(sent.text);
  co_await co_await bucket->origin->set_versioning(to, ctx);
  co_return http::Response::make(200);
}

}  // namespace forebay::gateway::s3
