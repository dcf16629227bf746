// What an S3 server's answer means: errors in the house's codes, and header fields as ObjectInfo.
// Pure; the requests are made elsewhere.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/client.h"
#include "origin/origin.h"
#include "origin/s3/xml.h"

namespace forebay::origin {

/// What was asked, as far as it decides what an error means.
struct S3Asked {
  bool write = false;                      ///< an unclear answer leaves the outcome unknown
  std::string_view missing = "NoSuchKey";  ///< what a 404 without words is about
};

/// The error of an answer outside 2xx. `fault` is its document, when it had one. What the origin
/// says about *our* credentials and its own bucket becomes "AccessDenied", so that no client takes
/// it for a judgement on its own.
Error s3_error(int status, const S3Fault& fault, const S3Asked& asked);

/// Size, tag, date, version, fields and checksums of an answer to GET or HEAD; `size` is the whole
/// object's.
ObjectInfo s3_info(const http::ClientResponse& response, uint64_t size);

/// The error of a write whose 200 carried `fault`: S3 begins to answer completions and copies
/// before they are done. Only a word that S3 has for it says that nothing was done; `missing` as
/// above.
Error s3_late_error(const S3Fault& fault, std::string_view missing);

/// A 2xx answer that S3 does not give to this write: it may be done or not.
Error s3_unclear(const http::ClientResponse& response);
bool s3_is_unclear(const Error& error);
/// Whether a 2xx answer is one to a DELETE; else as s3_unclear().
Result<> s3_removed(const http::ClientResponse& response);

/// x-amz-version-id, empty without one and for "null".
std::string s3_version(const http::ClientResponse& response);
/// The headers that say how the server encrypts what was written, as it gave them.
Fields s3_encryption(const http::ClientResponse& response);
/// The ETag field; empty without one.
ETag s3_etag_of(const http::ClientResponse& response);

/// Adds fields of an object to a request; those that a request has a meaning of its own for are
/// left out.
void add_s3_fields(const Fields& fields, http::HeadFields& out);

}  // namespace forebay::origin
