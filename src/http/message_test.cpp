#include "http/message.h"

#include <gtest/gtest.h>

namespace forebay::http {
namespace {

TEST(HeadFields, renders_and_finds) {
  HeadFields fields;
  EXPECT_TRUE(fields.empty());
  fields.add("ETag", "\"abc\"");
  fields.add("Content-Length", uint64_t{18446744073709551615u});
  fields.add("Empty", "");
  EXPECT_EQ(fields.text(), "ETag: \"abc\"\r\nContent-Length: 18446744073709551615\r\nEmpty: \r\n");
  EXPECT_EQ(fields.find("etag"), "\"abc\"");
  EXPECT_EQ(fields.find("EMPTY"), "");
  EXPECT_FALSE(fields.find("ETa"));
  std::vector<Header> list = fields.list();
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[1].name, "Content-Length");
}

TEST(HeadFields, cannot_be_split) {
  HeadFields fields;
  // S3's response-content-disposition puts a client's text into a field.
  fields.add("Content-Disposition", "x\r\nSet-Cookie: a=b\r\n\r\nbody");
  fields.add("Tab", std::string_view("a\tb\0c\x7f", 6));
  EXPECT_EQ(fields.text(), "Content-Disposition: x  Set-Cookie: a=b    body\r\nTab: a\tb c \r\n");
  size_t before = fields.text().size();
  fields.add("Bad Name", "x");
  fields.add("Bad:Name", "x");
  fields.add("Bad\r\nName", "x");
  fields.add("", "x");
  EXPECT_EQ(fields.text().size(), before);
}

TEST(Names, are_compared_without_case) {
  EXPECT_TRUE(same_name("Content-Length", "content-LENGTH"));
  EXPECT_FALSE(same_name("a", "ab"));
  EXPECT_FALSE(same_name("@", "`")) << "only letters have case";
  Request request;
  std::vector<Header> headers{{"A", "1"}, {"a", "2"}};
  request.headers = headers;
  EXPECT_EQ(request.header("a"), "1") << "the first one counts";
  EXPECT_FALSE(request.header("b"));
}

}  // namespace
}  // namespace forebay::http
