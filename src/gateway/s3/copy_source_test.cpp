// What the headers of a copy may say, word by word.
#include "gateway/s3/copy_source.h"

#include <gtest/gtest.h>

namespace forebay::gateway::s3 {
namespace {

TEST(CopySourceTest, WhatNamesAnObject) {
  using Row = std::pair<std::string, CopySource>;
  for (const auto& [text, wanted] : std::vector<Row>{
           {"b/k", {"b", "k"}},
           {"/b/k", {"b", "k"}},
           {"b/k/", {"b", "k/"}},
           {"b//k", {"b", "/k"}},
           {"b/a/b/c", {"b", "a/b/c"}},
           {"b%2Fk", {"b", "k"}},
           {"%2Fb%2Fa%2Fb", {"b", "a/b"}},
           {"b/a%20b", {"b", "a b"}},
           {"b/a+b", {"b", "a b"}},
           {"b/a%2Bb", {"b", "a+b"}},
           {"b/%C3%BC", {"b", "\xc3\xbc"}},
           {"b/\xc3\xbc", {"b", "\xc3\xbc"}},
           {"b/a%3Fb", {"b", "a?b"}},
           {"b/a%3FversionId=1", {"b", "a?versionId=1"}},
           {"b/a&b=c#d", {"b", "a&b=c#d"}},
           {"b/a%252F", {"b", "a%2F"}},
           {"b/..", {"b", ".."}},
           {"b/k?versionId=null", {"b", "k", "null"}},
           {"/b/k?versionId=a%2Bb", {"b", "k", "a+b"}},
           {"b/k?versionId=a?b", {"b", "k", "a?b"}},
       }) {
    auto parsed = parse_copy_source(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_TRUE(*parsed == wanted) << text << ": " << parsed->bucket << " | " << parsed->key;
  }
}

TEST(CopySourceTest, WhatDoesNot) {
  for (std::string text : {"",
                           "/",
                           "b",
                           "/b",
                           "b/",
                           "/b/",
                           "//",
                           "//b/k",
                           "//k",
                           "b/%",
                           "b/%4",
                           "b/%zz",
                           "%/k",
                           "b/%FF",
                           "b/\xff",
                           "b/%00",
                           "b/a?b",
                           "b/k?",
                           "b/k?v=1",
                           "b/k?versionid=1",
                           "b/k?x=1&versionId=2",
                           "b/k?versionId=",
                           "b/k?versionId=%",
                           "b/k?versionId=%FF",
                           "?versionId=1"}) {
    auto parsed = parse_copy_source(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().detail(), "InvalidArgument") << text;
  }
  for (std::string text :
       {"arn:aws:s3:us-east-1:1:accesspoint/a/object/k", "/arn:aws:s3:::b/k", "arn%3Aaws%3As3/k"}) {
    auto parsed = parse_copy_source(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().detail(), "NotImplemented") << text;
  }
}

TEST(CopySourceTest, Ranges) {
  EXPECT_EQ(*parse_copy_range("bytes=0-0"), (ByteRange{0, 1}));
  EXPECT_EQ(*parse_copy_range("bytes=5-99"), (ByteRange{5, 95}));
  EXPECT_EQ(*parse_copy_range("bytes=0-18446744073709551614"), (ByteRange{0, UINT64_MAX}));
  for (std::string text : {"",
                           "bytes",
                           "bytes=",
                           "bytes=-",
                           "bytes=1",
                           "bytes=1-",
                           "bytes=-1",
                           "bytes=2-1",
                           "bytes=0-1,3-4",
                           "bytes= 0-1",
                           "bytes=0 -1",
                           "bytes=0-1 ",
                           "bytes=+0-1",
                           "bytes=0-+1",
                           "bytes=0--1",
                           "bytes=0-18446744073709551615",
                           "bytes=0-18446744073709551616",
                           "Bytes=0-1",
                           "octets=0-1",
                           "0-1",
                           "bytes=a-b",
                           "bytes=0x0-1",
                           " bytes=0-1",
                           "bytes:0-1",
                           "bytes 0-1"}) {
    auto parsed = parse_copy_range(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().detail(), "InvalidArgument") << text;
  }
}

TEST(CopySourceTest, Directives) {
  EXPECT_FALSE(*replaces(std::nullopt, "h"));
  EXPECT_FALSE(*replaces("COPY", "h"));
  EXPECT_TRUE(*replaces("REPLACE", "h"));
  for (std::string_view text : {"", "copy", "replace", "REPLACE ", "REPLACE,COPY", "MERGE"}) {
    auto parsed = replaces(text, "h");
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().detail(), "InvalidArgument");
  }
}

}  // namespace
}  // namespace forebay::gateway::s3
