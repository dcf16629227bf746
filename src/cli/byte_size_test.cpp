#include "cli/byte_size.h"

#include <gtest/gtest.h>

namespace forebay::cli {
namespace {

TEST(ByteSizeTest, is_a_whole_number_and_a_unit) {
  EXPECT_EQ(parse_size("0")->bytes, 0U);
  EXPECT_EQ(parse_size("500000")->bytes, 500'000U);
  EXPECT_EQ(parse_size("7B")->bytes, 7U);
  EXPECT_EQ(parse_size("3KiB")->bytes, 3U << 10);
  EXPECT_EQ(parse_size("2TiB")->bytes, uint64_t{2} << 40);
  EXPECT_EQ(parse_size("16777215TiB")->bytes, uint64_t{16777215} << 40);
  for (const char* text : {"", "GiB", "-1", "1.5GiB", "1 GiB", "1GB", "1gib", "16777216TiB",
                           "18446744073709551616", "1KiBB", "0x10"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(ByteSizeTest, is_written_as_it_is_read) {
  for (const char* text : {"0", "1023", "1KiB", "1025", "64MiB", "1TiB", "2048TiB"}) {
    EXPECT_EQ(to_text(*parse_size(text)), text);
  }
  EXPECT_EQ(to_text({1 << 20}), "1MiB");
}

TEST(ByteSizeTest, what_is_none_is_told_with_what_one_is) {
  Result<ByteSize> wrong = parse_size("10GB");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code(), Code::invalid);
  EXPECT_NE(wrong.error().text().find("'10GB'"), std::string::npos);
  EXPECT_NE(wrong.error().text().find("GiB"), std::string::npos);
}

}  // namespace
}  // namespace forebay::cli
