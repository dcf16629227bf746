#include "gateway/s3/call.h"
#include "gateway/s3/tagging.h"

namespace forebay::gateway::s3 {

Task<http::Response> get_bucket_tagging(Call& call, Context) {
  object::BucketRef bucket = co_await call.bucket();
  if (bucket->settings.tags.empty()) {
    co_return fail(Code::not_found, "The TagSet does not exist", "NoSuchTagSet");
  }
  co_return tagging_response(call, bucket->settings.tags);
}

}  // namespace forebay::gateway::s3
