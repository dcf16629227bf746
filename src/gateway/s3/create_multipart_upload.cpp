#include "gateway/s3/call.h"
#include "gateway/s3/fields.h"
#include "gateway/s3/lifecycle.h"
#include "gateway/s3/xml.h"
#include "io/loop.h"
#include "origin/checksums.h"

namespace forebay::gateway::s3 {

Task<http::Response> create_multipart_upload(Call& call, Context ctx) {
  object::BucketRef bucket = co_await call.bucket();
  ObjectKey key = co_await call.key();
  origin::PutOptions options = co_await read_put_options(call, *bucket);
  options.plan = co_await origin::plan_checksums(call.header("x-amz-checksum-algorithm"),
                                                 call.header(origin::kChecksumTypeHeader));
  std::optional<origin::ChecksumPlan> plan = options.plan;
  std::string id = co_await co_await bucket->origin->create_upload(key, std::move(options), ctx);
  Xml xml("InitiateMultipartUploadResult");
  xml.text("Bucket", call.bucket_name).text("Key", key.text()).text("UploadId", id);
  http::Response response = xml.response();
  if (plan) {
    response.fields.add("x-amz-checksum-algorithm", name(plan->kind));
    response.fields.add(origin::kChecksumTypeHeader, name(plan->type));
  }
  write_abort(response.fields, *bucket, key, ctx.loop->wall_now());
  co_return response;
}

}  // namespace forebay::gateway::s3
