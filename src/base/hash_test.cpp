#include "base/hash.h"

#include <gtest/gtest.h>

#include <map>

#include "base/encoding.h"

namespace forebay {
namespace {

std::string hex(const Digest256& digest) { return to_hex(digest); }

// FIPS 180-2, appendix B.
TEST(Sha256, PublishedValues) {
  EXPECT_EQ(hex(Sha256::of({})),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(Sha256::of(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 hash;
  for (int i = 0; i < 1000; ++i) hash.update(as_bytes(std::string(1000, 'a')));
  EXPECT_EQ(hex(hash.finish()), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// RFC 4231: keys shorter than, equal in spirit to, and longer than a block.
TEST(HmacKey, PublishedValues) {
  EXPECT_EQ(hex(HmacKey(as_bytes(std::string(20, '\x0b'))).sign(as_bytes("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(HmacKey(as_bytes("Jefe")).sign(as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  HmacKey longer(as_bytes(std::string(131, '\xaa')));
  std::string_view text = "Test Using Larger Than Block-Size Key - Hash Key First";
  std::string expected = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54";
  EXPECT_EQ(hex(longer.sign(as_bytes(text))), expected);
  EXPECT_EQ(hex(longer.sign(as_bytes(text))), expected) << "a key may sign again";
}

TEST(Crc32c, ChecksInPieces) {
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283U);
  EXPECT_EQ(crc32c(as_bytes("6789"), crc32c(as_bytes("12345"))), 0xe3069283U);
  EXPECT_EQ(crc32c({}), 0U);
  EXPECT_EQ(crc32c(as_bytes(std::string(32, '\0'))), 0x8a9136aaU);  // RFC 3720, B.4
}

// Check values of the Rocksoft model ("123456789"), FIPS 180-4, RFC 1321; xxHash by its reference
// implementation.
const std::map<ChecksumKind, std::string> kCheckValues = {
    {ChecksumKind::crc32, "cbf43926"},
    {ChecksumKind::crc32c, "e3069283"},
    {ChecksumKind::crc64nvme, "ae8b14860a799888"},
    {ChecksumKind::sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"},
    {ChecksumKind::sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"},
    {ChecksumKind::sha512,
     "d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274a"
     "d27fcd5811b313d681f7e55ec02d73d499c95455b6b5bb503acf574fba8ffe85"},
    {ChecksumKind::md5, "25f9e794323b453885f5181f1b624d0b"},
    {ChecksumKind::xxhash64, "8cb841db40e6ae83"},
    {ChecksumKind::xxhash3, "72dcb18b67a17dff"},
    {ChecksumKind::xxhash128, "33119477ede5dcd5e9716427681d5860"},
};

class EveryChecksum : public testing::TestWithParam<ChecksumKind> {};

TEST_P(EveryChecksum, PublishedCheckValue) {
  auto checksum = Checksum::make(GetParam());
  checksum->update(as_bytes("123456789"));
  EXPECT_EQ(to_hex(as_bytes(checksum->digest())), kCheckValues.at(GetParam()));
}

TEST_P(EveryChecksum, PiecesAndEarlyDigestsChangeNothing) {
  std::string data;
  for (int i = 0; i < 5000; ++i) data += static_cast<char>(i * 7 + i / 256);
  auto whole = Checksum::make(GetParam());
  whole->update(as_bytes(data));
  for (size_t piece : {1, 7, 8, 9, 64, 1024}) {
    auto pieces = Checksum::make(GetParam());
    for (size_t at = 0; at < data.size(); at += piece) {
      pieces->update(as_bytes(std::string_view(data).substr(at, piece)));
      if (at % 3 == 0) (void)pieces->digest();
    }
    EXPECT_EQ(pieces->digest(), whole->digest()) << piece;
  }
}

// Against the sum of the bytes themselves; only CRCs can be put together.
TEST_P(EveryChecksum, OfTwoStringsFromTheirs) {
  std::string data;
  for (int i = 0; i < 200'000; ++i) data += static_cast<char>(i * 31 + i / 253);
  auto sum = [](std::string_view text) {
    auto running = Checksum::make(GetParam());
    running->update(as_bytes(text));
    return running->digest();
  };
  bool crc = name(GetParam()).starts_with("CRC");
  for (size_t cut : {0UL, 1UL, 7UL, 65'536UL, 199'999UL, 200'000UL}) {
    std::string_view first = std::string_view(data).substr(0, cut);
    std::string_view second = std::string_view(data).substr(cut);
    auto both = combine_checksums(GetParam(), sum(first), sum(second), second.size());
    EXPECT_EQ(both, crc ? std::optional(sum(data)) : std::nullopt) << cut;
  }
  EXPECT_EQ(combine_checksums(GetParam(), "abc", sum(data), 1), std::nullopt);
}

TEST_P(EveryChecksum, NamesRoundTrip) {
  ChecksumKind kind = GetParam();
  std::string lower(name(kind));
  for (char& c : lower) c = static_cast<char>(std::tolower(c));
  EXPECT_EQ(parse_checksum_kind(name(kind)), kind);
  EXPECT_EQ(parse_checksum_kind(lower), kind);
  EXPECT_EQ(header_name(kind), "x-amz-checksum-" + lower);
}

INSTANTIATE_TEST_SUITE_P(Checksum, EveryChecksum, testing::ValuesIn(kAllChecksumKinds),
                         [](const auto& test) { return std::string(name(test.param)); });

TEST(ChecksumKind, UnknownNames) {
  for (std::string_view text : {"", "CRC", "CRC32 ", "CRC32CC", "SHA-256"}) {
    EXPECT_FALSE(parse_checksum_kind(text)) << text;
  }
}

// The check value of no bytes, from the NVM Express specification's model: init and xorout undo.
TEST(Crc64Nvme, Empty) {
  EXPECT_EQ(to_hex(as_bytes(Checksum::make(ChecksumKind::crc64nvme)->digest())),
            "0000000000000000");
  auto zeros = Checksum::make(ChecksumKind::crc64nvme);
  zeros->update(as_bytes(std::string(4096, '\0')));
  EXPECT_EQ(to_hex(as_bytes(zeros->digest())), "6482d367eb22b64e");  // the specification's example
}

}  // namespace
}  // namespace forebay
