// Pages of other origins: what a bucket's rules make of a request that a browser sends for one, and
// what rules may be (S3 API reference, PutBucketCors; the Fetch standard, "CORS protocol").
#pragma once

#include "gateway/s3/call.h"
#include "object/cors.h"

namespace forebay::gateway::s3 {

inline constexpr size_t kMaxCorsRules = 100;
/// Of the document, in bytes.
inline constexpr uint64_t kMaxCorsBody = 64 << 10;
/// Of a rule's ID, in bytes; of a header's name.
inline constexpr size_t kMaxCorsId = 255, kMaxCorsHeader = 256;
/// Headers that a rule may allow, those it may expose, and those a preflight may ask for: every
/// answer to a page tells them, also to nobody's.
inline constexpr size_t kMaxCorsHeaders = 100;
/// The names of headers that a rule exposes, in bytes together.
inline constexpr size_t kMaxCorsExposed = 4 << 10;

/// Code::invalid, "InvalidRequest": a method that S3 has not or that is there twice, two '*' in one
/// origin or header, one in a header to expose, what is no header's name, too many of them; or
/// "MalformedXML" for an ID or origin that is no text.
Result<> check_cors(const object::CorsRules& rules);

/// OPTIONS: nobody signs it, and it tells no more than whether the page may ask. A bucket that is
/// not there is one without rules.
Result<http::Response> preflight(Call& call);
/// Adds to the answer of a request from a page what lets the page read it, if a rule does.
void allow_page(const Call& call, http::Response& response);

}  // namespace forebay::gateway::s3
