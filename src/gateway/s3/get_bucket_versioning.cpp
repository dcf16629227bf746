#include "gateway/s3/call.h"
#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {

Task<http::Response> get_bucket_versioning(Call& call, Context ctx) {
  object::BucketRef bucket = co_await call.bucket();
  auto now = co_await co_await bucket->origin->versioning(ctx);
  Xml xml("VersioningConfiguration");
  if (now == origin::Versioning::enabled) xml.text("Status", "Enabled");
  if (now == origin::Versioning::suspended) xml.text("Status", "Suspended");
  co_return xml.response();
}

}  // namespace forebay::gateway::s3
