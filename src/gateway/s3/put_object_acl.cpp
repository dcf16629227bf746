#include "gateway/s3/call.h"
#include "gateway/s3/errors.h"

namespace forebay::gateway::s3 {

Task<http::Response> put_object_acl(Call& call, Context) {
  co_await call.bucket();
  co_await call.key();
  co_return no_acls();
}

}  // namespace forebay::gateway::s3
