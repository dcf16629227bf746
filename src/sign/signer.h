// The client's side of AWS Signature Version 4: sign a request in its headers, or make a presigned
// URL. Used towards S3 origins, by the command line and by tests.
#pragma once

#include <array>
#include <boost/container/static_vector.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/secret.h"
#include "base/time.h"
#include "sign/key.h"
#include "sign/payload.h"
#include "sign/request.h"

namespace forebay::sign {

/// Who signs. `session_token` is empty for long-lived keys.
struct Credentials {
  std::string access_key;
  Secret secret;
  std::string session_token = {};
};

/// The body as the signer announces it.
class Body {
 public:
  /// No bytes.
  static Body empty();
  /// Not covered by the signature.
  static Body not_signed();
  /// Bytes with that SHA-256.
  static Body hashed(const Digest256& sha256);
  /// aws-chunked in one of the streaming kinds.
  static Body chunked(PayloadKind kind);

  PayloadKind kind() const { return kind_; }
  /// The value of x-amz-content-sha256.
  std::string_view text() const { return {text_.data(), size_}; }

 private:
  Body(PayloadKind kind, std::string_view text);
  PayloadKind kind_;
  size_t size_;
  std::array<char, 64> text_;  ///< a SHA-256 in hex is the longest there is
};

/// What signing adds to a request.
struct Signed {
  AmzDate date;
  Body body;
  std::string session_token;
  std::string authorization;
  std::array<char, 64> signature;  ///< the seed of signed chunks, in hex

  /// Headers to send beside those that were signed: x-amz-date, x-amz-content-sha256, with a
  /// session token x-amz-security-token, and authorization. Lower-case names; views of this.
  boost::container::static_vector<Header, 4> headers() const;
  std::string_view signature_text() const { return {signature.data(), signature.size()}; }
};

/// Signs for one identity in one region. Thread-safe; keeps derived keys.
class Signer {
 public:
  /// `service` is "s3" except in tests against other services' vectors.
  Signer(Credentials credentials, std::string region, std::string service = "s3");

  /// Signs `request`, whose headers must have `host`, and must not have what Signed adds. Every
  /// header given is signed, except those that proxies and HTTP libraries change on the way
  /// (connection, expect, te, transfer-encoding, user-agent, accept-encoding, content-length).
  Signed sign(const RequestView& request, const Body& body, WallTime now) const;

  /// The query of a presigned request, without '?': the request's own query and the signing
  /// parameters. Headers given are signed and must be sent by whoever uses the URL; usually only
  /// `host`. `expires` is 1 s to kMaxExpires (sign/sigv4.h).
  std::string presign(const RequestView& request, WallTime now, Duration expires) const;

  /// The signing key of that day, for chunk signatures.
  HmacKey key(WallTime now) const;
  /// "20130524/us-east-1/s3/aws4_request" of that day.
  std::string scope_text(WallTime now) const;

 private:
  HmacKey key(std::string_view day) const;
  void append_scope(std::string& out, std::string_view day) const;

  Credentials credentials_;
  std::string region_;
  std::string service_;
  mutable SigningKeys keys_;
};

}  // namespace forebay::sign
