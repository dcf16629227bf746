// Guard: turns a request into a principal, or refuses it with S3's own error code; and may(), the
// one place that decides what a principal may do. Policies will come there.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/keys.h"
#include "base/hash.h"
#include "http/message.h"
#include "obs/metrics.h"
#include "sign/form.h"
#include "sign/key.h"
#include "sign/sigv4.h"

namespace forebay::auth {

/// Who asks.
struct Principal {
  enum class Kind { anonymous, key, root };
  Kind kind = Kind::anonymous;
  std::string access_key;  ///< empty: anonymous
};

/// A request whose signature is right, or that has none.
struct Verified {
  Principal principal;
  /// Nothing when anonymous. Its views end with the request. claim->payload tells how the body
  /// comes; with `key` it makes the ChunkChain of a body in signed chunks.
  std::optional<sign::Claim> claim;
  std::optional<HmacKey> key;
};

struct GuardOptions {
  /// The service that signatures must name: "s3" at the S3 address, "forebay" at the admin one.
  std::string service = "s3";
  /// A label of the metrics.
  std::string door = "s3";
};

/// Any thread; one for each door.
class Guard {
 public:
  /// `keys` must outlive it.
  Guard(const Keys& keys [[clang::lifetimebound]], obs::Registry& metrics,
        GuardOptions options = {});

  /// Header-signed, presigned or anonymous. Besides the errors of sign::parse and sign::verify:
  /// Code::denied, detail InvalidAccessKeyId (unknown or disabled) or InvalidToken (there are no
  /// session tokens here). About 5 µs, no waiting. `request` must outlive the answer.
  Result<Verified> authenticate(const http::Request& request, WallTime now);
  /// The same of a form, by its fields; of what it gives only the principal is set. Anonymous
  /// without a policy. Errors of sign/form.h, and as above.
  Result<Verified> authenticate_form(const sign::FormFields& form, WallTime now);

 private:
  Result<Verified> check(const http::Request& request, WallTime now);
  Result<Verified> check_form(const sign::FormFields& form, WallTime now);
  /// Who it says it is, and the key that its signature must be made with.
  struct Known {
    std::shared_ptr<const AccessKey> who;
    HmacKey key;
  };
  Result<Known> find(const sign::Claim& claim);
  Result<Verified> counted(Result<Verified> result);

  const Keys& keys_;
  GuardOptions options_;
  sign::SigningKeys signing_keys_;
  obs::Counter& signature_refusals_;
  obs::Counter& key_refusals_;
  obs::Counter& time_refusals_;
  obs::Counter& other_refusals_;
};

/// What an operation needs, as IAM names it ("s3:GetObject"); those of the admin address begin
/// with kAdminActions.
inline constexpr std::string_view kAdminActions = "forebay:";

/// Whether `principal` may do `action` on that bucket and key (empty where it has none). Not →
/// Code::denied, detail AccessDenied. Root may do everything; other keys everything but admin
/// actions; who is anonymous, nothing.
Result<> may(const Principal& principal, std::string_view action, std::string_view bucket,
             std::string_view key);

}  // namespace forebay::auth
