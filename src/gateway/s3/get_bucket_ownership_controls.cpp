#include "gateway/s3/access.h"
#include "gateway/s3/call.h"
#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {

Task<http::Response> get_bucket_ownership_controls(Call& call, Context) {
  co_await call.bucket();
  Xml xml("OwnershipControls");
  xml.open("Rule").text("ObjectOwnership", kOwnerEnforced);
  co_return xml.response();
}

}  // namespace forebay::gateway::s3
