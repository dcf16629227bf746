#include "gateway/s3/call.h"
#include "gateway/s3/fields.h"

namespace forebay::gateway::s3 {

Task<http::Response> delete_object(Call& call, Context ctx) {
  co_await refuse_unsupported(call);
  std::string version = co_await read_version(call);
  object::BucketRef bucket = co_await call.bucket();
  ObjectKey key = co_await call.key();
  auto match = call.header("if-match");
  if (match && !version.empty()) co_return condition_with_version();
  object::Store& objects = call.services.objects;
  auto removed = co_await (
      match ? co_await objects.remove_matching(bucket, std::move(key), wanted_etag(*match), ctx)
            : co_await objects.remove_version(bucket, std::move(key), std::move(version), {}, ctx));
  http::Response response = http::Response::make(204);
  if (removed.marker) response.fields.add("x-amz-delete-marker", "true");
  write_version(response.fields, removed.version_id);
  co_return response;
}

}  // namespace forebay::gateway::s3
