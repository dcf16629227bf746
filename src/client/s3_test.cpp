#include "client/s3.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/session.h"
#include "testkit/stub_world.h"

namespace forebay::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class S3ClientTest : public testing::Test {
 protected:
  void SetUp() override {
    session_ = open(Credentials{"KEY", Secret("secret")});
    world_.stub().buckets["data"];
  }
  std::unique_ptr<Session> open(std::optional<Credentials> credentials) {
    SessionOptions options;
    options.credentials = std::move(credentials);
    return std::move(world_.run(Session::open(options, ctx())).value());
  }
  Context ctx() { return world_.context(); }
  template <class T>
  Result<T> run(Task<T> task) {
    return world_.run(std::move(task));
  }
  S3Client& s3() { return session_->s3(); }
  Result<ETag> put(std::string key, std::string text, PutOptions options = {}) {
    return run(s3().put("data", std::move(key), io::Body::of(Bytes(std::move(text))),
                        std::move(options), ctx()));
  }
  std::string read(Result<GetAnswer>& answer) {
    return run(io::read_all(std::move(answer->body), 1 << 20, ctx())).value();
  }

  testkit::StubWorld world_;
  std::unique_ptr<Session> session_;
};

TEST_F(S3ClientTest, WhatWasPutIsThere) {
  std::string key = "a b/ü+%&=?#~.txt";
  Result<ETag> etag = put(key, "hello", {.headers = {{"Content-Type", "text/plain"}}});
  ASSERT_TRUE(etag) << etag.error().text();
  EXPECT_EQ(etag->text(), "\"5d41402abc4b2a76b9719d911017c592\"");
  Result<ObjectInfo> info = run(s3().head("data", key, ctx()));
  ASSERT_TRUE(info) << info.error().text();
  EXPECT_EQ(info->size, 5u);
  EXPECT_EQ(info->etag, *etag);
  EXPECT_EQ(info->modified.seconds(), 1445412480);
  EXPECT_EQ(info->headers["content-type"], "text/plain");
  Result<GetAnswer> answer = run(s3().get("data", key, {}, ctx()));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->range, (ByteRange{0, 5}));
  EXPECT_EQ(read(answer), "hello");
  EXPECT_TRUE(run(s3().remove("data", key, ctx())));
  EXPECT_TRUE(run(s3().remove("data", key, ctx())));
  EXPECT_EQ(run(s3().head("data", key, ctx())).error().code(), Code::not_found);
}

TEST_F(S3ClientTest, ABodyIsSignedWhenItsHashIsKnown) {
  EXPECT_TRUE(put("a", "hello"));
  EXPECT_TRUE(put("a", "hello", {.sha256 = Sha256::of(as_bytes("hello"))}));
  EXPECT_FALSE(put("a", "hello", {.sha256 = Sha256::of(as_bytes("other"))}));
  EXPECT_EQ(world_.stub().payloads[0], "UNSIGNED-PAYLOAD");
  EXPECT_EQ(world_.stub().payloads[1],
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
}

TEST_F(S3ClientTest, ARangeSaysWhatItHolds) {
  EXPECT_TRUE(put("a", "0123456789"));
  for (auto [asked, text] :
       {std::pair("bytes=2-4", "234"), std::pair("bytes=-3", "789"), std::pair("bytes=8-", "89")}) {
    Result<GetAnswer> answer = run(s3().get("data", "a", {.range = asked}, ctx()));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->info.size, 10u);
    EXPECT_EQ(read(answer), text);
  }
  Result<GetAnswer> past = run(s3().get("data", "a", {.range = "bytes=10-"}, ctx()));
  ASSERT_FALSE(past);
  EXPECT_EQ(past.error().detail(), "InvalidRange");
}

TEST_F(S3ClientTest, AConditionHoldsTheVersion) {
  ETag etag = put("a", "one").value();
  EXPECT_TRUE(run(s3().get("data", "a", {.if_match = etag}, ctx())));
  EXPECT_TRUE(put("a", "two"));
  Result<GetAnswer> answer = run(s3().get("data", "a", {.if_match = etag}, ctx()));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Code::conflict);
  EXPECT_EQ(answer.error().detail(), "PreconditionFailed");
}

TEST_F(S3ClientTest, ErrorsCarryS3sCode) {
  Result<GetAnswer> missing = run(s3().get("data", "none", {}, ctx()));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::not_found);
  EXPECT_EQ(missing.error().detail(), "NoSuchKey");
  EXPECT_THAT(missing.error().text(), HasSubstr("stub: NoSuchKey"));
  auto thief = open(Credentials{"KEY", Secret("wrong")});
  EXPECT_EQ(run(thief->s3().buckets(ctx())).error().detail(), "SignatureDoesNotMatch");
  auto nobody = open(std::nullopt);
  EXPECT_EQ(run(nobody->s3().buckets(ctx())).error().detail(), "AccessDenied");
  world_.stub().faults = {{"GET", 503, 1}, {"GET", 500, 1}};
  EXPECT_EQ(run(s3().buckets(ctx())).error().code(), Code::busy);
  EXPECT_EQ(run(s3().buckets(ctx())).error().code(), Code::unavailable);
}

TEST_F(S3ClientTest, AServerThatIsNotThereIsUnavailable) {
  SessionOptions options;
  options.s3 = "127.0.0.1:1";
  auto nowhere = std::move(run(Session::open(options, ctx())).value());
  EXPECT_EQ(run(nowhere->s3().buckets(ctx())).error().code(), Code::unavailable);
}

TEST_F(S3ClientTest, ListsComeInPages) {
  for (int i = 0; i < 25; ++i) world_.stub().buckets["data"]["d/k " + std::to_string(i + 10)] = {};
  world_.stub().buckets["data"]["e"] = {"12345", "\"x\"", {}};
  std::vector<std::string> keys;
  ListOptions options{.prefix = "d/", .max_keys = 10};
  int pages = 0;
  while (true) {
    ListPage page = run(s3().list("data", options, ctx())).value();
    ++pages;
    for (const ListedObject& object : page.objects) keys.push_back(object.key);
    if (page.continuation.empty()) break;
    options.continuation = page.continuation;
  }
  EXPECT_EQ(pages, 3);
  ASSERT_EQ(keys.size(), 25u);
  EXPECT_EQ(keys.back(), "d/k 34");
  ListPage top = run(s3().list("data", {.delimiter = "/"}, ctx())).value();
  EXPECT_THAT(top.prefixes, ElementsAre("d/"));
  ASSERT_EQ(top.objects.size(), 1u);
  EXPECT_EQ(top.objects[0].size, 5u);
  EXPECT_EQ(top.objects[0].etag.text(), "\"x\"");
  EXPECT_EQ(top.objects[0].modified.seconds(), 1445412480);
}

TEST_F(S3ClientTest, BucketsAreMadeListedAndRemoved) {
  EXPECT_TRUE(run(s3().create_bucket("more", ctx())));
  Result<> again = run(s3().create_bucket("more", ctx()));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Code::exists);
  std::vector<BucketInfo> buckets = run(s3().buckets(ctx())).value();
  ASSERT_EQ(buckets.size(), 2u);
  EXPECT_EQ(buckets[1].name, "more");
  EXPECT_TRUE(run(s3().remove_bucket("more", ctx())));
  EXPECT_EQ(run(s3().remove_bucket("more", ctx())).error().code(), Code::not_found);
}

TEST_F(S3ClientTest, AnUploadInParts) {
  std::string id = run(s3().create_upload("data", "big", {}, ctx())).value();
  std::vector<ETag> parts;
  for (std::string text : {"aaa", "bb"}) {
    auto number = static_cast<uint32_t>(parts.size() + 1);
    parts.push_back(
        run(s3().put_part("data", "big", id, number, io::Body::of(Bytes(text)), {}, ctx()))
            .value());
  }
  ETag etag = run(s3().complete_upload("data", "big", id, parts, ctx())).value();
  EXPECT_TRUE(etag.text().ends_with("-2\""));
  EXPECT_EQ(world_.stub().buckets["data"]["big"].bytes, "aaabb");
  EXPECT_EQ(run(s3().abort_upload("data", "big", id, ctx())).error().detail(), "NoSuchUpload");
}

TEST_F(S3ClientTest, APresignedUrlNamesItsObject) {
  std::string url = s3().presign("GET", "data", "a b", WallTime{}, seconds(60));
  EXPECT_THAT(url, testing::StartsWith("http://127.0.0.1:9000/data/a%20b?"));
  EXPECT_THAT(url, HasSubstr("X-Amz-Expires=60"));
  EXPECT_EQ(open(std::nullopt)->s3().presign("GET", "data", "a", WallTime{}, seconds(60)), "");
}

TEST(Endpoint, IsAnAddressOrAUrl) {
  EXPECT_EQ(parse_endpoint("127.0.0.1:9000")->authority(), "127.0.0.1:9000");
  EXPECT_FALSE(parse_endpoint("127.0.0.1:9000")->secure);
  EXPECT_EQ(parse_endpoint("https://host")->port, 443);
  EXPECT_TRUE(parse_endpoint("https://host")->secure);
  EXPECT_EQ(parse_endpoint("[::1]:9000")->host, "::1");
  for (const char* bad : {"", "host", "host:x", "ftp://host", "http://host/path"}) {
    EXPECT_FALSE(parse_endpoint(bad)) << bad;
  }
}

}  // namespace
}  // namespace forebay::client
