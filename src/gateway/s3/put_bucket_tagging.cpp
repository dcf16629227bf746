#include "gateway/s3/call.h"
#include "gateway/s3/payload.h"
#include "gateway/s3/tagging.h"
#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {

Task<http::Response> put_bucket_tagging(Call& call, Context ctx) {
  object::BucketRef bucket = co_await call.bucket();
  HeldText sent = co_await co_await read_payload(call, kMaxXmlBody, ctx);
  auto tags = co_await parse_tagging(sent.text, kMaxBucketTags);
  co_await co_await call.services.buckets.update(
      bucket, [&](object::BucketSettings& settings) { settings.tags = std::move(tags); }, ctx);
  co_return http::Response::make(204);
}

}  // namespace forebay::gateway::s3
