// Exchange: one signed request and its answer. What S3Client and AdminClient share.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "client/credentials.h"
#include "http/client.h"

namespace forebay::client {

/// A request before it is signed.
struct Call {
  std::string method = "GET";
  std::string path = "/";  ///< not yet percent-encoded
  /// Not yet encoded; in any order.
  std::vector<std::pair<std::string, std::string>> query;
  std::vector<std::pair<std::string, std::string>> headers;  ///< lower-case names
  io::Body body;
  /// Of the body. Without it the body goes as UNSIGNED-PAYLOAD (no body: as the empty one).
  std::optional<Digest256> sha256 = std::nullopt;
};

/// Signs and sends to one endpoint as one identity. One loop.
class Exchange {
 public:
  /// `http` must outlive it. Without credentials requests are anonymous.
  Exchange(http::Client& http [[clang::lifetimebound]], http::Endpoint endpoint,
           std::optional<Credentials> credentials, std::string region, std::string service);

  /// The answer's head, whatever its status.
  Task<http::ClientResponse> send(Call call, Context ctx);

  const http::Endpoint& endpoint() const { return endpoint_; }

  /// A path and query signed for `expires`, as a whole URL. Needs credentials (else "").
  std::string presign(Call call, WallTime now, Duration expires) const;

 private:
  http::Client& http_;
  http::Endpoint endpoint_;
  std::optional<sign::Signer> signer_;
};

/// The longest document that an answer may be, in bytes.
inline constexpr uint64_t kMaxDocument = 16 << 20;

/// The whole body of an answer that is known to be small; over `limit` → Code::too_large.
Task<std::string> read_text(http::ClientResponse& response [[clang::lifetimebound]], uint64_t limit,
                            Context ctx);

/// What a status says when the answer says nothing better: 404 → not_found, 403 → denied, ….
Code code_of_status(int status);

}  // namespace forebay::client
