#include "gateway/s3/access.h"
#include "gateway/s3/call.h"

namespace forebay::gateway::s3 {

Task<http::Response> put_bucket_acl(Call& call, Context ctx) {
  co_await call.bucket();
  co_await co_await keeps_acl(call, ctx);
  co_return http::Response::make(200);
}

}  // namespace forebay::gateway::s3
