#include "object/native/head_row.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "meta/schema.h"
#include "object/native/upload_rows.h"
#include "origin/checksums.h"
#include "origin/parts.h"

namespace forebay::object {
namespace {

Sixteen native_sixteen(unsigned seed) {
  Sixteen out;
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(seed * 31 + i * 7);
  return out;
}

NativeHead some_native_head() {
  NativeHead head;
  head.size = 5'000'000'000;
  head.modified = {1'700'000'000'123'456'789};
  head.md5 = native_sixteen(1);
  head.write = native_sixteen(2);
  head.fields = {{"content-type", "text/plain"}, {"x-amz-meta-a", "ü \"quoted\" {}"}};
  head.checksums = {{"x-amz-checksum-crc32c", "AAAAAA=="}, {"x-amz-checksum-type", "FULL_OBJECT"}};
  head.tags = {{"b", "1"}, {"a", ""}};
  head.copies = {std::string(32, 'a')};
  return head;
}

NativeHead native_in_parts(uint32_t count, uint64_t size, const origin::Fields& sums = {}) {
  NativeHead head = some_native_head();
  head.size = count * size;
  head.upload = std::string(32, 'b');
  head.completion = std::string(64, 'c');
  for (uint32_t i = 0; i < count; ++i) head.pieces.push_back({size, native_sixteen(i), sums});
  return head;
}

Code native_code_of(const std::string& row) {
  auto head = parse_native_head(row);
  return head ? Code::internal : head.error().code();
}

TEST(NativeHeadRow, comes_back_as_it_was) {
  NativeHead with_sums = native_in_parts(3, 5 << 20, {{"x-amz-checksum-sha1", "abc="}});
  with_sums.pieces[1].checksums.clear();
  with_sums.pieces[2].size = 0;
  with_sums.size = 10 << 20;
  NativeHead bare;
  NativeHead version = some_native_head(), marker;
  version.own_id = true;
  version.null_order = std::string(32, 'e');
  marker.marker = marker.own_id = true;
  for (const NativeHead& head :
       {some_native_head(), bare, native_in_parts(1, 0), with_sums, version, marker}) {
    std::string row = encode(head).value();
    auto back = parse_native_head(row);
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_TRUE(*back == head);
    EXPECT_EQ(encode(*back).value(), row);
  }
}

TEST(NativeHeadRow, its_front_is_the_documented_one) {
  std::string row = encode(native_in_parts(2, 0x0102030405)).value();
  EXPECT_EQ(to_hex(as_bytes(row.substr(0, 8))), "0200000002000000");
  EXPECT_EQ(to_hex(as_bytes(row.substr(8, 8))), "0a08060402000000");
  EXPECT_EQ(to_hex(as_bytes(row.substr(16, 8))), "15cd853dfe9c9717");
  EXPECT_EQ(row.substr(24, 16), as_text(native_sixteen(1)));
  EXPECT_EQ(row.substr(40, 16), as_text(native_sixteen(2)));
  EXPECT_EQ(to_hex(as_bytes(row.substr(56, 8))), "0504030201000000");
  EXPECT_EQ(row.substr(64, 16), as_text(native_sixteen(0)));
  EXPECT_EQ(row.substr(88, 16), as_text(native_sixteen(1)));
  EXPECT_TRUE(row.substr(104).starts_with(R"({"checksums":{"x-amz-checksum-crc32c":"AAAAAA==",)"));
}

TEST(NativeHeadRow, a_summary_says_the_same) {
  for (const NativeHead& head : {some_native_head(), native_in_parts(3, 100)}) {
    auto told = parse_native_summary(encode(head).value());
    ASSERT_TRUE(told);
    EXPECT_EQ(told->size, head.size);
    EXPECT_EQ(told->modified, head.modified);
    EXPECT_EQ(told->etag, head.etag());
    EXPECT_EQ(told->write, head.write);
    EXPECT_EQ(told->checksum,
              (origin::ChecksumPlan{ChecksumKind::crc32c, origin::ChecksumType::full_object}));
  }
  NativeHead none;
  EXPECT_EQ(parse_native_summary(encode(none).value())->checksum, std::nullopt);
  for (bool marker : {false, true}) {
    none.own_id = none.marker = marker;
    std::string row = encode(none).value();
    EXPECT_EQ(parse_native_summary(row)->marker, marker);
    EXPECT_EQ(parse_native_summary(row)->own_id, marker);
    EXPECT_EQ(parse_native_summary(row)->order(), none.order());
    EXPECT_EQ(is_marker_row(row), marker);
  }
  EXPECT_FALSE(is_marker_row("\x02"));
  EXPECT_FALSE(is_marker_row(std::string("\x01\x02", 2)));
  EXPECT_EQ(parse_native_summary("\x01").error().code(), Code::corrupt);
}

TEST(NativeHeadRow, a_summary_tells_of_every_kind_of_checksum) {
  for (ChecksumKind kind : kAllChecksumKinds) {
    for (std::string value : {"AAAA+/==", "AAAA+/==-2"}) {
      for (std::string type : {"", "COMPOSITE", "FULL_OBJECT"}) {
        NativeHead head;
        head.checksums[std::string(header_name(kind))] = value;
        if (!type.empty()) head.checksums[std::string(origin::kChecksumTypeHeader)] = type;
        auto told = parse_native_summary(encode(head).value());
        ASSERT_TRUE(told);
        EXPECT_TRUE(told->checksum);
        EXPECT_EQ(told->checksum, origin::plan_of(head.checksums)) << name(kind) << value << type;
      }
    }
  }
  // As nothing here writes them.
  NativeHead head;
  head.checksums["x-amz-checksum-crc32"] = "\"";
  EXPECT_EQ(parse_native_summary(encode(head).value())->checksum, std::nullopt);
  std::string row = encode(head).value();
  for (size_t end = row.size(); end > 0; --end) {
    auto told = parse_native_summary(row.substr(0, end));
    EXPECT_FALSE(told && told->checksum);
  }
}

TEST(NativeHeadRow, tells_what_clients_see) {
  NativeHead head = native_in_parts(2, 10);
  origin::ObjectInfo info = head.info();
  EXPECT_EQ(info.etag.text(), "\"" + to_hex(head.md5) + "-2\"");
  EXPECT_EQ(info.tag.text(), to_hex(head.write));
  EXPECT_EQ(info.fields[std::string(origin::kTaggingCount)], "2");
  ASSERT_EQ(info.pieces.size(), 2U);
  EXPECT_EQ(info.pieces[1].tag(), to_hex(native_sixteen(1)));
  EXPECT_EQ(some_native_head().info().etag.text(), "\"" + to_hex(native_sixteen(1)) + "\"");
  EXPECT_TRUE(some_native_head().info().pieces.empty());
}

TEST(NativeHeadRow, another_version_is_invalid_and_anything_else_corrupt) {
  std::string row = encode(some_native_head()).value();
  std::string other = row;
  other[0] = 4;
  EXPECT_EQ(native_code_of(other), Code::invalid);
  EXPECT_EQ(parse_native_summary(other).error().code(), Code::invalid);
  for (size_t length : {0, 1, 8, 55, 56, 57}) {
    EXPECT_EQ(native_code_of(row.substr(0, length)), Code::corrupt) << length;
  }
  for (size_t at : {1, 2, 3}) {
    other = row;
    other[at] = 4;
    EXPECT_EQ(native_code_of(other), Code::corrupt) << at;
  }
  std::string front = row.substr(0, 56);
  for (const char* json : {"", "[]", "{", "{}", R"({"copies":[1]})", R"({"copies":["aa"]})",
                           R"({"copies":[],"fields":[]})", R"({"copies":[],"fields":{"a":1}})",
                           R"({"copies":[],"tags":{}})", R"({"copies":[],"tags":[["a"]]})",
                           R"({"copies":[],"checksums":7})", R"({"copies":[],"upload":7})",
                           R"({"copies":[],"part_checksums":[{}]})", R"({"copies":[],"null":"a"})",
                           R"({"copies":[]} )"
                           "x"}) {
    EXPECT_EQ(native_code_of(front + json), Code::corrupt) << json;
  }
  EXPECT_TRUE(parse_native_head(front + R"({"copies":[],"later":{}})")) << "unknown members";
}

TEST(NativeHeadRow, of_a_renamed_object_is_none_of_those_before) {
  NativeHead head = some_native_head();
  std::string plain = *encode(head);
  head.named_by = "the/key before";
  std::string row = *encode(head);
  EXPECT_EQ(plain[0], 2);
  EXPECT_EQ(row[0], 3) << "who does not know of it would sweep its units";
  EXPECT_TRUE(parse_native_head(row).value() == head);
  EXPECT_EQ(head.info().named_by, "the/key before");
  row[0] = 2;
  EXPECT_EQ(parse_native_head(row)->named_by, "");
  plain[0] = 3;
  EXPECT_EQ(parse_native_head(plain).error().code(), Code::corrupt);
}

TEST(NativeHeadRow, later_versions_sort_first) {
  std::string last = "~";
  for (int64_t ns : {INT64_MIN, int64_t{-1}, int64_t{0}, int64_t{1}, int64_t{256}, INT64_MAX}) {
    std::string order = version_order({ns}, native_sixteen(1));
    EXPECT_EQ(order.size(), 32U);
    EXPECT_LT(order, last) << ns;
    EXPECT_NE(order, version_order({ns}, native_sixteen(2)));
    last = order;
  }
  NativeHead head = some_native_head();
  EXPECT_EQ(head.version_id(), "null");
  head.own_id = true;
  EXPECT_EQ(head.version_id(), head.order());
}

TEST(NativeHeadRow, a_marker_has_no_bytes) {
  NativeHead marker;
  marker.marker = true;
  marker.size = 1;
  EXPECT_EQ(native_code_of(encode(marker).value()), Code::corrupt);
  marker.size = 0;
  marker.pieces.push_back({0, native_sixteen(1)});
  EXPECT_EQ(native_code_of(encode(marker).value()), Code::corrupt);
}

TEST(NativeHeadRow, parts_are_whole_and_sum_up_to_the_object) {
  NativeHead head = native_in_parts(3, 10, {{"x-amz-checksum-sha1", "abc="}});
  std::string row = encode(head).value();
  for (size_t length : {57, 56 + 71, 56 + 72}) {
    EXPECT_EQ(native_code_of(row.substr(0, length)), Code::corrupt) << length;
  }
  for (uint64_t size : {29, 31}) {
    head.size = size;
    EXPECT_EQ(native_code_of(encode(head).value()), Code::corrupt) << size;
  }
  row.replace(row.find("[{\"x-amz-checksum-sha1\""), 1, "[{},");
  EXPECT_EQ(native_code_of(row), Code::corrupt) << "one checksum more than parts";
}

// What older rows say of parts is a member of the JSON object.
TEST(NativeHeadRow, parts_of_the_form_before_must_be_the_object) {
  std::string row = encode(native_in_parts(2, 10)).value();
  row[0] = 1;
  auto with = [&](uint32_t count, uint64_t size, std::string parts) {
    std::string out = row.substr(0, 56);
    for (size_t i = 0; i < 4; ++i) out[4 + i] = static_cast<char>(count >> (8 * i));
    for (size_t i = 0; i < 8; ++i) out[8 + i] = static_cast<char>(size >> (8 * i));
    return out + R"({"copies":[],"parts":)" + parts + "}";
  };
  std::string id = '"' + std::string(32, 'd') + '"';
  auto old = parse_native_head(with(1, 5, "[[5," + id + "]]"));
  ASSERT_TRUE(old);
  EXPECT_TRUE(*parse_native_head(encode(*old).value()) == *old);
  EXPECT_EQ(parse_native_summary(with(1, 5, "[[5," + id + "]]"))->order(), old->order());
  EXPECT_TRUE(parse_native_head(with(2, 5, "[[0," + id + "],[5," + id + ",{}]]")));
  EXPECT_EQ(native_code_of(with(2, 5, "[[5," + id + "]]")), Code::corrupt);
  EXPECT_EQ(native_code_of(with(0, 5, "[[5," + id + "]]")), Code::corrupt);
  EXPECT_EQ(native_code_of(with(1, 6, "[[5," + id + "]]")), Code::corrupt);
  EXPECT_EQ(native_code_of(with(1, 4, "[[5," + id + "]]")), Code::corrupt);
  // A sum that wraps.
  EXPECT_EQ(native_code_of(with(2, 4, "[[18446744073709551615," + id + "],[5," + id + "]]")),
            Code::corrupt);
  EXPECT_EQ(native_code_of(with(1, 5, "[[-5," + id + "]]")), Code::corrupt);
  EXPECT_EQ(native_code_of(with(1, 5, "[[5]]")), Code::corrupt);
  EXPECT_EQ(native_code_of(with(1, 5, "[[5," + id + ",{},1]]")), Code::corrupt);
  EXPECT_EQ(native_code_of(with(1, 5, "[[5," + id + ",[]]]")), Code::corrupt);
  EXPECT_EQ(native_code_of(with(1, 5, "[[5,\"" + std::string(32, 'D') + "\"]]")), Code::corrupt);
  EXPECT_EQ(native_code_of(with(1, 5, "[[5,\"" + std::string(31, 'd') + "\"]]")), Code::corrupt);
  EXPECT_EQ(native_code_of(with(10'001, 5, "[]")), Code::corrupt);
  EXPECT_EQ(native_code_of(with(1, origin::kMaxObjectBytes + 1, "[[5," + id + "]]")),
            Code::corrupt);
}

// The largest object S3 knows, with the longest checksum a part can have, on top of its like.
TEST(NativeHeadRow, ten_thousand_parts_with_checksums_fit_a_transaction_thrice) {
  ObjectKey key = *ObjectKey::parse(std::string(ObjectKey::kMaxBytes, 'k'));
  NativeUpload upload;
  upload.fields["x-amz-meta-a"] = std::string(kMaxUploadRow - 200, 'm');
  std::string upload_row = encode(upload).value();
  for (const char* header : {"x-amz-checksum-crc32", "x-amz-checksum-sha512"}) {
    NativeHead head =
        native_in_parts(origin::kMaxPartNumber, 5'368'709'120, {{header, std::string(88, 'A')}});
    head.fields["x-amz-meta-long"] = std::string(8 << 10, 'm');
    auto row = encode(head);
    ASSERT_TRUE(row) << row.error().text();
    EXPECT_LE(row->size(), kMaxHeadRow);
    auto back = parse_native_head(*row);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->checksums, head.checksums) << "those of the whole stay";
    EXPECT_EQ(back->pieces.size(), head.pieces.size());
    EXPECT_EQ(back->size, head.size);
    meta::Txn txn;
    std::string row_key = meta::schema::object(1, key);
    std::string upload_key = meta::schema::upload(1, key, head.upload);
    txn.require(upload_key, upload_row).remove(upload_key);
    txn.require(row_key, *row).put(row_key, *row);
    txn.put(meta::schema::object_version(1, key, head.order()), *row);
    txn.remove(meta::schema::object_version(1, key, std::string(32, 'f')));
    EXPECT_TRUE(meta::check_limits(txn));
  }
}

TEST(NativeHeadRow, checksums_of_parts_are_kept_while_there_is_room) {
  origin::Fields sums{{"x-amz-checksum-sha256", std::string(44, 'A')}};
  auto kept = parse_native_head(encode(native_in_parts(1000, 5 << 20, sums)).value());
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->pieces[999].checksums, sums);
  auto dropped = parse_native_head(encode(native_in_parts(8000, 5 << 20, sums)).value());
  ASSERT_TRUE(dropped);
  EXPECT_TRUE(dropped->pieces[0].checksums.empty());
}

TEST(NativeHeadRow, a_row_at_its_limit_is_kept_and_one_past_it_refused) {
  NativeHead head;
  head.fields["x-amz-meta-a"] = "";
  size_t empty = encode(head)->size();
  head.fields["x-amz-meta-a"] = std::string(kMaxHeadRow - empty, 'm');
  auto row = encode(head);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->size(), kMaxHeadRow);
  head.fields["x-amz-meta-a"] += 'm';
  auto refused = encode(head);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::too_large);
  EXPECT_EQ(refused.error().detail(), "MetadataTooLarge");
}

TEST(NativeUploadRow, comes_back_as_it_was) {
  NativeUpload bare;
  NativeUpload full{
      .initiated = {1'700'000'000'123'456'789},
      .fields = {{"content-type", "a"}},
      .tags = {{"k", "v"}},
      .plan = origin::ChecksumPlan{ChecksumKind::sha256, origin::ChecksumType::composite}};
  for (const NativeUpload& upload : {bare, full}) {
    auto back = parse_native_upload(encode(upload).value());
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_TRUE(*back == upload);
  }
}

TEST(NativeUploadRow, what_is_none_is_refused) {
  std::string row = encode(NativeUpload()).value();
  std::string other = row;
  other.replace(other.find("\"version\":1"), 11, "\"version\":2");
  EXPECT_EQ(parse_native_upload(other).error().code(), Code::invalid);
  for (const char* bad :
       {"", "{}", "[]", R"({"version":1})", R"({"version":"1","initiated_ns":1})",
        R"({"version":1,"initiated_ns":1,"fields":[]})",
        R"({"version":1,"initiated_ns":1,"tags":7})",
        R"({"version":1,"initiated_ns":1,"checksum_algorithm":"CRC32"})",
        R"({"version":1,"initiated_ns":1,"checksum_algorithm":"X","checksum_type":"COMPOSITE"})"}) {
    auto read = parse_native_upload(bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().code(), Code::corrupt) << bad;
  }
}

TEST(NativeUploadRow, a_row_at_its_limit_is_kept_and_one_past_it_refused) {
  NativeUpload upload;
  upload.fields["x-amz-meta-a"] = "";
  upload.fields["x-amz-meta-a"] = std::string(kMaxUploadRow - encode(upload)->size(), 'm');
  EXPECT_EQ(encode(upload)->size(), kMaxUploadRow);
  upload.fields["x-amz-meta-a"] += 'm';
  auto refused = encode(upload);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail(), "MetadataTooLarge");
}

TEST(NativePartRow, comes_back_as_it_was_and_what_is_none_is_refused) {
  NativePart part{.size = 5 << 20,
                  .md5 = native_sixteen(3),
                  .modified = {17},
                  .write = native_sixteen(4),
                  .checksums = {{"x-amz-checksum-crc32", "AAAAAA=="}}};
  std::string row = encode(part);
  auto back = parse_native_part(row);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_TRUE(*back == part);
  EXPECT_EQ(back->info(7).number, 7U);
  EXPECT_EQ(back->etag().text(), "\"" + to_hex(part.md5) + "\"");
  std::string other = row;
  other.replace(other.find("\"version\":1"), 11, "\"version\":2");
  EXPECT_EQ(parse_native_part(other).error().code(), Code::invalid);
  for (std::string cut : {"size", "etag", "write", "modified_ns"}) {
    std::string bad = row;
    bad.replace(bad.find('"' + cut + '"'), cut.size() + 2, "\"gone\"");
    EXPECT_EQ(parse_native_part(bad).error().code(), Code::corrupt) << cut;
  }
  part.size = origin::kMaxObjectBytes + 1;
  EXPECT_EQ(parse_native_part(encode(part)).error().code(), Code::corrupt);
}

}  // namespace
}  // namespace forebay::object
