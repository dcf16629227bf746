#include "disk/format.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace forebay::disk {
namespace {

UnitId some_id() { return *UnitId::parse("00112233445566778899aabbccddeeff"); }
DiskId some_disk() { return UnitId::parse("0f0e0d0c0b0a09080706050403020100")->bytes; }

template <size_t N>
std::array<std::byte, N> copy(const std::array<std::byte, N>& bytes) {
  return bytes;
}

// Every single changed bit must be noticed.
template <size_t N, class Decode>
void expect_every_flip_refused(const std::array<std::byte, N>& good, Decode decode) {
  ASSERT_TRUE(decode(ByteView(good)));
  for (size_t bit = 0; bit < N * 8; ++bit) {
    auto bad = copy(good);
    bad[bit / 8] ^= std::byte(1 << (bit % 8));
    EXPECT_FALSE(decode(ByteView(bad))) << "bit " << bit;
  }
  for (size_t size = 0; size < N; ++size) EXPECT_FALSE(decode(ByteView(good).first(size)));
}

TEST(Identity, is_three_lines_and_nothing_else) {
  std::string text = encode_identity(some_disk());
  EXPECT_EQ(text, "forebay disk\nformat 1\nid 0f0e0d0c0b0a09080706050403020100\n");
  EXPECT_EQ(*decode_identity(text), some_disk());
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(decode_identity(text.substr(0, size)).error().code(), Code::invalid);
  }
  EXPECT_FALSE(decode_identity(text + "\n"));
  EXPECT_FALSE(decode_identity("forebay disk\nformat 2\nid 0f0e0d0c0b0a09080706050403020100\n"));
  EXPECT_FALSE(decode_identity("forebay disk\nformat 1\nid 0f0e0d0c0b0a0908070605040302010g\n"));
}

TEST(SegmentHeader, has_the_documented_bytes) {
  SegmentHeader header{0x0102030405060708, some_disk()};
  std::array<std::byte, kSegmentHeaderBytes> bytes;
  encode(header, bytes);
  EXPECT_EQ(to_hex(ByteView(bytes).first(60)),
            "46425345474d3031"
            "0807060504030201"
            "0f0e0d0c0b0a09080706050403020100" +
                std::string(56, '0'));
  EXPECT_EQ(*decode_segment_header(bytes), header);
}

TEST(SegmentHeader, every_flipped_bit_is_noticed) {
  std::array<std::byte, kSegmentHeaderBytes> bytes;
  encode(SegmentHeader{7, some_disk()}, bytes);
  expect_every_flip_refused(bytes, [](ByteView b) { return decode_segment_header(b).has_value(); });
}

TEST(RecordHeader, has_the_documented_bytes) {
  RecordHeader header{some_id(), 0x0102030405060708, 0x1234, 0xdeadbeef};
  std::array<std::byte, kRecordHeaderBytes> bytes;
  encode(header, bytes);
  EXPECT_EQ(to_hex(ByteView(bytes).first(36)),
            "46425231"
            "34120000"
            "00112233445566778899aabbccddeeff"
            "0807060504030201"
            "efbeadde");
  EXPECT_EQ(*decode_record_header(bytes), header);
}

TEST(RecordHeader, every_flipped_bit_is_noticed) {
  std::array<std::byte, kRecordHeaderBytes> bytes;
  encode(RecordHeader{some_id(), 9, 100, 1}, bytes);
  expect_every_flip_refused(bytes, [](ByteView b) { return decode_record_header(b).has_value(); });
}

TEST(RecordHeader, length_has_limits) {
  std::array<std::byte, kRecordHeaderBytes> bytes;
  auto decodes = [&](uint32_t length) {
    encode(RecordHeader{some_id(), 9, length, 1}, bytes);
    return decode_record_header(bytes).has_value();
  };
  EXPECT_FALSE(decodes(0));
  EXPECT_TRUE(decodes(1));
  EXPECT_TRUE(decodes(kMaxRecordData));
  EXPECT_FALSE(decodes(kMaxRecordData + 1));
}

TEST(Records, begin_at_multiples_of_eight) {
  EXPECT_EQ(record_bytes(1), 48U);
  EXPECT_EQ(record_bytes(8), 48U);
  EXPECT_EQ(record_bytes(9), 56U);
  EXPECT_EQ(kSegmentHeaderBytes % 8, 0U);
}

TEST(Blocks, are_counted) {
  EXPECT_EQ(block_count(1), 1U);
  EXPECT_EQ(block_count(kBlockBytes), 1U);
  EXPECT_EQ(block_count(kBlockBytes + 1), 2U);
}

Row large_row() {
  return {.number = 5, .length = 2 * kBlockBytes + 1, .boot = 6, .stamp = 7, .crcs = {1, 2, 3}};
}
Row small_row() {
  return {.unit_class = UnitClass::native,
          .owner = {.incarnation = 0x1112131415161718, .slot = 0x000a0b0c},
          .in_segment = true,
          .number = 0x0102030405060708,
          .offset = 104,
          .length = 10,
          .boot = 2,
          .stamp = 3,
          .crcs = {0xaabbccdd}};
}
bool decodes(const Row& row) { return decode_row(as_bytes(encode(row))).has_value(); }

TEST(RowFormat, has_the_documented_bytes) {
  EXPECT_EQ(to_hex(as_bytes(encode(small_row()))),
            "02030100"
            "68000000"
            "0807060504030201"
            "0a00000000000000"
            "0200000000000000"
            "0300000000000000"
            "1817161514131211"
            "0c0b0a00"
            "00000000"
            "ddccbbaa");
}

TEST(RowFormat, comes_back_as_it_was) {
  EXPECT_EQ(*decode_row(as_bytes(encode(large_row()))), large_row());
  EXPECT_EQ(*decode_row(as_bytes(encode(small_row()))), small_row());
}

TEST(RowFormat, a_cut_or_longer_row_is_corrupt) {
  std::string good = encode(large_row());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(decode_row(as_bytes(good.substr(0, size))).error().code(), Code::corrupt) << size;
  }
  EXPECT_EQ(decode_row(as_bytes(good + "x")).error().code(), Code::corrupt);
}

TEST(RowFormat, rows_of_later_builds_are_told_from_broken_ones) {
  std::string row = encode(small_row());
  row[0] = 3;
  EXPECT_EQ(decode_row(as_bytes(row)).error().code(), Code::invalid);
  row[0] = 1;  // of a former build: refilled
  EXPECT_EQ(decode_row(as_bytes(row)).error().code(), Code::corrupt);
  row[0] = 2;
  row[1] = 2;  // a class that this build does not store
  EXPECT_EQ(decode_row(as_bytes(row)).error().code(), Code::invalid);
}

TEST(RowFormat, contradictions_are_refused) {
  Row row = small_row();
  row.offset = 103;  // no room for headers before it
  EXPECT_FALSE(decodes(row));
  row = small_row();
  row.length = kMaxRecordData;
  EXPECT_TRUE(decodes(row));
  row.length = kMaxRecordData + 1;
  row.crcs = {1, 2};
  EXPECT_FALSE(decodes(row));
  row = large_row();
  row.offset = 1;
  EXPECT_FALSE(decodes(row));
  row = large_row();
  row.crcs.pop_back();
  EXPECT_FALSE(decodes(row));
  row = large_row();
  row.length = 0;
  row.crcs = {};
  EXPECT_FALSE(decodes(row));
}

TEST(Paths, are_as_documented_and_come_back) {
  EXPECT_EQ(unit_path(some_id(), 0x1f),
            "units/00/00112233445566778899aabbccddeeff-000000000000001f");
  EXPECT_EQ(segment_path(0xabc), "segments/0000000000000abc");
  EXPECT_EQ(new_path(0xabc), "new/0000000000000abc");
  auto name = parse_unit_name("00112233445566778899aabbccddeeff-000000000000001f");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->id, some_id());
  EXPECT_EQ(name->number, 0x1fU);
  EXPECT_EQ(*parse_number("ffffffffffffffff"), ~0ULL);
  for (const char* bad : {"", "1", "000000000000001F", "00000000000000001f", "-00000000000001f",
                          "000000000000001g"}) {
    EXPECT_FALSE(parse_number(bad)) << bad;
  }
}

TEST(Boot, numbers_tell_boots_apart) {
  EXPECT_EQ(boot_number("a"), boot_number("a"));
  EXPECT_NE(boot_number("a"), boot_number("b"));
}

}  // namespace
}  // namespace forebay::disk
