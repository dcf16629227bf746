// Which headers a request may carry. One that would change or restrict what an operation does is
// carried out by it or refused, never dropped (docs/adr/0015-what-is-not-understood.md).
#pragma once

#include "gateway/s3/call.h"

namespace forebay::gateway::s3 {

/// Refuses a write that has an x-amz-… or If-… header `operation` does not carry out
/// (NotImplemented; so Content-Range, which asks for a write in part), a write without a length of
/// its body where S3 wants one (MissingContentLength), and any request that expects another owner
/// of the bucket (AccessDenied). InvalidArgument: one of these but metadata twice, as Content-MD5
/// of a write and Range of a read; and what came in the query and can be no header.
Result<> admit_headers(const Operation& operation, const http::Request& request);

/// Presigned URLs may carry x-amz-… headers in the query: `headers` with them behind, or nothing
/// when there are none. Not the signature's own parameters, and not checksums: who signed the URL
/// did not know the body, and S3 ignores them there. Views of both arguments.
std::vector<Header> take_headers_of_query(const Query& query [[clang::lifetimebound]],
                                          std::span<const Header> headers);

}  // namespace forebay::gateway::s3
