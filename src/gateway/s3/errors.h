// Errors in S3's own words: code, status, XML (S3 API reference, "Error responses").
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace forebay::gateway::s3 {

/// What a client sees of an error: Error::detail when S3 knows it as a code, else the nearest one.
struct S3Error {
  std::string code;
  int status = 500;
  std::string message;
};
S3Error describe(const Error& error);

/// The answer to a failed request. `head`: without a body, as HEAD wants it.
http::Response error_response(const Error& error, std::string_view resource,
                              std::string_view request_id, bool head);

/// Code::invalid with S3's NotImplemented.
Error not_implemented(std::string_view what);

}  // namespace forebay::gateway::s3
