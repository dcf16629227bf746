#include "gateway/s3/errors.h"

#include <algorithm>
#include <array>

#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {

namespace {

struct Row {
  std::string_view code;
  int status;
};

// S3 API reference, "List of error codes": those we send.
constexpr auto kCodes = std::to_array<Row>({
    {"AccessDenied", 403},
    {"AuthorizationHeaderMalformed", 400},
    {"AuthorizationQueryParametersError", 400},
    {"BadDigest", 400},
    {"BadGateway", 502},
    {"BucketAlreadyExists", 409},
    {"BucketAlreadyOwnedByYou", 409},
    {"BucketNotEmpty", 409},
    {"ConditionalRequestConflict", 409},
    {"EntityTooLarge", 400},
    {"EntityTooSmall", 400},
    {"IncompleteBody", 400},
    {"InternalError", 500},
    {"InvalidAccessKeyId", 403},
    {"InvalidArgument", 400},
    {"InvalidBucketName", 400},
    {"InvalidChunkSizeError", 403},
    {"InvalidDigest", 400},
    {"InvalidPart", 400},
    {"InvalidPartNumber", 416},
    {"InvalidPartOrder", 400},
    {"InvalidRange", 416},
    {"InvalidRequest", 400},
    {"InvalidURI", 400},
    {"KeyTooLongError", 400},
    {"MalformedTrailerError", 400},
    {"MalformedXML", 400},
    {"MetadataTooLarge", 400},
    {"MethodNotAllowed", 405},
    {"MissingContentLength", 411},
    {"MissingSecurityHeader", 400},
    {"NoSuchBucket", 404},
    {"NoSuchKey", 404},
    {"NoSuchUpload", 404},
    {"NoSuchVersion", 404},
    {"NotImplemented", 501},
    {"NotModified", 304},
    {"OperationAborted", 409},
    {"PreconditionFailed", 412},
    {"RequestTimeTooSkewed", 403},
    {"RequestTimeout", 400},
    {"ServiceUnavailable", 503},
    {"SignatureDoesNotMatch", 403},
    {"SlowDown", 503},
    {"TooManyBuckets", 400},
    {"XAmzContentSHA256Mismatch", 400},
});
static_assert(std::ranges::is_sorted(kCodes, {}, &Row::code));

Row nearest(Code code) {
  switch (code) {
    case Code::not_found: return {"NoSuchKey", 404};
    case Code::exists: return {"OperationAborted", 409};
    case Code::invalid: return {"InvalidRequest", 400};
    case Code::denied: return {"AccessDenied", 403};
    case Code::conflict: return {"PreconditionFailed", 412};
    case Code::too_large: return {"EntityTooLarge", 400};
    case Code::busy: return {"SlowDown", 503};
    case Code::timeout:
    case Code::cancelled:
    case Code::unavailable: return {"ServiceUnavailable", 503};
    case Code::corrupt:
    case Code::internal: break;
  }
  return {"InternalError", 500};
}

}  // namespace

S3Error describe(const Error& error) {
  auto it = std::ranges::lower_bound(kCodes, error.detail(), {}, &Row::code);
  Row row = it != kCodes.end() && it->code == error.detail() ? *it : nearest(error.code());
  return {std::string(row.code), row.status, error.text()};
}

http::Response error_response(const Error& error, std::string_view resource,
                              std::string_view request_id, bool head) {
  S3Error shown = describe(error);
  http::Response response = http::Response::make(shown.status);
  if (head || shown.status == 304) return response;
  Xml xml("Error", false);
  xml.text("Code", shown.code)
      .text("Message", shown.message)
      .text("Resource", resource)
      .text("RequestId", request_id);
  return xml.response(shown.status);
}

Error not_implemented(std::string_view what) {
  return fail(Code::invalid,
              std::string(what) + " is not implemented; docs/s3-compatibility.md lists what is",
              "NotImplemented");
}

}  // namespace forebay::gateway::s3
