#include "gateway/s3/call.h"
#include "gateway/s3/fields.h"
#include "gateway/s3/tagging.h"

namespace forebay::gateway::s3 {

Task<http::Response> get_object_tagging(Call& call, Context ctx) {
  co_await refuse_unsupported(call);
  object::BucketRef bucket = co_await call.bucket();
  ObjectKey key = co_await call.key();
  // Never from a cache: tags change without the ETag, and here they are all that is asked for.
  auto tags = co_await co_await bucket->origin->tags(std::move(key), ctx);
  co_return tagging_response(call, tags);
}

}  // namespace forebay::gateway::s3
