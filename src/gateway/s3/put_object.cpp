#include "gateway/s3/call.h"
#include "gateway/s3/fields.h"
#include "gateway/s3/lifecycle.h"
#include "gateway/s3/payload.h"
#include "origin/checksums.h"

namespace forebay::gateway::s3 {

Task<http::Response> put_object(Call& call, Context ctx) {
  object::BucketRef bucket = co_await call.bucket();
  ObjectKey key = co_await call.key();
  origin::PutOptions options = co_await read_put_options(call, *bucket);
  Payload payload = co_await open_payload(call);
  add_checksums(payload, options);
  Described made{.size = payload.length, .modified = {}};
  if (has_rules(*bucket)) made.tags = options.tags;
  io::Body body{payload.length, std::move(payload.source)};
  auto put = co_await co_await call.services.objects.put(bucket, key, std::move(options),
                                                         std::move(body), ctx);
  http::Response response = http::Response::make(200);
  response.fields.add("ETag", put.etag.text());
  write_version(response.fields, put.version_id);
  for (auto& [name, value] : put.encryption) response.fields.add(name, value);
  for (auto& [name, value] : *payload.trailing) response.fields.add(name, value);
  if (!payload.trailing->empty()) response.fields.add(origin::kChecksumTypeHeader, "FULL_OBJECT");
  if (has_rules(*bucket)) {
    made.modified = put.modified;
    std::string ends = co_await co_await expiration_of(bucket, key, std::move(made), ctx);
    if (!ends.empty()) response.fields.add(kExpiration, ends);
  }
  co_return response;
}

}  // namespace forebay::gateway::s3
