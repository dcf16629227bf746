#include "gateway/s3/errors.h"

#include <algorithm>
#include <array>

#include "gateway/s3/xml.h"
#include "origin/origin.h"

namespace forebay::gateway::s3 {

namespace {

struct Row {
  std::string_view code;
  int status;
};

// S3 API reference, "List of error codes": those we send.
constexpr auto kCodes = std::to_array<Row>({
    {"AccessControlListNotSupported", 400},
    {"AccessDenied", 403},
    {"AccessForbidden", 403},
    {"AuthorizationHeaderMalformed", 400},
    {"AuthorizationQueryParametersError", 400},
    {"BadDigest", 400},
    {"BadGateway", 502},
    {"BadRequest", 400},
    {"BucketAlreadyExists", 409},
    {"BucketAlreadyOwnedByYou", 409},
    {"BucketNotEmpty", 409},
    {"ConditionalRequestConflict", 409},
    {"EntityTooLarge", 400},
    {"EntityTooSmall", 400},
    {"IdempotencyParameterMismatch", 400},
    {"IllegalLocationConstraintException", 400},
    {"IncompleteBody", 400},
    {"IncorrectNumberOfFilesInPostRequest", 400},
    {"InsufficientStorage", 507},
    {"InternalError", 500},
    {"InvalidAccessKeyId", 403},
    {"InvalidArgument", 400},
    {"InvalidBucketName", 400},
    {"InvalidChunkSizeError", 403},
    {"InvalidDigest", 400},
    {"InvalidObjectState", 403},
    {"InvalidPart", 400},
    {"InvalidPartNumber", 416},
    {"InvalidPartOrder", 400},
    {"InvalidPolicyDocument", 400},
    {"InvalidRange", 416},
    {"InvalidRequest", 400},
    {"InvalidStorageClass", 400},
    {"InvalidTag", 400},
    {"InvalidToken", 400},
    {"InvalidURI", 400},
    {"KeyTooLongError", 400},
    {"MalformedPOSTRequest", 400},
    {"MalformedTrailerError", 400},
    {"MalformedXML", 400},
    {"MaxPostPreDataLengthExceededError", 400},
    {"MetadataTooLarge", 400},
    {"MethodNotAllowed", 405},
    {"MissingContentLength", 411},
    {"MissingSecurityHeader", 400},
    {"NoSuchBucket", 404},
    {"NoSuchBucketPolicy", 404},
    {"NoSuchCORSConfiguration", 404},
    {"NoSuchKey", 404},
    {"NoSuchLifecycleConfiguration", 404},
    {"NoSuchTagSet", 404},
    {"NoSuchUpload", 404},
    {"NoSuchVersion", 404},
    {"NotImplemented", 501},
    {"NotModified", 304},
    {"OperationAborted", 409},
    {"PreconditionFailed", 412},
    {"QuotaExceeded", 403},  // radosgw's
    {"RequestTimeTooSkewed", 403},
    {"RequestTimeout", 400},
    {"ServiceUnavailable", 503},
    {"SignatureDoesNotMatch", 403},
    {"SlowDown", 503},
    {"TooManyBuckets", 400},
    {"UnexpectedContent", 400},
    {"UserKeyMustBeSpecified", 400},
    {"XAmzContentSHA256Mismatch", 400},
});
static_assert(std::ranges::is_sorted(kCodes, {}, &Row::code));

Row nearest(Code code) {
  switch (code) {
    case Code::not_found: return {"NoSuchKey", 404};
    case Code::exists: return {"OperationAborted", 409};
    case Code::invalid: return {"InvalidRequest", 400};
    case Code::denied: return {"AccessDenied", 403};
    case Code::conflict: return {"OperationAborted", 409};
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

struct Words {
  std::string_view code;
  std::string_view message;
};

// What S3 says with a code, for errors whose own words are not for clients.
constexpr auto kWords = std::to_array<Words>({
    {"AccessDenied", "Access Denied"},
    {"BadDigest", "A checksum that you specified did not match what we received."},
    {"BadGateway", "The bucket's origin gave an answer that cannot be one to this request."},
    {"EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"},
    {"EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"},
    {"InternalError", "We encountered an internal error. Please try again."},
    {"InvalidPart", "One or more of the specified parts could not be found."},
    {"InvalidPartOrder", "The list of parts was not in ascending order."},
    {"InvalidStorageClass", "The storage class you specified is not valid"},
    {"MethodNotAllowed", "The specified method is not allowed against this resource."},
    {"NoSuchBucket", "The specified bucket does not exist"},
    {"NoSuchKey", "The specified key does not exist."},
    {"NoSuchUpload", "The specified multipart upload does not exist."},
    {"NoSuchVersion", "The specified version does not exist."},
    {"NotImplemented", "The bucket's origin does not implement this request."},
    {"PreconditionFailed", "At least one of the pre-conditions you specified did not hold"},
    {"ServiceUnavailable", "Service is unable to handle request."},
    {"SlowDown", "Please reduce your request rate."},
});

std::string_view usual_message(const Row& row) {
  auto words = std::ranges::find(kWords, row.code, &Words::code);
  if (words != kWords.end()) return words->message;
  return row.status >= 500 ? "We could not carry out this request. Please try again."
                           : "The bucket's origin refused this request.";
}

// What a client could not know is the operator's to know: as trouble where it is his to mend, else
// for whoever asks why. 501 tells of the client only; 404 and 412 are everyday answers.
std::optional<obs::Level> level_of(const Row& row, bool hidden) {
  if (row.status >= 500 && row.status != 501) return obs::Level::warn;
  if (!hidden) return std::nullopt;
  if (row.code == "AccessDenied" || row.code == "NoSuchBucket") return obs::Level::warn;
  if (row.status == 404 || row.status == 412) return std::nullopt;
  return obs::Level::info;
}

// The condition that was not met, as S3 names it in a 412; s3fs looks for it.
std::string_view failed_condition(const http::Request& request) {
  for (std::string_view name : {"If-Match", "If-Unmodified-Since", "If-None-Match"}) {
    if (request.header(name)) return name;
  }
  return {};
}

}  // namespace

S3Error describe(const Error& error) {
  auto it = std::ranges::lower_bound(kCodes, error.detail(), {}, &Row::code);
  bool known = it != kCodes.end() && it->code == error.detail();
  Row row = known ? *it : nearest(error.code());
  // A delete marker may be named by its id only to be deleted.
  bool marker = error.detail() == origin::kDeleteMarker && error.code() == Code::invalid;
  if (marker) row = {"MethodNotAllowed", 405};
  S3Error shown{std::string(row.code), row.status, std::string(error.own())};
  // Words for clients come with S3's code.
  bool answered = error.text().contains(origin::kOriginAnswered);
  bool hidden = !known || answered;
  if (hidden) shown.message = usual_message(row);
  // Who reads it looks at the right place then; what the origin said, and where it is, stays here.
  if (answered && row.code == "AccessDenied") {
    shown.message = "The bucket's origin denied access.";
  }
  if (row.code == "ServiceUnavailable" && error.text().contains(origin::kAtOrigin)) {
    shown.message = "The bucket's origin does not answer.";
  }
  shown.level = level_of(row, shown.message != error.text());
  return shown;
}

http::Response error_response(const Error& error, const http::Request& request,
                              std::string_view request_id) {
  S3Error shown = describe(error);
  // What is full is so for a moment; who asks again in the next one only adds to it.
  auto told = [&](http::Response response) {
    if (shown.code == "SlowDown") response.fields.add("Retry-After", "1");
    return response;
  };
  if (request.method == "HEAD" || shown.status == 304) {
    return told(http::Response::make(shown.status));
  }
  Xml xml("Error", false);
  xml.text("Code", shown.code).text("Message", shown.message);
  if (shown.status == 412) {
    if (auto condition = failed_condition(request); !condition.empty()) {
      xml.text("Condition", condition);
    }
  }
  xml.text("Resource", request.path).text("RequestId", request_id);
  return told(xml.response(shown.status));
}

std::string_view code_of_rejection(int status) {
  switch (status) {
    case 408: return "RequestTimeout";
    case 501:
    case 505: return "NotImplemented";
    case 503: return "ServiceUnavailable";
    default: return status >= 500 ? "InternalError" : "InvalidRequest";
  }
}

Error no_acls() {
  return fail(Code::invalid, "The bucket does not allow ACLs", "AccessControlListNotSupported");
}

Error no_policy() {
  return fail(Code::not_found, "The bucket policy does not exist", "NoSuchBucketPolicy");
}

Error not_implemented(std::string_view what) {
  return fail(Code::invalid,
              std::string(what) + " is not implemented; docs/s3-compatibility.md lists what is",
              "NotImplemented");
}

}  // namespace forebay::gateway::s3
