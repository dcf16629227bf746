#include "gateway/s3/call.h"
#include "gateway/s3/fields.h"

namespace forebay::gateway::s3 {

Task<http::Response> delete_object(Call& call, Context ctx) {
  co_await refuse_unsupported(call);
  object::BucketRef bucket = co_await call.bucket();
  ObjectKey key = co_await call.key();
  co_await co_await call.services.objects.remove(bucket, key, ctx);
  co_return http::Response::make(204);
}

}  // namespace forebay::gateway::s3
