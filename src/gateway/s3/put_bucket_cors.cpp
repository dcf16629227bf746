#include "gateway/s3/call.h"
#include "gateway/s3/cors.h"
#include "gateway/s3/payload.h"
#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {

Task<http::Response> put_bucket_cors(Call& call, Context ctx) {
  object::BucketRef bucket = co_await call.bucket();
  HeldText sent = co_await co_await read_payload(call, kMaxCorsBody, ctx);
  auto rules = co_await parse_cors(sent.text);
  co_await co_await call.services.buckets.update(
      bucket, [&](object::BucketSettings& settings) { settings.cors = std::move(rules); }, ctx);
  co_return http::Response::make(200);
}

}  // namespace forebay::gateway::s3
