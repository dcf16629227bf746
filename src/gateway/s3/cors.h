// Pages of other origins: what a bucket's rules make of a request that a browser sends for one, and
// what rules may be (S3 API reference, PutBucketCors; the Fetch standard, "CORS protocol").
#pragma once

#include "gateway/s3/call.h"
#include "object/cors.h"

namespace forebay::gateway::s3 {

inline constexpr size_t kMaxCorsRules = 100;
/// Of the document, in bytes.
inline constexpr uint64_t kMaxCorsBody = 64 << 10;
/// Of a rule's ID, in bytes.
inline constexpr size_t kMaxCorsId = 255;

/// Code::invalid, "InvalidRequest": a method that S3 has not, two '*' in one origin or header, one
/// in a header to expose, or what is no header's name.
Result<> check_cors(const object::CorsRules& rules);

/// OPTIONS: nobody signs it, and it tells no more than whether the page may ask. A bucket that is
/// not there is one without rules.
Result<http::Response> preflight(Call& call);
/// Adds to the answer of a request from a page what lets the page read it, if a rule does.
void allow_page(const Call& call, http::Response& response);

}  // namespace forebay::gateway::s3
