#include "gateway/s3/call.h"
#include "gateway/s3/fields.h"

namespace forebay::gateway::s3 {

Task<http::Response> delete_object_tagging(Call& call, Context ctx) {
  co_await refuse_unsupported(call);
  std::string version = co_await read_version(call);
  object::BucketRef bucket = co_await call.bucket();
  ObjectKey key = co_await call.key();
  co_await co_await call.services.objects.set_tags(bucket, std::move(key), version, {}, ctx);
  http::Response response = http::Response::make(204);
  write_version(response.fields, version);
  co_return response;
}

}  // namespace forebay::gateway::s3
