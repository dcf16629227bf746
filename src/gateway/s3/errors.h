// Errors in S3's own words: code, status, XML (S3 API reference, "Error responses").
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"
#include "obs/log.h"

namespace forebay::gateway::s3 {

/// What a client sees of an error: Error::detail when S3 knows it as a code, else the nearest one.
/// Its own words are shown where they come with S3's code, its contexts never. What an origin, a
/// disk or our own insides had to say goes to the log; a client gets what S3 says with that code.
struct S3Error {
  std::string code;
  int status = 500;
  std::string message;
  /// At which the log gets the error's text, because a client sees less or because it is a fault of
  /// the server's; nothing: the client has been told all there is.
  std::optional<obs::Level> level = {};
};
S3Error describe(const Error& error);

/// The answer to a failed request.
http::Response error_response(const Error& error, const http::Request& request,
                              std::string_view request_id);

/// The code for a request that http refused with `status`.
std::string_view code_of_rejection(int status);

/// What S3 says of an ACL to a bucket whose ACLs are disabled, as those of all buckets are here.
Error no_acls();

/// What S3 says where a bucket has no policy.
Error no_policy();

/// Code::invalid with S3's NotImplemented.
Error not_implemented(std::string_view what);

}  // namespace forebay::gateway::s3
