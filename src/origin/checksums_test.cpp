#include "origin/checksums.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace forebay::origin {
namespace {

std::string sum(ChecksumKind kind, std::string_view text) {
  auto running = Checksum::make(kind);
  running->update(as_bytes(text));
  return to_base64(as_bytes(running->digest()));
}

PartInfo part_of(ChecksumKind kind, std::string_view text) {
  return {.size = text.size(), .checksums = {{std::string(header_name(kind)), sum(kind, text)}}};
}

TEST(Checksums, AFullChecksumIsThatOfAllBytes) {
  for (ChecksumKind kind : {ChecksumKind::crc32, ChecksumKind::crc32c, ChecksumKind::crc64nvme}) {
    for (std::vector<std::string> texts : {std::vector<std::string>{"a"},
                                           {"", ""},
                                           {"a", ""},
                                           {std::string(70'000, 'x'), "y", "z"}}) {
      std::vector<PartInfo> parts;
      std::string whole;
      for (const std::string& text : texts) parts.push_back(part_of(kind, text)), whole += text;
      Fields out = checksums_of_whole(ChecksumPlan{kind, ChecksumType::full_object}, parts);
      EXPECT_EQ(out[std::string(header_name(kind))], sum(kind, whole)) << name(kind);
      EXPECT_EQ(out["x-amz-checksum-type"], "FULL_OBJECT");
    }
  }
}

TEST(Checksums, AWholeOfPartsWithoutAChecksumHasNone) {
  ChecksumPlan plan{ChecksumKind::crc32, ChecksumType::composite};
  PartInfo bare{.size = 3};
  PartInfo broken{.size = 3, .checksums = {{"x-amz-checksum-crc32", "not base64"}}};
  PartInfo other = part_of(ChecksumKind::sha1, "abc");
  for (const PartInfo& part : {bare, broken, other}) {
    EXPECT_TRUE(checksums_of_whole(plan, {part_of(plan.kind, "abc"), part}).empty());
  }
  EXPECT_TRUE(checksums_of_whole(std::nullopt, {part_of(plan.kind, "abc")}).empty());
  EXPECT_TRUE(checksums_of_whole(plan, {}).empty());
}

// What was stored before types were kept tells its type by its form.
TEST(Checksums, TheKindOfAnObjectsChecksum) {
  EXPECT_EQ(plan_of({}), std::nullopt);
  EXPECT_EQ(plan_of({{"x-amz-checksum-type", "COMPOSITE"}}), std::nullopt);
  EXPECT_EQ(plan_of({{"x-amz-checksum-sha1", "abc="}}),
            (ChecksumPlan{ChecksumKind::sha1, ChecksumType::full_object}));
  EXPECT_EQ(plan_of({{"x-amz-checksum-sha1", "abc=-7"}}),
            (ChecksumPlan{ChecksumKind::sha1, ChecksumType::composite}));
  EXPECT_EQ(plan_of({{"x-amz-checksum-crc32", "abc="}, {"x-amz-checksum-type", "COMPOSITE"}}),
            (ChecksumPlan{ChecksumKind::crc32, ChecksumType::composite}));
}

}  // namespace
}  // namespace forebay::origin
