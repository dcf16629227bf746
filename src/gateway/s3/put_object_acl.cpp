#include "gateway/s3/access.h"
#include "gateway/s3/call.h"
#include "gateway/s3/fields.h"

namespace forebay::gateway::s3 {

Task<http::Response> put_object_acl(Call& call, Context ctx) {
  co_await refuse_unsupported(call);
  std::string version = co_await read_version(call);
  object::ReadRequest request{.bucket = co_await call.bucket(),
                              .key = co_await call.key(),
                              .version_id = std::move(version)};
  request.body = false;
  co_await co_await keeps_acl(call, ctx);
  co_await co_await call.services.objects.read(std::move(request), ctx);
  co_return http::Response::make(200);
}

}  // namespace forebay::gateway::s3
