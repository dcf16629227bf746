#include "gateway/s3/call.h"

namespace forebay::gateway::s3 {

Task<http::Response> delete_bucket(Call& call, Context ctx) {
  // Not call.bucket(): it must not wait for itself.
  object::BucketRef bucket = co_await call.services.buckets.get(call.bucket_name);
  co_await co_await call.services.buckets.remove(bucket->name, object::Removal::if_empty, ctx);
  co_return http::Response::make(204);
}

}  // namespace forebay::gateway::s3
