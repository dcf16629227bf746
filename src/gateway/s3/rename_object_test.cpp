// RenameObject through a whole door.
#include <gtest/gtest.h>

#include "gateway/s3/refused_test.h"

namespace forebay::gateway::s3 {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

class S3Rename : public testing::Test {
 protected:
  Reply rename(const std::string& from, const std::string& to, Headers more = {}) {
    more.emplace_back("x-amz-rename-source", from);
    return world_.ask("PUT", "/data/" + to + "?renameObject", {}, std::move(more));
  }
  std::string get(const std::string& key) {
    Reply reply = world_.ask("GET", "/data/" + key);
    return reply.status == 200 ? reply.body : reply.element("Code");
  }
  DoorWorld world_;
  testkit::MemoryOrigin& origin_ = world_.origin();
};

TEST_F(S3Rename, takes_the_object_along_as_it_is) {
  Headers said{{"content-type", "text/x"}, {"x-amz-meta-color", "blue"}};
  std::string etag = world_.ask("PUT", "/data/a", "bytes", said).header("etag");
  std::string date = world_.ask("HEAD", "/data/a").header("last-modified");
  EXPECT_EQ(get("a"), "bytes");
  EXPECT_EQ(get("b"), "NoSuchKey");
  Reply done = rename("a", "b");
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(done.body, "");
  EXPECT_EQ(get("a"), "NoSuchKey");
  Reply read = world_.ask("GET", "/data/b");
  EXPECT_EQ(read.body, "bytes");
  EXPECT_EQ(read.header("etag"), etag);
  EXPECT_EQ(read.header("last-modified"), date);
  EXPECT_EQ(read.header("content-type"), "text/x");
  EXPECT_EQ(read.header("x-amz-meta-color"), "blue");
  origin_.change("c", "other");
  EXPECT_EQ(get("c"), "other");
  EXPECT_EQ(rename("b", "c").status, 200);
  EXPECT_EQ(get("c"), "bytes") << "what was there before is gone";
  refused(rename("b", "d"), 404, "NoSuchKey");
  EXPECT_EQ(rename("c", "c").status, 200);
  EXPECT_EQ(get("c"), "bytes");
}

TEST_F(S3Rename, of_a_source_in_every_spelling) {
  for (std::string spelled : {"folder/a%20b%2B%C3%BC", "/folder/a%20b+%C3%BC"}) {
    origin_.change("folder/a b+\xc3\xbc", "x");
    EXPECT_EQ(rename(spelled, "to").status, 200) << spelled;
    EXPECT_EQ(get("to"), "x");
    origin_.drop("to");
  }
  origin_.change("/a", "slash");
  EXPECT_EQ(rename("%2Fa", "to").status, 200);
  for (std::string bad : {"", "/", "%", "%zz", "%00", "%ff"}) {
    refused(rename(bad, "to"), 400, "InvalidArgument");
  }
  refused(world_.ask("PUT", "/data/k?renameObject"), 400, "InvalidArgument");
  refused(rename("a/", "to"), 400, "InvalidRequest");
  refused(rename("to", "a/"), 400, "InvalidRequest");
  refused(world_.ask("PUT", "/data/k?renameObject", "body", {{"x-amz-rename-source", "to"}}), 400,
          "UnexpectedContent");
  refused(world_.ask("PUT", "/none/k?renameObject", {}, {{"x-amz-rename-source", "to"}}), 404,
          "NoSuchBucket");
  Reply stranger = world_.ask({.method = "PUT",
                               .target = "/data/k?renameObject",
                               .headers = {{"x-amz-rename-source", "to"}},
                               .sign = false});
  refused(stranger, 403, "AccessDenied");
}

TEST_F(S3Rename, conditions_of_both_sides) {
  origin_.change("a", "one");
  origin_.change("b", "two");
  std::string a = world_.ask("HEAD", "/data/a").header("etag");
  std::string b = world_.ask("HEAD", "/data/b").header("etag");
  const std::string past = "Mon, 01 Jan 1990 00:00:00 GMT",
                    future = "Tue, 01 Jan 2199 00:00:00 GMT";
  const std::string source = "x-amz-rename-source-";
  for (Headers refuses :
       {Headers{{"If-Match", a}}, Headers{{"If-None-Match", "*"}}, Headers{{"If-None-Match", b}},
        Headers{{"If-Modified-Since", future}}, Headers{{"If-Unmodified-Since", past}},
        Headers{{source + "if-match", b}}, Headers{{source + "if-none-match", a}},
        Headers{{source + "if-none-match", "*"}}, Headers{{source + "if-modified-since", future}},
        Headers{{source + "if-unmodified-since", past}},
        Headers{{source + "if-match", a}, {"If-None-Match", "*"}}}) {
    refused(rename("a", "b", refuses), 412, "PreconditionFailed");
    EXPECT_EQ(get("a"), "one");
    EXPECT_EQ(get("b"), "two");
  }
  // Nothing there matches nothing, and has not changed.
  for (Headers refuses : {Headers{{"If-Match", "*"}}, Headers{{"If-Modified-Since", past}}}) {
    refused(rename("a", "c", refuses), 412, "PreconditionFailed");
  }
  refused(rename("none", "b", {{source + "if-match", a}}), 404, "NoSuchKey");
  // A date that cannot be read is no condition that may be dropped.
  for (const std::string& name :
       {source + "if-unmodified-since", source + "if-modified-since",
        std::string("If-Unmodified-Since"), std::string("If-Modified-Since")}) {
    refused(rename("a", "c", {{name, "2001-01-01T00:00:00Z"}}), 400, "InvalidArgument");
  }
  EXPECT_EQ(rename("a", "c", {{"If-None-Match", "*"}, {"If-Unmodified-Since", past}}).status, 200);
  EXPECT_EQ(rename("c", "b",
                   {{"If-Match", b},
                    {"If-Modified-Since", past},
                    {source + "if-match", a},
                    {source + "if-unmodified-since", past}})
                .status,
            200)
      << "an ETag that matches is more than a date";
  EXPECT_EQ(get("b"), "one");
}

TEST_F(S3Rename, of_versions_is_refused) {
  origin_.options().capabilities.versions = true;
  origin_.change("a", "one");
  refused(rename("a", "b"), 501, "NotImplemented");
  EXPECT_EQ(get("a"), "one");
}

TEST_F(S3Rename, a_token_is_text_of_a_certain_length) {
  origin_.change("a", "one");
  for (std::string bad :
       {std::string(), std::string(65, 't'), std::string("a b"), std::string("\xc3\xbc")}) {
    refused(rename("a", "b", {{"x-amz-client-token", bad}}), 400, "InvalidArgument");
  }
  EXPECT_EQ(rename("a", "b", {{"x-amz-client-token", std::string(64, '~')}}).status, 200);
}

}  // namespace
}  // namespace forebay::gateway::s3
