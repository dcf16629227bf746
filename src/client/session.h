// Session: the clients of one server, made from the addresses and credentials that a person gives.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "client/admin.h"
#include "client/credentials.h"
#include "client/s3.h"

namespace forebay::client {

struct SessionOptions {
  std::string s3 = "127.0.0.1:9000";     ///< HOST:PORT, or a URL for https
  std::string admin = "127.0.0.1:9001";  ///< the same
  std::optional<Credentials> credentials = {};
  std::string region = "us-east-1";
  /// A PEM bundle to trust for https; empty: the system's.
  std::string authorities_file = {};
};

/// Owns the connections. One loop, which must outlive it and the bodies it gave.
class Session {
 public:
  /// Connects to nothing yet. A bad address → Code::invalid.
  static Task<std::unique_ptr<Session>> open(SessionOptions options, Context ctx);

  S3Client& s3() { return s3_; }
  AdminClient& admin() { return admin_; }

 private:
  Session(io::Loop& loop, http::ClientOptions http, S3Options s3, AdminOptions admin);

  http::Client http_;
  S3Client s3_;
  AdminClient admin_;
};

/// "HOST:PORT" (http) or "http://…", "https://…".
Result<http::Endpoint> parse_endpoint(std::string_view text);

}  // namespace forebay::client
