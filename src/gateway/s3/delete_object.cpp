#include "gateway/s3/call.h"
#include "gateway/s3/fields.h"

namespace forebay::gateway::s3 {

Task<http::Response> delete_object(Call& call, Context ctx) {
  co_await refuse_unsupported(call);
  std::string version = co_await read_version(call);
  object::BucketRef bucket = co_await call.bucket();
  ObjectKey key = co_await call.key();
  auto removed = co_await co_await call.services.objects.remove_version(
      bucket, std::move(key), std::move(version), {}, ctx);
  http::Response response = http::Response::make(204);
  if (removed.marker) response.fields.add("x-amz-delete-marker", "true");
  write_version(response.fields, removed.version_id);
  co_return response;
}

}  // namespace forebay::gateway::s3
