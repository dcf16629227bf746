#include "gateway/s3/fields.h"
#include "gateway/s3/payload.h"
#include "gateway/s3/upload.h"

namespace forebay::gateway::s3 {

Task<http::Response> upload_part(Call& call, Context ctx) {
  UploadTarget target = co_await read_upload_target(call);
  uint32_t number = co_await call.number("partNumber", 0, 10'000);
  if (number == 0) {
    co_return fail(Code::invalid, "Part number must be an integer between 1 and 10000, inclusive",
                   "InvalidArgument");
  }
  origin::PutOptions options = co_await read_put_options(call, *target.bucket);
  Payload payload = co_await open_payload(call);
  add_checksums(payload, options);
  io::Body body{payload.length, std::move(payload.source)};
  auto part = co_await co_await call.services.objects.put_part(
      {target.bucket, target.key, target.upload_id, number, std::move(options)}, std::move(body),
      ctx);
  http::Response response = http::Response::make(200);
  response.fields.add("ETag", part.etag.text());
  for (auto& [name, value] : part.checksums) response.fields.add(name, value);
  // What the origin does not keep was verified all the same.
  for (auto& [name, value] : *payload.trailing) {
    if (!part.checksums.contains(name)) response.fields.add(name, value);
  }
  co_return response;
}

}  // namespace forebay::gateway::s3
