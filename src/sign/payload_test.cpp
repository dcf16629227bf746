#include "sign/payload.h"

#include <gtest/gtest.h>

namespace forebay::sign {
namespace {

TEST(Payload, ReadsEveryForm) {
  for (PayloadKind kind :
       {PayloadKind::unsigned_body, PayloadKind::streaming_signed,
        PayloadKind::streaming_signed_trailer, PayloadKind::streaming_unsigned_trailer}) {
    auto payload = Payload::parse(word(kind));
    ASSERT_TRUE(payload) << word(kind);
    EXPECT_EQ(payload->kind, kind);
  }
  auto hash = Payload::parse(kEmptySha256);
  ASSERT_TRUE(hash);
  EXPECT_EQ(hash->kind, PayloadKind::hash);
  EXPECT_EQ(hash->sha256, Sha256::of({}));
}

TEST(Payload, RefusesByName) {
  auto code = [](std::string_view text) { return Payload::parse(text).error().detail(); };
  EXPECT_EQ(code("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"), "NotImplemented");
  EXPECT_EQ(code("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER"), "NotImplemented");
  EXPECT_EQ(code(""), "InvalidArgument");
  EXPECT_EQ(code("unsigned-payload"), "InvalidArgument");
  EXPECT_EQ(code("STREAMING-UNSIGNED-PAYLOAD"), "InvalidArgument");
  EXPECT_EQ(code(kEmptySha256.substr(1)), "InvalidArgument");
  EXPECT_EQ(code(std::string(kEmptySha256) + "0"), "InvalidArgument");
  EXPECT_EQ(code(std::string(63, 'a') + "g"), "InvalidArgument");
}

TEST(Payload, KindsKnowTheirFraming) {
  EXPECT_FALSE(is_chunked(PayloadKind::hash));
  EXPECT_FALSE(is_chunked(PayloadKind::unsigned_body));
  EXPECT_TRUE(is_chunked(PayloadKind::streaming_signed));
  EXPECT_TRUE(has_chunk_signatures(PayloadKind::streaming_signed_trailer));
  EXPECT_FALSE(has_chunk_signatures(PayloadKind::streaming_unsigned_trailer));
  EXPECT_FALSE(has_trailers(PayloadKind::streaming_signed));
  EXPECT_TRUE(has_trailers(PayloadKind::streaming_unsigned_trailer));
  EXPECT_EQ(word(PayloadKind::hash), "");
}

}  // namespace
}  // namespace forebay::sign
