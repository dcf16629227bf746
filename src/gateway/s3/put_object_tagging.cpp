#include "gateway/s3/call.h"
#include "gateway/s3/fields.h"
#include "gateway/s3/payload.h"
#include "gateway/s3/tagging.h"
#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {

Task<http::Response> put_object_tagging(Call& call, Context ctx) {
  co_await refuse_unsupported(call);
  std::string version = co_await read_version(call);
  object::BucketRef bucket = co_await call.bucket();
  ObjectKey key = co_await call.key();
  HeldText sent = co_await co_await read_payload(call, kMaxXmlBody, ctx);
  auto tags = co_await parse_tagging(sent.text, kMaxTags);
  co_await co_await call.services.objects.set_tags(bucket, std::move(key), version, std::move(tags),
                                                   ctx);
  http::Response response = http::Response::make(200);
  write_version(response.fields, version);
  co_return response;
}

}  // namespace forebay::gateway::s3
