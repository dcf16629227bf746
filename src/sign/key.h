// Signing keys of Signature Version 4: four HMACs from the secret and the scope. A key serves a
// whole day in one region, so a server keeps the keys it has derived.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/secret.h"

namespace forebay::sign {

/// What a key is good for. Views; the key itself keeps none of them.
struct Scope {
  std::string_view date;    ///< YYYYMMDD
  std::string_view region;  ///< any non-empty text
  std::string_view service = "s3";
};

/// HMAC(HMAC(HMAC(HMAC("AWS4" + secret, date), region), service), "aws4_request").
HmacKey derive_key(const Secret& secret, const Scope& scope);

/// Derived keys by access key and scope, for any thread. A bounded set-associative table: a full
/// set replaces its oldest entry, which costs the next user one derivation (about 2 µs). An entry
/// is used only for the very secret it was derived from, so a rotated secret needs no call here.
class SigningKeys {
 public:
  static constexpr size_t kSets = 64;
  static constexpr size_t kWays = 8;

  SigningKeys();
  ~SigningKeys();
  SigningKeys(const SigningKeys&) = delete;
  SigningKeys& operator=(const SigningKeys&) = delete;

  /// The key for that scope, derived when it is not here.
  HmacKey get(std::string_view access_key, const Secret& secret, const Scope& scope);
  /// How often get() had to derive.
  uint64_t derived() const;

 private:
  struct Entry;
  struct Set;
  std::unique_ptr<std::array<Set, kSets>> sets_;
};

}  // namespace forebay::sign
