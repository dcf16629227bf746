#include "gateway/s3/access.h"
#include "gateway/s3/call.h"

namespace forebay::gateway::s3 {

Task<http::Response> get_bucket_acl(Call& call, Context) {
  co_await call.bucket();
  co_return acl_response();
}

}  // namespace forebay::gateway::s3
