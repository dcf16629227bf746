// CopyObject and UploadPartCopy through a whole door.
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "gateway/s3/refused_test.h"

namespace forebay::gateway::s3 {
namespace {

class CopyObjectTest : public testing::Test {
 protected:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  CopyObjectTest() {
    EXPECT_TRUE(world_.run(world_.buckets.create(*BucketName::parse("else"), {}, world_.ctx())));
    world_.origin().change("k", "bytes", {{"content-type", "text/x"}, {"x-amz-meta-a", "b"}});
  }
  Reply copy(const std::string& source, const std::string& target, Headers headers = {}) {
    headers.emplace_back("x-amz-copy-source", source);
    return world_.ask({.method = "PUT", .target = target, .headers = std::move(headers)});
  }
  origin::Fields fields(const std::string& key, const std::string& bucket = "data") {
    auto versions = world_.origin(bucket).versions(key);
    return versions.empty() ? origin::Fields() : versions.back().info.fields;
  }

  DoorWorld world_;
};

TEST_F(CopyObjectTest, TellsWhatWasMade) {
  Reply reply = copy("data/k", "/else/a%20b", {{"x-amz-checksum-algorithm", "SHA256"}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(world_.origin("else").bytes("a b"), "bytes");
  EXPECT_NE(reply.body.find("<CopyObjectResult"), std::string::npos);
  EXPECT_EQ(reply.element("ETag"),
            "\"" + to_hex(as_bytes(raw_sum(ChecksumKind::md5, "bytes"))) + "\"");
  EXPECT_TRUE(parse_iso8601(reply.element("LastModified"))) << reply.body;
  EXPECT_EQ(reply.element("ChecksumSHA256"), sum(ChecksumKind::sha256, "bytes"));
  EXPECT_EQ(reply.element("ChecksumType"), "FULL_OBJECT");
  Reply head = world_.ask(
      {.method = "HEAD", .target = "/else/a%20b", .headers = {{"x-amz-checksum-mode", "ENABLED"}}});
  EXPECT_EQ(head.header("content-type"), "text/x");
  EXPECT_EQ(head.header("x-amz-meta-a"), "b");
  EXPECT_EQ(head.header("x-amz-checksum-sha256"), sum(ChecksumKind::sha256, "bytes"));
}

// s3fs-fuse says REPLACE in the put of a file whose mode was set while it was open.
TEST_F(CopyObjectTest, AWriteWithoutASourceReplaces) {
  Headers said{{"x-amz-meta-c", "d"}, {"x-amz-metadata-directive", "REPLACE"}};
  Reply put = world_.ask({.method = "PUT", .target = "/data/put", .headers = said, .body = "new"});
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(fields("put"), (origin::Fields{{"x-amz-meta-c", "d"}}));
  Reply begun = world_.ask({.method = "POST", .target = "/data/parts?uploads", .headers = said});
  EXPECT_EQ(begun.status, 200) << begun.body;
  for (const char* other : {"COPY", "replace", ""}) {
    Headers wrong{{"x-amz-metadata-directive", other}};
    refused(world_.ask({.method = "PUT", .target = "/data/k", .headers = wrong, .body = "x"}), 501,
            "NotImplemented");
    refused(world_.ask({.method = "POST", .target = "/data/k?uploads", .headers = wrong}), 501,
            "NotImplemented");
  }
  EXPECT_EQ(world_.origin().bytes("k"), "bytes");
}

TEST_F(CopyObjectTest, Directives) {
  Headers said{{"content-type", "text/new"}, {"x-amz-meta-c", "d"}};
  // Without REPLACE they do not count.
  ASSERT_EQ(copy("/data/k", "/data/one", said).status, 200);
  EXPECT_EQ(fields("one"), (origin::Fields{{"content-type", "text/x"}, {"x-amz-meta-a", "b"}}));
  said.emplace_back("x-amz-metadata-directive", "REPLACE");
  ASSERT_EQ(copy("/data/k", "/data/two", said).status, 200);
  EXPECT_EQ(fields("two"), (origin::Fields{{"content-type", "text/new"}, {"x-amz-meta-c", "d"}}));
  ASSERT_EQ(copy("/data/k", "/data/three", {{"x-amz-storage-class", "STANDARD_IA"}}).status, 200);
  EXPECT_EQ(fields("three")["x-amz-storage-class"], "STANDARD_IA");
  EXPECT_EQ(fields("three")["content-type"], "text/x");
  ASSERT_EQ(copy("/data/three", "/data/four").status, 200);
  EXPECT_FALSE(fields("four").contains("x-amz-storage-class"));
  refused(copy("/data/k", "/data/no", {{"x-amz-metadata-directive", "replace"}}), 400,
          "InvalidArgument");
  refused(copy("/data/k", "/data/no", {{"x-amz-tagging-directive", "KEEP"}}), 400,
          "InvalidArgument");
  refused(copy("/data/k", "/data/no", {{"x-amz-tagging", "a=b&a=c"}}), 400, "InvalidArgument");
  refused(copy("/data/k", "/data/no", {{"x-amz-checksum-algorithm", "ROT13"}}), 400,
          "InvalidRequest");
  EXPECT_EQ(world_.origin().bytes("no"), std::nullopt);
}

TEST_F(CopyObjectTest, OntoItself) {
  std::string before = world_.origin().fingerprint();
  refused(copy("/data/k", "/data/k"), 400, "InvalidRequest");
  refused(copy("/data/k", "/data/k", {{"x-amz-metadata-directive", "COPY"}}), 400,
          "InvalidRequest");
  EXPECT_EQ(world_.origin().fingerprint(), before);
  EXPECT_EQ(copy("/data/k", "/data/k", {{"x-amz-metadata-directive", "REPLACE"}}).status, 200);
  EXPECT_EQ(fields("k"), origin::Fields());
  EXPECT_EQ(copy("/data/k", "/data/k", {{"x-amz-storage-class", "STANDARD_IA"}}).status, 200);
  EXPECT_EQ(copy("/data/k", "/data/k", {{"x-amz-checksum-algorithm", "CRC32"}}).status, 200);
  EXPECT_EQ(world_.origin().bytes("k"), "bytes");
  EXPECT_EQ(copy("/data/k", "/else/k").status, 200);
}

TEST_F(CopyObjectTest, WhatIsRefusedWritesNothing) {
  std::string before = world_.origin().fingerprint(), other = world_.origin("else").fingerprint();
  refused(copy("data/none", "/data/to"), 404, "NoSuchKey");
  refused(copy("nobody/k", "/data/to"), 404, "NoSuchBucket");
  refused(copy("data/k", "/nobody/to"), 404, "NoSuchBucket");
  refused(copy("data", "/data/to"), 400, "InvalidArgument");
  refused(copy("data/k?versionId=v1", "/data/to"), 400, "InvalidArgument");
  refused(copy("arn:aws:s3:us-east-1:1:accesspoint/a/object/k", "/data/to"), 501, "NotImplemented");
  refused(copy("data/k", "/data/to", {{"x-amz-copy-source-if-match", "\"other\""}}), 412,
          "PreconditionFailed");
  for (std::string name :
       {"x-amz-copy-source-if-modified-since", "x-amz-copy-source-if-unmodified-since"}) {
    for (const char* odd : {"", "1577836800", "2020-01-01T00:00:00Z"}) {
      refused(copy("data/k", "/data/to", {{name, odd}}), 400, "InvalidArgument");
    }
  }
  refused(copy("data/k", "/data/k", {{"if-none-match", "*"}, {"x-amz-storage-class", "GLACIER"}}),
          412, "PreconditionFailed");
  refused(copy("data/k", "/data/to", {{"x-amz-acl", "public-read"}}), 400,
          "AccessControlListNotSupported");
  for (std::string name : {"x-amz-server-side-encryption-customer-algorithm",
                           "x-amz-copy-source-server-side-encryption-customer-algorithm",
                           "x-amz-website-redirect-location", "x-amz-grant-read",
                           "x-amz-copy-source-range", "x-amz-object-lock-mode"}) {
    refused(copy("data/k", "/data/to", {{name, "AES256"}}), 501, "NotImplemented");
  }
  refused(copy("data/k", "/data/to", {{"x-amz-source-expected-bucket-owner", "other"}}), 403,
          "AccessDenied");
  refused(world_.ask({.method = "PUT",
                      .target = "/data/to",
                      .headers = {{"x-amz-copy-source", "data/k"}},
                      .sign = false}),
          403, "AccessDenied");
  EXPECT_EQ(world_.origin().fingerprint(), before);
  EXPECT_EQ(world_.origin("else").fingerprint(), other);
  EXPECT_EQ(copy("data/k?versionId=null", "/data/to").status, 200);
}

TEST_F(CopyObjectTest, WhatIsSaidOfABodyHoldsForNone) {
  for (std::string target : {"/data/to", "/data/to?partNumber=1&uploadId=none"}) {
    Ask ask{.method = "PUT", .target = target, .headers = {{"x-amz-copy-source", "data/k"}}};
    ask.body = "a body";
    refused(world_.ask(ask), 400, "UnexpectedContent");
    ask.kind = sign::PayloadKind::unsigned_body;
    refused(world_.ask(ask), 400, "UnexpectedContent");
    ask.body.clear();
    ask.headers.emplace_back("content-md5", sum(ChecksumKind::md5, "other"));
    refused(world_.ask(ask), 400, "BadDigest");
  }
  EXPECT_EQ(world_.origin().bytes("to"), std::nullopt);
  Reply none = copy("data/k", "/data/to", {{"content-md5", sum(ChecksumKind::md5, "")}});
  EXPECT_EQ(none.status, 200) << none.body;
  EXPECT_EQ(world_.origin().bytes("to"), "bytes");
}

TEST_F(CopyObjectTest, Versions) {
  world_.origin().options().capabilities.versions = true;
  auto info = world_.origin().change("k", "now");
  Reply reply = copy("data/k?versionId=" + info.version_id, "/data/to");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.header("x-amz-copy-source-version-id"), info.version_id);
  EXPECT_EQ(reply.header("x-amz-version-id"),
            world_.origin().versions("to").back().info.version_id);
  refused(copy("data/k?versionId=another", "/data/to"), 404, "NoSuchVersion");
}

TEST_F(CopyObjectTest, Parts) {
  world_.origin().options().min_part = 1;
  Reply begun = world_.ask({.method = "POST",
                            .target = "/data/up?uploads",
                            .headers = {{"x-amz-checksum-algorithm", "CRC32"}}});
  std::string id = begun.element("UploadId");
  auto target = [&](const std::string& number) {
    return "/data/up?partNumber=" + number + "&uploadId=" + id;
  };
  std::string before = world_.origin().fingerprint();
  auto ranged = [](const std::string& range) {
    return Headers{{"x-amz-copy-source-range", range}};
  };
  refused(copy("data/k", target("1"), ranged("bytes=0-")), 400, "InvalidArgument");
  refused(copy("data/k", target("1"), ranged("bytes=0-5")), 416, "InvalidRange");
  refused(copy("data/k", target("1"), ranged("bytes=5-5")), 416, "InvalidRange");
  refused(copy("data/none", target("1")), 404, "NoSuchKey");
  refused(copy("data/k", target("0")), 400, "InvalidArgument");
  refused(copy("data/k", target("10001")), 400, "InvalidArgument");
  refused(copy("data/k", "/data/up?partNumber=1&uploadId=none"), 404, "NoSuchUpload");
  refused(copy("data/k", "/data/up?partNumber=1&uploadId="), 404, "NoSuchUpload");
  refused(copy("data/k", target("1"), {{"x-amz-copy-source-if-none-match", "*"}}), 412,
          "PreconditionFailed");
  refused(copy("data/k", target("1"), {{"if-match", "\"x\""}}), 501, "NotImplemented");
  EXPECT_EQ(world_.origin().fingerprint(), before);
  Reply one = copy("data/k", target("1"), ranged("bytes=1-3"));
  ASSERT_EQ(one.status, 200) << one.body;
  EXPECT_NE(one.body.find("<CopyPartResult"), std::string::npos);
  EXPECT_EQ(one.element("ChecksumCRC32"), sum(ChecksumKind::crc32, "yte"));
  Reply two = copy("data/k", target("2"));
  ASSERT_EQ(two.status, 200) << two.body;
  std::string xml = "<CompleteMultipartUpload>";
  for (const Reply* part : {&one, &two}) {
    xml += "<Part><PartNumber>" + std::to_string(part == &one ? 1 : 2) + "</PartNumber><ETag>" +
           part->element("ETag") + "</ETag><ChecksumCRC32>" + part->element("ChecksumCRC32") +
           "</ChecksumCRC32></Part>";
  }
  Reply done = world_.ask({.method = "POST",
                           .target = "/data/up?uploadId=" + id,
                           .body = xml + "</CompleteMultipartUpload>"});
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(world_.origin().bytes("up"), "ytebytes");
}

}  // namespace
}  // namespace forebay::gateway::s3
