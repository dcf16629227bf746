#include <algorithm>

#include "gateway/s3/access.h"
#include "gateway/s3/call.h"
#include "gateway/s3/errors.h"
#include "gateway/s3/payload.h"
#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {

Task<http::Response> put_public_access_block(Call& call, Context ctx) {
  co_await call.bucket();
  HeldText sent = co_await co_await read_payload(call, kMaxXmlBody, ctx);
  auto blocks = co_await parse_public_access_block(sent.text);
  // What is not named is off, as in S3.
  bool all = std::ranges::all_of(kPublicAccessBlocks,
                                 [&](auto name) { return blocks[std::string(name)]; });
  if (!all) co_return not_implemented("Public access by ACL or policy");
  co_return http::Response::make(200);
}

}  // namespace forebay::gateway::s3
