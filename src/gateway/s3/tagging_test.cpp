// Object tagging through a whole door, and what tags may be.
#include "gateway/s3/tagging.h"

#include <gtest/gtest.h>

#include "gateway/s3/refused_test.h"

namespace forebay::gateway::s3 {
namespace {

std::string code_of(const Result<origin::TagSet>& tags) {
  return tags ? "" : tags.error().detail();
}

TEST(TaggingHeader, is_read_like_a_query) {
  auto tags = parse_tagging_header("a=b&c+d=e%2Ff%20g&empty=&none");
  ASSERT_TRUE(tags);
  EXPECT_EQ(*tags, (origin::TagSet{{"a", "b"}, {"c d", "e/f g"}, {"empty", ""}, {"none", ""}}));
  EXPECT_EQ(*parse_tagging_header(""), origin::TagSet());
  for (const char* bad : {"a=b&a=c", "=b", "&", "a=%zz", "%=b"}) {
    EXPECT_EQ(code_of(parse_tagging_header(bad)), "InvalidArgument") << bad;
  }
}

TEST(Tags, have_limits) {
  auto tags = [](size_t count) {
    origin::TagSet out;
    for (size_t i = 0; i < count; ++i) out.emplace_back("k" + std::to_string(i), "v");
    return out;
  };
  EXPECT_TRUE(check_tags(tags(kMaxTags), kMaxTags));
  EXPECT_EQ(check_tags(tags(kMaxTags + 1), kMaxTags).error().detail(), "BadRequest");
  auto one = [](std::string name, std::string value) {
    Result<> good = check_tags({{std::move(name), std::move(value)}}, kMaxTags);
    return good ? "" : good.error().detail();
  };
  std::string umlauts;
  for (size_t i = 0; i < kMaxTagName; ++i) umlauts += "ü";
  EXPECT_EQ(one(umlauts, umlauts + umlauts), "");
  EXPECT_EQ(one(umlauts + "x", ""), "InvalidTag");
  EXPECT_EQ(one("x", umlauts + umlauts + "x"), "InvalidTag");
  EXPECT_EQ(one("", "x"), "InvalidTag");
  EXPECT_EQ(one("a +-=._:/@9", "Z"), "");
  for (const char* bad : {"a&b", "a\nb", "\xff", "aws:x", "AWS:x", "a<b"}) {
    EXPECT_EQ(one(bad, "x"), "InvalidTag") << bad;
  }
  EXPECT_EQ(one("x", "aws:x"), "");
  EXPECT_EQ(one("x", "a\tb"), "InvalidTag");
  EXPECT_EQ(check_tags({{"a", "1"}, {"a", "2"}}, kMaxTags).error().detail(), "InvalidTag");
}

class TaggingTest : public testing::Test {
 protected:
  TaggingTest() { world_.origin().change("k", "bytes"); }
  Reply ask(const std::string& method, const std::string& target, std::string body = {}) {
    return world_.ask({.method = method, .target = target, .body = std::move(body)});
  }
  std::string count() { return ask("HEAD", "/data/k").header("x-amz-tagging-count"); }
  origin::TagSet tags() {
    return *world_.run(world_.origin().tags(*ObjectKey::parse("k"), world_.ctx()));
  }
  static std::string document(const std::string& tags) {
    return "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet>" + tags +
           "</TagSet></Tagging>";
  }
  static std::string tag(const std::string& name, const std::string& value) {
    return "<Tag><Key>" + name + "</Key><Value>" + value + "</Value></Tag>";
  }

  DoorWorld world_;
};

TEST_F(TaggingTest, IsSetReadAndRemoved) {
  EXPECT_EQ(count(), "");
  ASSERT_EQ(ask("PUT", "/data/k?tagging", document(tag("a", "b &amp; c") + tag("ü", ""))).status,
            400)
      << "an ampersand is no tag's";
  ASSERT_EQ(ask("PUT", "/data/k?tagging", document(tag("a", "b c") + tag("ü", ""))).status, 200);
  EXPECT_EQ(tags(), (origin::TagSet{{"a", "b c"}, {"ü", ""}}));
  EXPECT_EQ(count(), "2");
  Reply read = ask("GET", "/data/k?tagging");
  EXPECT_EQ(read.status, 200);
  EXPECT_NE(read.body.find("<Tag><Key>ü</Key><Value></Value></Tag>"), std::string::npos)
      << read.body;
  EXPECT_EQ(ask("GET", "/data/k").header("x-amz-tagging-count"), "2");
  EXPECT_EQ(ask("DELETE", "/data/k?tagging").status, 204);
  EXPECT_EQ(tags(), origin::TagSet());
  EXPECT_EQ(count(), "");
  EXPECT_EQ(ask("PUT", "/data/k?tagging", document("")).status, 200);
}

TEST_F(TaggingTest, ComesWithAWrite) {
  Ask put{.method = "PUT", .target = "/data/k", .headers = {{"x-amz-tagging", "a=b"}}};
  put.body = "new";
  ASSERT_EQ(world_.ask(put).status, 200);
  EXPECT_EQ(tags(), (origin::TagSet{{"a", "b"}}));
  EXPECT_EQ(count(), "1");
  put.headers = {{"x-amz-tagging", "aws:a=b"}};
  refused(world_.ask(put), 400, "InvalidTag");
  Ask create{.method = "POST", .target = "/data/k?uploads", .headers = {{"x-amz-tagging", "c=d"}}};
  std::string id = world_.ask(create).element("UploadId");
  Reply part = ask("PUT", "/data/k?partNumber=1&uploadId=" + id, "part");
  ASSERT_EQ(ask("POST", "/data/k?uploadId=" + id,
                "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" +
                    part.header("etag") + "</ETag></Part></CompleteMultipartUpload>")
                .status,
            200);
  EXPECT_EQ(tags(), (origin::TagSet{{"c", "d"}}));
  Ask copy{.method = "PUT", .target = "/data/to", .headers = {{"x-amz-copy-source", "data/k"}}};
  ASSERT_EQ(world_.ask(copy).status, 200);
  auto of_copy = [&] {
    return *world_.run(world_.origin().tags(*ObjectKey::parse("to"), world_.ctx()));
  };
  EXPECT_EQ(of_copy(), tags());
  copy.headers.emplace_back("x-amz-tagging", "e=f");
  ASSERT_EQ(world_.ask(copy).status, 200);
  EXPECT_EQ(of_copy(), tags()) << "without REPLACE they do not count";
  copy.headers.emplace_back("x-amz-tagging-directive", "REPLACE");
  ASSERT_EQ(world_.ask(copy).status, 200);
  EXPECT_EQ(of_copy(), (origin::TagSet{{"e", "f"}}));
}

TEST_F(TaggingTest, WhatIsNotUnderstoodChangesNothing) {
  ASSERT_EQ(ask("PUT", "/data/k?tagging", document(tag("a", "b"))).status, 200);
  std::string before = world_.origin().fingerprint();
  std::string many;
  for (size_t i = 0; i <= kMaxTags; ++i) many += tag(std::to_string(i), "v");
  refused(ask("PUT", "/data/k?tagging", document(many)), 400, "BadRequest");
  refused(ask("PUT", "/data/k?tagging", document(tag("a", "1") + tag("a", "2"))), 400,
          "InvalidTag");
  for (const std::string& bad :
       {std::string(), std::string("<Tagging/>"), std::string("<TagSet/>"),
        document("<Tag><Key>a</Key></Tag>"), document("<Tag><Value>a</Value></Tag>"),
        document("<Tag><Key>a</Key><Key>b</Key><Value>c</Value></Tag>"), document("<Other/>"),
        document("<Tag><Key>a</Key><Value>b</Value><More/></Tag>"),
        std::string("<Tagging><TagSet/><TagSet/></Tagging>")}) {
    refused(ask("PUT", "/data/k?tagging", bad), 400, "MalformedXML");
  }
  refused(ask("PUT", "/data/none?tagging", document(tag("a", "b"))), 404, "NoSuchKey");
  refused(ask("GET", "/data/none?tagging"), 404, "NoSuchKey");
  refused(ask("DELETE", "/data/none?tagging"), 404, "NoSuchKey");
  refused(ask("GET", "/nobody/k?tagging"), 404, "NoSuchBucket");
  refused(ask("GET", "/data/k?tagging&versionId=v1"), 400, "InvalidArgument");
  refused(ask("DELETE", "/data/k?tagging&versionId=v1"), 400, "InvalidArgument");
  EXPECT_EQ(world_.origin().fingerprint(), before);
  EXPECT_EQ(tags(), (origin::TagSet{{"a", "b"}}));
}

}  // namespace
}  // namespace forebay::gateway::s3
