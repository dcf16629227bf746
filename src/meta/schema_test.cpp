#include "meta/schema.h"

#include <gtest/gtest.h>

#include "meta/memory_store.h"

namespace forebay::meta::schema {
namespace {

const ObjectKey kKey = ObjectKey::parse("a/b").value();

TEST(Schema, KeysAreReadable) {
  EXPECT_EQ(bucket(BucketName::parse("data").value()), "bucket/data");
  EXPECT_EQ(access_key("AKIA"), "key/AKIA");
  EXPECT_EQ(job("00ff"), "job/00ff");
  EXPECT_EQ(head(0x1f, kKey), "head/000000000000001f/a/b");
  EXPECT_EQ(heads(~uint64_t{0}), "head/ffffffffffffffff/");
  EXPECT_EQ(object(0x2f, kKey), "object/000000000000002f/a/b");
  EXPECT_EQ(part(1, kKey, "id", 7), std::string("part/0000000000000001/a/b\0id/00007", 34));
  EXPECT_EQ(upload(1, kKey, "id"), std::string("upload/0000000000000001/a/b\0id", 30));
}

TEST(Schema, TheLongestKeyFits) {
  ObjectKey longest = ObjectKey::parse(std::string(ObjectKey::kMaxBytes, 'k')).value();
  EXPECT_TRUE(check_key(head(1, longest)));
  EXPECT_TRUE(check_key(upload(1, longest, std::string(128, 'u'))));
  EXPECT_TRUE(check_key(object(1, longest)));
  EXPECT_TRUE(check_key(part(1, longest, std::string(32, 'u'), 99'999)));
}

TEST(Schema, AHeadsKeyIsReadBack) {
  HeadKey key = parse_head(head(0xabcdef, kKey)).value();
  EXPECT_EQ(key.incarnation, 0xabcdefu);
  EXPECT_EQ(key.key, "a/b");
  for (std::string_view bad :
       {"", "head/", "head/0000000000000001", "head/0000000000000001/", "head/000000000000000g/k",
        "heat/0000000000000001/k", "head/0000000000000001k", "head-fence"}) {
    EXPECT_FALSE(parse_head(bad)) << bad;
  }
}

TEST(Schema, an_objects_row_key_tells_its_key_and_which_version) {
  VersionKey current = parse_object(object(0xabcdef, kKey)).value();
  EXPECT_EQ(current.incarnation, 0xabcdefu);
  EXPECT_EQ(current.key, "a/b");
  EXPECT_EQ(current.order, "");
  VersionKey older = parse_object(object_version(0xabcdef, kKey, "12")).value();
  EXPECT_EQ(older.key, "a/b");
  EXPECT_EQ(older.order, "12");
  // They stand between their key's row and that of the next key.
  EXPECT_LT(object(1, kKey), object_version(1, kKey, "0"));
  EXPECT_LT(object_version(1, kKey, "f"), object(1, *ObjectKey::parse("a/b\x01")));
  EXPECT_EQ(versioning(0xabcdef), "versioning/0000000000abcdef");
  for (const std::string& bad :
       {std::string("object/0000000000000001/"), std::string("object/0000000000000001/\0i", 26),
        std::string("object/0000000000000001/k\0", 26), std::string("object/000000000000000g/k"),
        std::string("upload/0000000000000001/k")}) {
    EXPECT_FALSE(parse_object(bad)) << bad;
  }
}

TEST(Schema, AnUploadsKeyIsReadBack) {
  UploadKey key = parse_upload(upload(0xabcdef, kKey, "id-1")).value();
  EXPECT_EQ(key.incarnation, 0xabcdefu);
  EXPECT_EQ(key.key, "a/b");
  EXPECT_EQ(key.id, "id-1");
}

TEST(Schema, WhatIsNoUploadsKeyIsCorrupt) {
  std::string good = upload(1, kKey, "i");
  for (std::string bad :
       {std::string(), good.substr(1), good.substr(0, good.size() - 1), std::string("upload/"),
        std::string("upload/000000000000000g/k\0i", 27), std::string("upload/0000000000000001/k"),
        std::string("upload/0000000000000001/\0i", 26),
        std::string("upload/0000000000000001k\0i", 26),
        std::string("upload/-000000000000001/k\0i", 27)}) {
    Result<UploadKey> key = parse_upload(bad);
    EXPECT_FALSE(key) << bad;
    if (!key) {
      EXPECT_EQ(key.error().code(), Code::corrupt);
    }
  }
}

TEST(Schema, APartsKeyIsReadBack) {
  for (uint32_t number : {0u, 1u, 10'000u, 99'999u}) {
    PartKey key = parse_part(part(0xabcdef, kKey, "id-1", number)).value();
    EXPECT_EQ(key.upload.incarnation, 0xabcdefu);
    EXPECT_EQ(key.upload.key, "a/b");
    EXPECT_EQ(key.upload.id, "id-1");
    EXPECT_EQ(key.number, number);
  }
  EXPECT_LT(part(1, kKey, "id", 9), part(1, kKey, "id", 10));
  EXPECT_LT(part(1, kKey, "id", 9'999), part(1, kKey, "id", 10'000));
}

TEST(Schema, WhatIsNoPartsKeyIsCorrupt) {
  std::string good = part(1, kKey, "id", 1);
  for (std::string bad :
       {std::string(), good.substr(1), good.substr(0, good.size() - 1), good + "0",
        upload(1, kKey, "id"), std::string("part/0000000000000001/a/b\0id/0000x", 34),
        std::string("part/0000000000000001/a/b/00001"),
        std::string("part/0000000000000001/a/b\0/00001", 32)}) {
    Result<PartKey> key = parse_part(bad);
    EXPECT_FALSE(key) << bad;
    if (!key) EXPECT_EQ(key.error().code(), Code::corrupt);
  }
}

TEST(Schema, OneKeysUploadsAreNotAnothers) {
  ObjectKey longer = ObjectKey::parse("a/b/c").value();
  Range range = Range::prefix(uploads(1, kKey));
  std::string other = upload(1, longer, "x");
  EXPECT_FALSE(range.from <= other && other < range.to);
}

}  // namespace
}  // namespace forebay::meta::schema
