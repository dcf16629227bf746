#include "gateway/s3/access.h"
#include "gateway/s3/call.h"
#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {

Task<http::Response> get_public_access_block(Call& call, Context) {
  co_await call.bucket();
  Xml xml("PublicAccessBlockConfiguration");
  for (std::string_view name : kPublicAccessBlocks) xml.boolean(name, true);
  co_return xml.response();
}

}  // namespace forebay::gateway::s3
