#include "gateway/s3/call.h"
#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {

Task<http::Response> get_bucket_request_payment(Call& call, Context) {
  co_await call.bucket();
  Xml xml("RequestPaymentConfiguration");
  xml.text("Payer", "BucketOwner");
  co_return xml.response();
}

}  // namespace forebay::gateway::s3
