// Hashes and checksums. SHA-256 and HMAC use OpenSSL's low-level calls: one-shot EVP calls look
// up their provider each time and cost 2–4 times more on the short inputs of a signature.
#pragma once

#include <openssl/sha.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace forebay {

using Digest256 = std::array<std::byte, 32>;

/// Streaming SHA-256. finish() may be called once.
class Sha256 {
 public:
  Sha256();
  void update(ByteView bytes);
  Digest256 finish();
  static Digest256 of(ByteView bytes);

 private:
  SHA256_CTX state_;
};

/// HMAC-SHA-256 (RFC 2104) under one key; the key's two blocks are hashed once.
class HmacKey {
 public:
  explicit HmacKey(ByteView key);
  Digest256 sign(ByteView message) const;

 private:
  SHA256_CTX inner_;
  SHA256_CTX outer_;
};

/// CRC-32C (RFC 3720), the checksum of stored blocks. `crc` is the value so far, 0 at first.
uint32_t crc32c(ByteView bytes, uint32_t crc = 0);

/// XXH3 of 64 bits, for what spreads over slots and members; no protection against whoever means
/// ill.
uint64_t xxh3(std::string_view bytes, uint64_t seed);

/// A checksum algorithm that S3 knows.
enum class ChecksumKind {
  crc32,
  crc32c,
  crc64nvme,
  sha1,
  sha256,
  sha512,
  md5,
  xxhash64,
  xxhash3,
  xxhash128
};
inline constexpr std::array kAllChecksumKinds = {
    ChecksumKind::crc32,   ChecksumKind::crc32c,   ChecksumKind::crc64nvme, ChecksumKind::sha1,
    ChecksumKind::sha256,  ChecksumKind::sha512,   ChecksumKind::md5,       ChecksumKind::xxhash64,
    ChecksumKind::xxhash3, ChecksumKind::xxhash128};

/// As S3 writes it in XML and x-amz-checksum-algorithm ("CRC64NVME").
std::string_view name(ChecksumKind kind);
/// Reads either case; nullopt when unknown.
std::optional<ChecksumKind> parse_checksum_kind(std::string_view name);
/// The header that carries it, lower case ("x-amz-checksum-crc64nvme").
std::string_view header_name(ChecksumKind kind);

/// The raw checksum of two byte strings one after the other, from theirs and the length of the
/// second; nullopt for a kind that cannot (all but the CRCs), or sums of another length.
std::optional<std::string> combine_checksums(ChecksumKind kind, std::string_view first,
                                             std::string_view second, uint64_t second_length);

/// One running checksum. digest() gives the raw bytes, most significant first, and may be called
/// at any time; base64 of it is what S3 shows.
class Checksum {
 public:
  static std::unique_ptr<Checksum> make(ChecksumKind kind);
  virtual ~Checksum() = default;
  virtual void update(ByteView bytes) = 0;
  virtual std::string digest() const = 0;
};

}  // namespace forebay
