#include "gateway/s3/call.h"

namespace forebay::gateway::s3 {

Task<http::Response> get_bucket_location(Call& call, Context) {
  co_await call.bucket();
  // us-east-1 is told by an empty element (S3 API reference, GetBucketLocation).
  bool classic = call.services.region == "us-east-1";
  std::string text =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LocationConstraint "
      "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" +
      (classic ? "" : call.services.region) + "</LocationConstraint>";
  co_return http::Response::text(200, "application/xml", std::move(text));
}

}  // namespace forebay::gateway::s3
