#include "base/names.h"

#include <gtest/gtest.h>

#include <set>

namespace forebay {
namespace {

TEST(BucketName, AcceptsWhatS3Accepts) {
  for (std::string_view name : {"abc", "a-b", "a.b", "0bucket9", "my.bucket-1", "1.2.3",
                                "1.2.3.4.5", "1.2.3.a", "a--b", "a-.b"}) {
    auto bucket = BucketName::parse(name);
    ASSERT_TRUE(bucket) << name;
    EXPECT_EQ(bucket->text(), name);
  }
}

TEST(BucketName, RefusesTheRest) {
  for (std::string_view name : {"", "ab", "Abc", "a_b", "-abc", "abc-", ".abc", "abc.", "a..b",
                                "192.168.5.4", "1.2.3.4", "a b", "a/b",
                                "b\xc3\xbc"
                                "cket"}) {
    auto bucket = BucketName::parse(name);
    ASSERT_FALSE(bucket) << name;
    EXPECT_EQ(bucket.error().detail(), "InvalidBucketName");
  }
}

TEST(BucketName, LengthLimits) {
  EXPECT_FALSE(BucketName::parse(std::string(2, 'a')));
  EXPECT_TRUE(BucketName::parse(std::string(3, 'a')));
  EXPECT_TRUE(BucketName::parse(std::string(63, 'a')));
  EXPECT_FALSE(BucketName::parse(std::string(64, 'a')));
}

TEST(ObjectKey, LengthLimits) {
  EXPECT_FALSE(ObjectKey::parse(""));
  EXPECT_TRUE(ObjectKey::parse("k"));
  EXPECT_TRUE(ObjectKey::parse(std::string(ObjectKey::kMaxBytes, 'k')));
  auto too_long = ObjectKey::parse(std::string(ObjectKey::kMaxBytes + 1, 'k'));
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().code(), Code::too_large);
  EXPECT_EQ(too_long.error().detail(), "KeyTooLongError");
}

TEST(ObjectKey, IsUtf8WithoutNul) {
  for (std::string_view key :
       {"/", "//a//", "../x", "a b", "tab\t", "\x01", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
        "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xef\xbf\xbd"}) {
    EXPECT_TRUE(ObjectKey::parse(key)) << key;
  }
  for (std::string_view key :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2z", "\xe0\x9f\xbf", "\xe0\xa0",
        "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xff", "a\xe2\x82"}) {
    EXPECT_FALSE(ObjectKey::parse(key)) << testing::PrintToString(key);
  }
  EXPECT_FALSE(ObjectKey::parse(std::string_view("a\0b", 3)));
}

TEST(ETag, PartCount) {
  EXPECT_EQ(ETag("\"9b2cf535f27731c974343645a3985328-20\"").part_count(), 20U);
  EXPECT_EQ(ETag("\"x-1\"").part_count(), 1U);
  EXPECT_EQ(ETag("\"x-10000\"").part_count(), 10'000U);
  EXPECT_EQ(ETag("\"x-10001\"").part_count(), 0U);
  EXPECT_EQ(ETag("\"9b2cf535f27731c974343645a3985328\"").part_count(), 0U);
  EXPECT_EQ(ETag("\"x-\"").part_count(), 0U);
  EXPECT_EQ(ETag("\"x-2a\"").part_count(), 0U);
  EXPECT_EQ(ETag("\"x-4294967297\"").part_count(), 0U);
  EXPECT_EQ(ETag("W/\"x-3\"").part_count(), 3U);
  EXPECT_EQ(ETag().part_count(), 0U);
}

TEST(ETag, WeaknessAndEmptiness) {
  EXPECT_TRUE(ETag("W/\"a\"").weak());
  EXPECT_FALSE(ETag("\"W/\"").weak());
  EXPECT_TRUE(ETag().empty());
  EXPECT_FALSE(Tag().strong());
  EXPECT_TRUE(Tag("v1").strong());
}

UnitName some_name() {
  return {.incarnation = 7, .key = "k", .tag = "t", .offset = 5, .length = 9};
}

// docs/formats/unit-id.md: SHA-256 over little-endian numbers and length-prefixed texts.
TEST(UnitId, IsTheDocumentedHash) {
  EXPECT_EQ(some_name().id().hex(), "bc2cbf80727edfe07eef7803e7270d09");
}

TEST(KeySlot, is_the_documented_hash) {
  EXPECT_EQ(key_slot(1, "a"), 864109U);
  EXPECT_EQ(key_slot(7, "images/0001.jpg"), 584537U);
}

TEST(UnitId, EveryPartCounts) {
  std::set<UnitId> ids{some_name().id()};
  auto add = [&](auto change) {
    UnitName name = some_name();
    change(name);
    EXPECT_TRUE(ids.insert(name.id()).second);
  };
  add([](UnitName& n) { n.incarnation = 8; });
  add([](UnitName& n) { n.key = "l"; });
  add([](UnitName& n) { n.tag = "u"; });
  add([](UnitName& n) { n.customer_key_digest = "d"; });
  add([](UnitName& n) { n.offset = 6; });
  add([](UnitName& n) { n.length = 10; });
  add([](UnitName& n) { n.key = "kt", n.tag = ""; });
  add([](UnitName& n) { n.key = "", n.tag = "kt"; });
}

TEST(UnitId, ReadsItsOwnHexOnly) {
  UnitId id = some_name().id();
  EXPECT_EQ(*UnitId::parse(id.hex()), id);
  EXPECT_FALSE(UnitId::parse(id.hex().substr(2)));
  EXPECT_FALSE(UnitId::parse(id.hex() + "00"));
  EXPECT_FALSE(UnitId::parse(std::string(31, 'a') + "g"));
  EXPECT_FALSE(UnitId::parse(std::string(32, 'A')));
  EXPECT_EQ(UnitId::parse(std::string(32, '0'))->bytes, UnitId{}.bytes);
}

}  // namespace
}  // namespace forebay
