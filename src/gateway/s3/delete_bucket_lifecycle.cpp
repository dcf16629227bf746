#include "gateway/s3/lifecycle.h"

namespace forebay::gateway::s3 {

Task<http::Response> delete_bucket_lifecycle(Call& call, Context ctx) {
  object::BucketRef bucket = co_await call.bucket();
  co_await has_lifecycle(*bucket, false);
  co_await co_await call.services.buckets.update(
      bucket, [](object::BucketSettings& settings) { settings.lifecycle.reset(); }, ctx);
  co_return http::Response::make(204);
}

}  // namespace forebay::gateway::s3
