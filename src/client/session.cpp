#include "client/session.h"

namespace forebay::client {

Result<http::Endpoint> parse_endpoint(std::string_view text) {
  if (text.find("://") != std::string_view::npos) return http::Endpoint::parse(text);
  Result<io::Address> address = io::Address::parse(text);
  if (!address) return std::move(address.error());
  return http::Endpoint{false, address->host, address->port};
}

Session::Session(io::Loop& loop, http::ClientOptions http, S3Options s3, AdminOptions admin)
    : http_(loop, std::move(http)), s3_(http_, std::move(s3)), admin_(http_, std::move(admin)) {}

Task<std::unique_ptr<Session>> Session::open(SessionOptions options, Context ctx) {
  http::Endpoint s3 = co_await parse_endpoint(options.s3);
  http::Endpoint admin = co_await parse_endpoint(options.admin);
  http::ClientOptions http;
  if (s3.secure || admin.secure) {
    http.tls = co_await co_await io::run_blocking(
        ctx, [&] { return io::TlsContext::client(options.authorities_file); });
  }
  co_return std::unique_ptr<Session>(new Session(
      *ctx.loop, std::move(http), S3Options{s3, options.credentials, std::move(options.region)},
      AdminOptions{admin, std::move(options.credentials)}));
}

}  // namespace forebay::client
