#include "gateway/s3/call.h"

namespace forebay::gateway::s3 {

Task<http::Response> delete_bucket_cors(Call& call, Context ctx) {
  object::BucketRef bucket = co_await call.bucket();
  co_await co_await call.services.buckets.update(
      bucket, [](object::BucketSettings& settings) { settings.cors.clear(); }, ctx);
  co_return http::Response::make(204);
}

}  // namespace forebay::gateway::s3
