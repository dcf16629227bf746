#include "gateway/s3/call.h"

namespace forebay::gateway::s3 {

Task<http::Response> head_bucket(Call& call, Context) {
  co_await call.bucket();
  http::Response response = http::Response::make(200);
  response.fields.add("x-amz-bucket-region", call.services.region);
  co_return response;
}

}  // namespace forebay::gateway::s3
