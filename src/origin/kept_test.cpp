#include "origin/kept.h"

#include <gtest/gtest.h>

namespace forebay::origin {
namespace {

std::string refused(Fields fields) {
  auto kept = fields_to_keep(std::move(fields), "not here");
  return kept ? std::string() : kept.error().detail();
}

TEST(Kept, fields_are_kept_but_for_the_usual_storage_class) {
  Fields given{{"content-type", "a"}, {"x-amz-meta-b", "ü"}, {"x-amz-storage-class", "STANDARD"}};
  Fields kept = fields_to_keep(given, "").value();
  EXPECT_EQ(kept, (Fields{{"content-type", "a"}, {"x-amz-meta-b", "ü"}}));
}

TEST(Kept, what_cannot_be_kept_is_refused) {
  EXPECT_EQ(refused({{"x-amz-meta-a", "\xff"}}), "InvalidArgument");
  EXPECT_EQ(refused({{"x-amz-storage-class", "GLACIER"}}), "InvalidStorageClass");
  EXPECT_EQ(refused({{"x-amz-server-side-encryption", "AES256"}}), "NotImplemented");
  auto words = fields_to_keep({{"x-amz-server-side-encryption", "AES256"}}, "not here");
  EXPECT_EQ(words.error().text(), "not here");
  EXPECT_TRUE(allow_tags({{"a", "ü"}, {"", ""}}));
  EXPECT_EQ(allow_tags({{"a", "\xff"}}).error().detail(), "InvalidTag");
  EXPECT_EQ(allow_tags({{"\xff", "a"}}).error().detail(), "InvalidTag");
}

TEST(Kept, what_was_written_is_read_again) {
  Fields fields{{"b", "1"}, {"a", "\"{}"}};
  TagSet tags{{"b", ""}, {"a", "x"}};
  std::optional<ChecksumPlan> plan = ChecksumPlan{ChecksumKind::sha1, ChecksumType::composite};
  Json json;
  json.set("fields", to_json(fields)).set("tags", to_json(tags));
  write_plan(json, plan);
  Json read = Json::parse(json.dump()).value();
  EXPECT_EQ(read_fields(read, "fields").value(), fields);
  EXPECT_EQ(read_tags(read).value(), tags);
  EXPECT_EQ(read_plan(read).value(), plan);
  Json none(Json::Object{});
  write_plan(none, std::nullopt);
  EXPECT_TRUE(read_fields(none, "fields").value().empty());
  EXPECT_TRUE(read_tags(none).value().empty());
  EXPECT_EQ(read_plan(none).value(), std::nullopt);
}

TEST(Kept, other_shapes_are_corrupt) {
  for (const char* text :
       {R"({"tags":{}})", R"({"tags":[1]})", R"({"tags":[["a"]]})", R"({"tags":[["a",1]]})"}) {
    EXPECT_EQ(read_tags(*Json::parse(text)).error().code(), Code::corrupt) << text;
  }
  for (const char* text : {R"({"f":[]})", R"({"f":{"a":1}})"}) {
    EXPECT_EQ(read_fields(*Json::parse(text), "f").error().code(), Code::corrupt) << text;
  }
  for (const char* text :
       {R"({"checksum_algorithm":"CRC32"})", R"({"checksum_algorithm":7,"checksum_type":"x"})",
        R"({"checksum_algorithm":"SHA1","checksum_type":"FULL_OBJECT"})"}) {
    EXPECT_EQ(read_plan(*Json::parse(text)).error().code(), Code::corrupt) << text;
  }
}

}  // namespace
}  // namespace forebay::origin
