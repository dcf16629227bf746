#include "origin/dir/record.h"

#include <gtest/gtest.h>

namespace forebay::origin {
namespace {

DirRecord sample() {
  DirRecord record;
  record.size = 100;
  record.modified = {1'700'000'000'123'456'789};
  record.etag = ETag("\"9b2cf535f27731c974343645a3985328-3\"");
  record.fields = {{"content-type", "text/plain"}, {"x-amz-meta-a", "b \"c\" \\ ü"}};
  record.tags = {{"a", "\"b\""}, {"ü", ""}};
  record.checksums = {{"x-amz-checksum-crc32", "AAAAAA=="}};
  record.parts = {{40, 2}, {20, 1}};
  return record;
}

TEST(DirRecord, comes_back_as_it_went) {
  DirRecord record = sample();
  auto back = parse_dir_record(encode(record));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->size, record.size);
  EXPECT_EQ(back->modified, record.modified);
  EXPECT_EQ(back->etag, record.etag);
  EXPECT_EQ(back->fields, record.fields);
  EXPECT_EQ(back->tags, record.tags);
  EXPECT_EQ(back->checksums, record.checksums);
  EXPECT_EQ(back->parts, record.parts);
}

TEST(DirRecord, is_small_however_many_equal_parts_there_are) {
  DirRecord record = sample();
  record.size = 10'000ULL << 30;
  record.parts = {{1 << 30, 10'000}};
  EXPECT_LT(encode(record).size(), 512u);
  EXPECT_TRUE(parse_dir_record(encode(record)));
}

TEST(DirRecord, describes_only_the_bytes_it_was_written_for) {
  DirRecord record = sample();
  io::FileStat stat;
  stat.size = 100;
  stat.modified = record.modified;
  EXPECT_TRUE(record.describes(stat));
  stat.size = 101;
  EXPECT_FALSE(record.describes(stat));
  stat.size = 100;
  stat.modified.ns += 1;
  EXPECT_FALSE(record.describes(stat));
}

TEST(DirRecord, refuses_what_is_no_record) {
  for (const char* text :
       {"", "{", "[]", "{}", R"({"v":2,"size":1,"mtime":1,"etag":"\"a\""})",
        R"({"v":1,"size":-1,"mtime":1,"etag":"\"a\""})", R"({"v":1,"size":1,"etag":"\"a\""})",
        R"({"v":1,"size":1,"mtime":1,"etag":""})",
        R"({"v":1,"size":1,"mtime":1,"etag":"\"a\"","fields":[]})",
        R"({"v":1,"size":1,"mtime":1,"etag":"\"a\"","fields":{"a":1}})",
        R"({"v":1,"size":1,"mtime":1,"etag":"\"a\"","tags":{"a":"b"}})",
        R"({"v":1,"size":1,"mtime":1,"etag":"\"a\"","tags":[["a"]]})",
        R"({"v":1,"size":1,"mtime":1,"etag":"\"a\"","tags":[["a",1]]})",
        R"({"v":1,"size":9,"mtime":1,"etag":"\"a\"","parts":[[4,2]]})",
        R"({"v":1,"size":9,"mtime":1,"etag":"\"a\"","parts":[[5,2]]})",
        R"({"v":1,"size":9,"mtime":1,"etag":"\"a\"","parts":[[9,0]]})",
        R"({"v":1,"size":9,"mtime":1,"etag":"\"a\"","parts":[[9]]})",
        R"({"v":1,"size":18446744073709551615,"mtime":1,"etag":"\"a\"",
            "parts":[[18446744073709551615,10000]]})"}) {
    auto record = parse_dir_record(text);
    ASSERT_FALSE(record) << text;
    EXPECT_EQ(record.error().code(), Code::corrupt) << text;
  }
}

TEST(DirUpload, comes_back_as_it_went) {
  DirUpload upload{"a/b", {77}, {{"content-type", "x/y"}}};
  auto back = parse_dir_upload(encode(upload));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->key, "a/b");
  EXPECT_EQ(back->initiated, WallTime{77});
  EXPECT_EQ(back->fields, upload.fields);
  EXPECT_EQ(back->plan, std::nullopt);
  EXPECT_FALSE(parse_dir_upload("{\"v\":1}"));
}

TEST(DirCompleted, comes_back_as_it_went) {
  DirCompleted completed{
      "a/b", "print", ".forebay-tmp/x", ETag("\"e-2\""), {{"x-amz-checksum-crc32", "AAAAAA=="}},
      {77}};
  auto back = parse_dir_completed(encode(completed));
  ASSERT_TRUE(back);
  EXPECT_EQ(encode(*back), encode(completed));
  EXPECT_EQ(parse_dir_completed("{\"v\":1}").error().code(), Code::corrupt);
  EXPECT_EQ(parse_dir_completed("{\"v\":2}").error().code(), Code::corrupt);
}

TEST(DirUpload, keeps_what_was_asked_of_its_checksums) {
  DirUpload upload{
      "a", {77}, {}, {{"t", "v"}}, ChecksumPlan{ChecksumKind::crc32c, ChecksumType::full_object}};
  auto back = parse_dir_upload(encode(upload));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->plan, upload.plan);
  EXPECT_EQ(back->tags, upload.tags);
  // One of before they were kept.
  auto old = parse_dir_upload(R"({"v":1,"key":"a","initiated":77})");
  ASSERT_TRUE(old);
  EXPECT_EQ(old->plan, std::nullopt);
  for (std::string_view bad : {R"("checksum_algorithm":"CRC32")",
                               R"("checksum_algorithm":"NOPE","checksum_type":"COMPOSITE")",
                               R"("checksum_algorithm":"SHA1","checksum_type":"FULL_OBJECT")",
                               R"("checksum_algorithm":7,"checksum_type":"COMPOSITE")"}) {
    std::string text = R"({"v":1,"key":"a","initiated":77,)" + std::string(bad) + "}";
    EXPECT_EQ(parse_dir_upload(text).error().code(), Code::corrupt) << bad;
  }
}

TEST(DirIdentity, tells_every_change_apart) {
  io::FileStat stat;
  stat.size = 1, stat.modified = {2}, stat.changed = {3}, stat.device = 4, stat.inode = 5;
  std::string first = dir_identity(stat);
  for (uint64_t* field : {&stat.size, &stat.device, &stat.inode}) {
    ++*field;
    EXPECT_NE(dir_identity(stat), first);
    --*field;
  }
  for (WallTime* field : {&stat.modified, &stat.changed}) {
    ++field->ns;
    EXPECT_NE(dir_identity(stat), first);
    --field->ns;
  }
  EXPECT_EQ(dir_identity(stat), first);
}

TEST(DirIdentity, settles_after_two_seconds) {
  io::FileStat stat;
  stat.modified = {seconds(100).ns};
  EXPECT_TRUE(dir_unsettled(stat, {seconds(100).ns}));
  EXPECT_TRUE(dir_unsettled(stat, {seconds(102).ns - 1}));
  EXPECT_FALSE(dir_unsettled(stat, {seconds(102).ns}));
  EXPECT_TRUE(dir_unsettled(stat, {seconds(90).ns}));  // a date in the future
}

TEST(DirEtag, looks_like_no_md5_and_no_upload) {
  io::FileStat stat;
  stat.size = 1, stat.modified = {2}, stat.device = 4, stat.inode = 5;
  ETag etag = dir_etag(stat);
  EXPECT_EQ(etag.part_count(), 0u);
  EXPECT_TRUE(etag.text().starts_with("\"file"));
  EXPECT_FALSE(etag.weak());
  stat.device = 9;  // a remount
  EXPECT_EQ(dir_etag(stat), etag);
  stat.modified = {3};
  EXPECT_NE(dir_etag(stat), etag);
}

}  // namespace
}  // namespace forebay::origin
