#include "gateway/s3/call.h"
#include "gateway/s3/errors.h"

namespace forebay::gateway::s3 {

Task<http::Response> get_bucket_policy_status(Call& call, Context) {
  co_await call.bucket();
  co_return no_policy();
}

}  // namespace forebay::gateway::s3
