#include "gateway/s3/call.h"
#include "gateway/s3/fields.h"
#include "gateway/s3/tagging.h"

namespace forebay::gateway::s3 {

Task<http::Response> get_object_tagging(Call& call, Context ctx) {
  co_await refuse_unsupported(call);
  std::string version = co_await read_version(call);
  object::BucketRef bucket = co_await call.bucket();
  ObjectKey key = co_await call.key();
  auto tags = co_await co_await call.services.objects.tags(bucket, std::move(key), version, ctx);
  http::Response response = co_await tagging_response(call, tags);
  write_version(response.fields, version);
  co_return response;
}

}  // namespace forebay::gateway::s3
