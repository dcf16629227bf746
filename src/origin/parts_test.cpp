#include "origin/parts.h"

#include <gtest/gtest.h>

#include "origin/tags.h"

namespace forebay::origin {
namespace {

std::map<uint32_t, PartInfo> stored() {
  std::map<uint32_t, PartInfo> out;
  out[1] = {.number = 1, .size = kMinPart, .etag = ETag("\"a\"")};
  out[3] = {.number = 3, .size = kMinPart - 1, .etag = ETag("\"b\"")};
  out[10'000] = {.number = 10'000, .size = 0, .etag = ETag("\"c\"")};
  return out;
}

CompletedPart asked(uint32_t number, const char* etag) {
  return {.number = number, .etag = ETag(etag)};
}

TEST(Parts, chooses_in_order_with_or_without_quotes) {
  auto chosen = choose_parts(stored(), {asked(1, "a"), asked(10'000, "\"c\"")}, kMinPart);
  ASSERT_TRUE(chosen);
  ASSERT_EQ(chosen->size(), 2u);
  EXPECT_EQ((*chosen)[1].number, 10'000u);
}

TEST(Parts, refuses_with_s3s_own_words) {
  auto detail = [](std::vector<CompletedPart> parts) {
    auto chosen = choose_parts(stored(), parts, kMinPart);
    return chosen ? std::string("ok") : chosen.error().detail();
  };
  EXPECT_EQ(detail({}), "MalformedXML");
  EXPECT_EQ(detail({asked(3, "b"), asked(1, "a")}), "InvalidPartOrder");
  EXPECT_EQ(detail({asked(1, "a"), asked(1, "a")}), "InvalidPartOrder");
  EXPECT_EQ(detail({asked(1, "b")}), "InvalidPart");
  EXPECT_EQ(detail({asked(2, "a")}), "InvalidPart");
  // At the limit, one below it, and one below it as the last.
  EXPECT_EQ(detail({asked(1, "a"), asked(3, "b")}), "ok");
  EXPECT_EQ(detail({asked(3, "b"), asked(10'000, "c")}), "EntityTooSmall");
  EXPECT_EQ(detail({asked(3, "b")}), "ok");
}

TEST(Tags, prefer_version_ids_and_refuse_weak_etags) {
  EXPECT_EQ(version_tag("v1", ETag("\"a\""), 3).text(), "v:v1");
  EXPECT_EQ(version_tag("", ETag("\"a\""), 3).text(), "e:\"a\":3");
  EXPECT_EQ(version_tag("null", ETag("\"a\""), 3).text(), "e:\"a\":3");
  EXPECT_FALSE(version_tag("", ETag("W/\"a\""), 3).strong());
  EXPECT_FALSE(version_tag("", ETag(), 3).strong());
  EXPECT_TRUE(version_tag("v1", ETag("W/\"a\""), 3).strong());
}

TEST(Tags, join_part_digests_as_s3_does) {
  // Two parts whose MD5 is that of no bytes.
  std::string digest("\xd4\x1d\x8c\xd9\x8f\x00\xb2\x04\xe9\x80\x09\x98\xec\xf8\x42\x7e", 16);
  EXPECT_EQ(multipart_etag(digest + digest).text(), "\"5873dd45edd01f09c1ef2e7819369e8e-2\"");
}

}  // namespace
}  // namespace forebay::origin
