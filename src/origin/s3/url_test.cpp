#include <gtest/gtest.h>

#include "origin/s3/s3.h"

namespace forebay::origin {
namespace {

TEST(S3UrlParsing, reads_a_bucket_at_an_endpoint) {
  auto url = parse_s3_url("s3://data?endpoint=http://127.0.0.1:8333&region=eu-west-1");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->bucket, "data");
  EXPECT_EQ(url->prefix, "");
  EXPECT_EQ(url->endpoint, (http::Endpoint{false, "127.0.0.1", 8333}));
  EXPECT_EQ(url->region, "eu-west-1");
  EXPECT_FALSE(url->virtual_style);
}

TEST(S3UrlParsing, means_aws_without_an_endpoint) {
  auto url = parse_s3_url("s3://data?region=eu-north-1");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->endpoint, (http::Endpoint{true, "s3.eu-north-1.amazonaws.com", 443}));
  EXPECT_TRUE(url->virtual_style);
  EXPECT_EQ(parse_s3_url("s3://data")->region, "us-east-1");
  EXPECT_FALSE(parse_s3_url("s3://with.dots")->virtual_style);
  EXPECT_FALSE(parse_s3_url("s3://data?style=path")->virtual_style);
  EXPECT_TRUE(parse_s3_url("s3://data?endpoint=http://h&style=virtual")->virtual_style);
}

TEST(S3UrlParsing, ends_a_prefix_with_a_slash) {
  EXPECT_EQ(parse_s3_url("s3://data/a/b")->prefix, "a/b/");
  EXPECT_EQ(parse_s3_url("s3://data/a/b/")->prefix, "a/b/");
  EXPECT_EQ(parse_s3_url("s3://data/")->prefix, "");
  EXPECT_EQ(parse_s3_url("s3://data/a%20b%3F?region=r")->prefix, "a b?/");
  EXPECT_EQ(parse_s3_url("s3://data?endpoint=http%3A%2F%2Fh%3A80")->endpoint.host, "h");
}

TEST(S3UrlParsing, takes_a_template_without_a_bucket) {
  auto url = parse_s3_url("s3://?endpoint=http://h:1&region=r");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->bucket, "");
}

TEST(S3UrlParsing, refuses_all_else) {
  for (std::string_view text :
       {"", "s3:/data", "dir:///x", "s3://Data", "s3://a", "s3://data?endpoint=h",
        "s3://data?endpoint=http://h/path", "s3://data?endpoint=", "s3://data?region",
        "s3://data?colour=red", "s3://data?region=a&region=b", "s3://data?region=a%2Fb",
        "s3://data?style=new", "s3://data/%zz", "s3://data/%00", "s3://key:secret@data",
        "s3://data#x", "s3://data?endpoint=http://u:p@h"}) {
    auto url = parse_s3_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().code(), Code::invalid) << text;
    EXPECT_EQ(url.error().detail(), "InvalidArgument") << text;
  }
}

}  // namespace
}  // namespace forebay::origin
