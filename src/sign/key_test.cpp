#include "sign/key.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/encoding.h"

namespace forebay::sign {
namespace {

std::string proof(const HmacKey& key) { return to_hex(key.sign(as_bytes("message"))); }

// "Deriving the signing key", AWS General Reference; the documented key is the HMAC's key, so its
// effect is compared.
TEST(SigningKey, DerivesTheDocumentedKey) {
  HmacKey derived = derive_key(Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
                               {"20120215", "us-east-1", "iam"});
  auto documented = from_hex("f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
  EXPECT_EQ(proof(derived), proof(HmacKey(as_bytes(*documented))));
}

TEST(SigningKeys, KeepsAKeyPerAccessKeyDateAndRegion) {
  SigningKeys keys;
  Secret secret("s");
  std::string first = proof(keys.get("a", secret, {"20260101", "r"}));
  EXPECT_EQ(proof(keys.get("a", secret, {"20260101", "r"})), first);
  EXPECT_EQ(keys.derived(), 1U);
  EXPECT_EQ(proof(keys.get("b", secret, {"20260101", "r"})), first);
  EXPECT_NE(proof(keys.get("a", secret, {"20260102", "r"})), first);
  EXPECT_NE(proof(keys.get("a", secret, {"20260101", "q"})), first);
  EXPECT_NE(proof(keys.get("a", secret, {"20260101", "r", "x"})), first);
  EXPECT_EQ(keys.derived(), 5U);
}

TEST(SigningKeys, ARotatedSecretReplacesItsKey) {
  SigningKeys keys;
  Scope scope{"20260101", "r"};
  std::string old_proof = proof(keys.get("a", Secret("old"), scope));
  std::string new_proof = proof(keys.get("a", Secret("new"), scope));
  EXPECT_NE(old_proof, new_proof);
  EXPECT_EQ(proof(keys.get("a", Secret("new"), scope)), new_proof);
  EXPECT_EQ(keys.derived(), 2U);
  EXPECT_EQ(proof(keys.get("a", Secret("old"), scope)), old_proof);
}

TEST(SigningKeys, StaysRightWhenItIsFull) {
  SigningKeys keys;
  constexpr size_t kMany = SigningKeys::kSets * SigningKeys::kWays * 3;
  for (int round = 0; round < 2; ++round) {
    for (size_t i = 0; i < kMany; ++i) {
      Secret secret("secret" + std::to_string(i));
      std::string name = "key" + std::to_string(i);
      Scope scope{"20260101", "r"};
      EXPECT_EQ(proof(keys.get(name, secret, scope)), proof(derive_key(secret, scope)));
    }
  }
  EXPECT_GT(keys.derived(), kMany);
}

TEST(SigningKeys, ServesManyThreads) {
  SigningKeys keys;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&keys, t] {
      for (int i = 0; i < 400; ++i) {
        Secret secret("secret" + std::to_string((i + t) % 7));
        Scope scope{"20260101", "r"};
        EXPECT_EQ(proof(keys.get("key", secret, scope)), proof(derive_key(secret, scope)));
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace forebay::sign
