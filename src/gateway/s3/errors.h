// Errors in S3's own words: code, status, XML (S3 API reference, "Error responses").
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace forebay::gateway::s3 {

/// What a client sees of an error: Error::detail when S3 knows it as a code, else the nearest one.
/// The text is shown only where it was written for clients. What an origin, a disk or our own
/// insides had to say goes to the log; a client gets what S3 says with that code.
struct S3Error {
  std::string code;
  int status = 500;
  std::string message;
  bool hidden = false;  ///< message is not the error's text
};
S3Error describe(const Error& error);

/// The answer to a failed request.
http::Response error_response(const Error& error, const http::Request& request,
                              std::string_view request_id);

/// The code for a request that http refused with `status`.
std::string_view code_of_rejection(int status);

/// Code::invalid with S3's NotImplemented.
Error not_implemented(std::string_view what);

}  // namespace forebay::gateway::s3
