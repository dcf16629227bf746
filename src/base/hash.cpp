#define OPENSSL_SUPPRESS_DEPRECATED  // the low-level SHA calls, see hash.h
#include "base/hash.h"

#include <isa-l/crc.h>
#include <openssl/evp.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace forebay {

Sha256::Sha256() { SHA256_Init(&state_); }

void Sha256::update(ByteView bytes) { SHA256_Update(&state_, bytes.data(), bytes.size()); }

Digest256 Sha256::finish() {
  Digest256 digest;
  SHA256_Final(reinterpret_cast<unsigned char*>(digest.data()), &state_);
  return digest;
}

Digest256 Sha256::of(ByteView bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

HmacKey::HmacKey(ByteView key) {
  std::array<std::byte, SHA256_CBLOCK> block{};
  if (key.size() > block.size()) {
    Digest256 digest = Sha256::of(key);
    std::ranges::copy(digest, block.begin());
  } else {
    std::ranges::copy(key, block.begin());
  }
  for (auto& b : block) b ^= std::byte{0x36};
  SHA256_Init(&inner_);
  SHA256_Update(&inner_, block.data(), block.size());
  for (auto& b : block) b ^= std::byte{0x36} ^ std::byte{0x5c};
  SHA256_Init(&outer_);
  SHA256_Update(&outer_, block.data(), block.size());
}

Digest256 HmacKey::sign(ByteView message) const {
  Digest256 digest;
  SHA256_CTX state = inner_;
  SHA256_Update(&state, message.data(), message.size());
  SHA256_Final(reinterpret_cast<unsigned char*>(digest.data()), &state);
  state = outer_;
  SHA256_Update(&state, digest.data(), digest.size());
  SHA256_Final(reinterpret_cast<unsigned char*>(digest.data()), &state);
  return digest;
}

uint64_t xxh3(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

uint32_t crc32c(ByteView bytes, uint32_t crc) {
  auto* data = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data()));
  while (!bytes.empty()) {  // the library takes an int length
    size_t part = std::min<size_t>(bytes.size(), 1U << 30);
    crc = ~crc32_iscsi(data, static_cast<int>(part), ~crc);
    data += part;
    bytes = bytes.subspan(part);
  }
  return crc;
}

namespace {

template <class N>
std::string big_endian(N value) {
  std::string out(sizeof(N), '\0');
  for (size_t i = 0; i < sizeof(N); ++i) {
    out[sizeof(N) - 1 - i] = static_cast<char>(value >> (8 * i));
  }
  return out;
}

class Crc32 final : public Checksum {
 public:
  void update(ByteView bytes) override {
    crc_ =
        crc32_gzip_refl(crc_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  }
  std::string digest() const override { return big_endian(crc_); }

 private:
  uint32_t crc_ = 0;
};

class Crc32C final : public Checksum {
 public:
  void update(ByteView bytes) override { crc_ = crc32c(bytes, crc_); }
  std::string digest() const override { return big_endian(crc_); }

 private:
  uint32_t crc_ = 0;
};

constexpr uint64_t kNvmePolynomial = 0x9a6c9329ac4bc9b5;

// CRC-64/NVME (NVM Express NVM Command Set 1.0c, section 5.2.1.3.4; reflected, polynomial
// 0xad93d23594c93659). ISA-L 2.30 has no such polynomial, so: eight tables, eight bytes a step.
class Crc64Nvme final : public Checksum {
 public:
  void update(ByteView bytes) override {
    static const Tables kTables = make_tables();
    uint64_t crc = ~crc_;
    while (bytes.size() >= 8) {
      uint64_t word;
      std::memcpy(&word, bytes.data(), 8);
      word ^= crc;
      crc = 0;
      for (size_t i = 0; i < 8; ++i) crc ^= kTables[7 - i][(word >> (8 * i)) & 0xff];
      bytes = bytes.subspan(8);
    }
    for (std::byte b : bytes) {
      crc = kTables[0][(crc ^ static_cast<uint64_t>(b)) & 0xff] ^ (crc >> 8);
    }
    crc_ = ~crc;
  }
  std::string digest() const override { return big_endian(crc_); }

 private:
  using Tables = std::array<std::array<uint64_t, 256>, 8>;
  static Tables make_tables() {
    constexpr uint64_t kReflected = kNvmePolynomial;
    Tables tables{};
    for (uint64_t n = 0; n < 256; ++n) {
      uint64_t crc = n;
      for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? kReflected ^ (crc >> 1) : crc >> 1;
      tables[0][n] = crc;
    }
    for (size_t n = 0; n < 256; ++n) {
      for (size_t k = 1; k < 8; ++k) {
        uint64_t before = tables[k - 1][n];
        tables[k][n] = tables[0][before & 0xff] ^ (before >> 8);
      }
    }
    return tables;
  }
  uint64_t crc_ = 0;
};

class EvpChecksum final : public Checksum {
 public:
  explicit EvpChecksum(const EVP_MD* kind) : state_(EVP_MD_CTX_new()) {
    check(state_ != nullptr && EVP_DigestInit_ex(state_, kind, nullptr) == 1, "digest init");
  }
  ~EvpChecksum() override { EVP_MD_CTX_free(state_); }
  EvpChecksum(const EvpChecksum&) = delete;
  EvpChecksum& operator=(const EvpChecksum&) = delete;
  void update(ByteView bytes) override { EVP_DigestUpdate(state_, bytes.data(), bytes.size()); }
  std::string digest() const override {
    EVP_MD_CTX* copy = EVP_MD_CTX_new();
    check(copy != nullptr && EVP_MD_CTX_copy_ex(copy, state_) == 1, "digest copy");
    std::string out(EVP_MAX_MD_SIZE, '\0');
    unsigned length = 0;
    EVP_DigestFinal_ex(copy, reinterpret_cast<unsigned char*>(out.data()), &length);
    EVP_MD_CTX_free(copy);
    out.resize(length);
    return out;
  }

 private:
  EVP_MD_CTX* state_;
};

class XxHash64 final : public Checksum {
 public:
  XxHash64() : state_(XXH64_createState()) { XXH64_reset(state_, 0); }
  ~XxHash64() override { XXH64_freeState(state_); }
  XxHash64(const XxHash64&) = delete;
  XxHash64& operator=(const XxHash64&) = delete;
  void update(ByteView bytes) override { XXH64_update(state_, bytes.data(), bytes.size()); }
  std::string digest() const override { return big_endian(XXH64_digest(state_)); }

 private:
  XXH64_state_t* state_;
};

class XxHash3 final : public Checksum {
 public:
  explicit XxHash3(bool wide) : state_(XXH3_createState()), wide_(wide) {
    wide_ ? XXH3_128bits_reset(state_) : XXH3_64bits_reset(state_);
  }
  ~XxHash3() override { XXH3_freeState(state_); }
  XxHash3(const XxHash3&) = delete;
  XxHash3& operator=(const XxHash3&) = delete;
  void update(ByteView bytes) override {
    wide_ ? XXH3_128bits_update(state_, bytes.data(), bytes.size())
          : XXH3_64bits_update(state_, bytes.data(), bytes.size());
  }
  std::string digest() const override {
    if (!wide_) return big_endian(XXH3_64bits_digest(state_));
    XXH128_hash_t value = XXH3_128bits_digest(state_);
    return big_endian(value.high64) + big_endian(value.low64);
  }

 private:
  XXH3_state_t* state_;
  bool wide_;
};

struct KindNames {
  std::string_view name;
  std::string_view header;
};
constexpr std::array<KindNames, kAllChecksumKinds.size()> kNames = {{
    {"CRC32", "x-amz-checksum-crc32"},
    {"CRC32C", "x-amz-checksum-crc32c"},
    {"CRC64NVME", "x-amz-checksum-crc64nvme"},
    {"SHA1", "x-amz-checksum-sha1"},
    {"SHA256", "x-amz-checksum-sha256"},
    {"SHA512", "x-amz-checksum-sha512"},
    {"MD5", "x-amz-checksum-md5"},
    {"XXHASH64", "x-amz-checksum-xxhash64"},
    {"XXHASH3", "x-amz-checksum-xxhash3"},
    {"XXHASH128", "x-amz-checksum-xxhash128"},
}};

}  // namespace

std::string_view name(ChecksumKind kind) { return kNames[static_cast<size_t>(kind)].name; }
std::string_view header_name(ChecksumKind kind) { return kNames[static_cast<size_t>(kind)].header; }

std::optional<ChecksumKind> parse_checksum_kind(std::string_view text) {
  for (ChecksumKind kind : kAllChecksumKinds) {
    bool same = std::ranges::equal(text, name(kind), [](char a, char b) {
      return (a >= 'a' && a <= 'z' ? a - 'a' + 'A' : a) == b;
    });
    if (same) return kind;
  }
  return std::nullopt;
}

namespace {

// Polynomials over GF(2) modulo that of a CRC, reflected: the highest bit is x⁰. What comes before
// n bytes is multiplied by x⁸ⁿ (Adler, "crc32_combine" of zlib, is the same thought).
template <class N>
struct Modulo {
  static constexpr N kOne = N{1} << (8 * sizeof(N) - 1);
  N polynomial;

  N multiply(N a, N b) const {
    N product = 0;
    for (N bit = kOne; bit != 0; bit >>= 1) {
      if (a & bit) product ^= b;
      b = b & 1 ? (b >> 1) ^ polynomial : b >> 1;
    }
    return product;
  }
  N power_of_x(uint64_t bytes) const {
    N out = kOne;
    N square = kOne >> 8;  // x⁸
    for (; bytes != 0; bytes >>= 1) {
      if (bytes & 1) out = multiply(out, square);
      square = multiply(square, square);
    }
    return out;
  }
};

template <class N>
std::optional<std::string> combine(N polynomial, std::string_view first, std::string_view second,
                                   uint64_t length) {
  auto number = [](std::string_view digest) {
    N value = 0;
    for (char c : digest) value = static_cast<N>(value << 8) | static_cast<unsigned char>(c);
    return value;
  };
  if (first.size() != sizeof(N) || second.size() != sizeof(N)) return std::nullopt;
  Modulo<N> modulo{polynomial};
  N moved = modulo.multiply(modulo.power_of_x(length), number(first));
  return big_endian(static_cast<N>(moved ^ number(second)));
}

}  // namespace

std::optional<std::string> combine_checksums(ChecksumKind kind, std::string_view first,
                                             std::string_view second, uint64_t second_length) {
  constexpr uint32_t kIeee = 0xedb88320;        // reflected 0x04c11db7
  constexpr uint32_t kCastagnoli = 0x82f63b78;  // reflected 0x1edc6f41
  switch (kind) {
    case ChecksumKind::crc32: return combine(kIeee, first, second, second_length);
    case ChecksumKind::crc32c: return combine(kCastagnoli, first, second, second_length);
    case ChecksumKind::crc64nvme: return combine(kNvmePolynomial, first, second, second_length);
    default: return std::nullopt;
  }
}

std::unique_ptr<Checksum> Checksum::make(ChecksumKind kind) {
  switch (kind) {
    case ChecksumKind::crc32: return std::make_unique<Crc32>();
    case ChecksumKind::crc32c: return std::make_unique<Crc32C>();
    case ChecksumKind::crc64nvme: return std::make_unique<Crc64Nvme>();
    case ChecksumKind::sha1: return std::make_unique<EvpChecksum>(EVP_sha1());
    case ChecksumKind::sha256: return std::make_unique<EvpChecksum>(EVP_sha256());
    case ChecksumKind::sha512: return std::make_unique<EvpChecksum>(EVP_sha512());
    case ChecksumKind::md5: return std::make_unique<EvpChecksum>(EVP_md5());
    case ChecksumKind::xxhash64: return std::make_unique<XxHash64>();
    case ChecksumKind::xxhash3: return std::make_unique<XxHash3>(false);
    case ChecksumKind::xxhash128: return std::make_unique<XxHash3>(true);
  }
  broken_invariant("unknown checksum kind", std::source_location::current());
}

}  // namespace forebay
