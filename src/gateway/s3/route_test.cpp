#include <gtest/gtest.h>

#include "gateway/s3/call.h"

namespace forebay::gateway::s3 {
namespace {

class Route : public ::testing::Test {
 protected:
  Result<> go(std::string_view method, std::string_view path, std::string_view query = "",
              std::string_view host = "127.0.0.1:9000", std::vector<Header> headers = {}) {
    headers_ = std::move(headers);
    request_ = {};
    request_.method = method;
    request_.path = path;
    request_.query = query;
    request_.authority = host;
    request_.headers = headers_;
    routed_ = {};
    return route(request_, "s3.example.com", routed_);
  }
  std::string_view operation() const { return routed_.operation->name; }

  http::Request request_;
  std::vector<Header> headers_;
  Routed routed_;
};

TEST_F(Route, finds_operations_by_method_scope_and_marker) {
  struct Case {
    const char *method, *path, *query, *name;
  };
  for (const Case& c : {
           Case{"GET", "/", "", "ListBuckets"},
           Case{"GET", "/b", "", "ListObjects"},
           Case{"GET", "/b/", "location", "GetBucketLocation"},
           Case{"GET", "/b", "list-type=2&prefix=x", "ListObjectsV2"},
           Case{"GET", "/b", "uploads=", "ListMultipartUploads"},
           Case{"HEAD", "/b", "", "HeadBucket"},
           Case{"PUT", "/b", "", "CreateBucket"},
           Case{"PUT", "/b", "versioning", "PutBucketVersioning"},
           Case{"DELETE", "/b", "", "DeleteBucket"},
           Case{"POST", "/b", "delete", "DeleteObjects"},
           Case{"GET", "/b/k", "x-id=GetObject", "GetObject"},
           Case{"GET", "/b/k", "uploadId=u", "ListParts"},
           Case{"GET", "/b/k", "acl", "GetObjectAcl"},
           Case{"HEAD", "/b/k", "versionId=null", "HeadObject"},
           Case{"PUT", "/b/k", "", "PutObject"},
           Case{"PUT", "/b/k", "partNumber=1&uploadId=u", "UploadPart"},
           Case{"PUT", "/b/k", "tagging", "PutObjectTagging"},
           Case{"POST", "/b/k", "uploads", "CreateMultipartUpload"},
           Case{"POST", "/b/k", "uploadId=u", "CompleteMultipartUpload"},
           Case{"DELETE", "/b/k", "uploadId=u", "AbortMultipartUpload"},
           Case{"DELETE", "/b/k", "", "DeleteObject"},
           Case{"PATCH", "/b/k", "", "Unknown"},
       }) {
    ASSERT_TRUE(go(c.method, c.path, c.query)) << c.name;
    EXPECT_EQ(operation(), c.name) << c.method << " " << c.path << "?" << c.query;
  }
}

TEST_F(Route, a_copy_is_not_a_put) {
  ASSERT_TRUE(go("PUT", "/b/k", "", "h", {{"X-Amz-Copy-Source", "/b/other"}}));
  EXPECT_EQ(operation(), "CopyObject");
  ASSERT_TRUE(go("PUT", "/b/k", "partNumber=1&uploadId=u", "h", {{"x-amz-copy-source", "/b/o"}}));
  EXPECT_EQ(operation(), "UploadPartCopy");
}

TEST_F(Route, keys_are_decoded_and_slashes_kept) {
  ASSERT_TRUE(go("GET", "/b/a%20b//c+%2Fd%C3%A9"));
  EXPECT_EQ(routed_.bucket_name, "b");
  EXPECT_EQ(routed_.key_text, "a b//c+/d\xc3\xa9");
}

TEST_F(Route, virtual_hosts_name_the_bucket) {
  for (const char* host : {"pics.localhost:9000", "pics.s3.example.com", "PICS.S3.example.com"}) {
    ASSERT_TRUE(go("GET", "/a/b", "", host));
    EXPECT_EQ(routed_.key_text, "a/b") << host;
    EXPECT_EQ(operation(), "GetObject") << host;
  }
  ASSERT_TRUE(go("GET", "/a/b", "", "s3.example.com"));
  EXPECT_EQ(routed_.bucket_name, "a");
  ASSERT_TRUE(go("GET", "/a/b", "", "[::1]:9000"));
  EXPECT_EQ(routed_.bucket_name, "a");
}

TEST_F(Route, broken_escapes_are_refused) {
  for (const char* path : {"/b/%", "/b/%z1", "/%/k", "b/k"}) {
    Result<> routed = go("GET", path);
    ASSERT_FALSE(routed) << path;
    EXPECT_EQ(routed.error().detail(), "InvalidURI") << path;
  }
  EXPECT_FALSE(go("GET", "/b/k", "prefix=%"));
}

TEST_F(Route, numbers_keep_their_limits) {
  ASSERT_TRUE(go("GET", "/b", "max-keys=1000&part=10000&bad=x&big=10001&none="));
  EXPECT_EQ(*routed_.number("max-keys", 7, 1000), 1000U);
  EXPECT_EQ(*routed_.number("absent", 7, 1000), 7U);
  EXPECT_EQ(*routed_.number("none", 7, 1000), 7U);
  EXPECT_EQ(*routed_.number("part", 0, 10'000), 10'000U);
  EXPECT_FALSE(routed_.number("big", 0, 10'000));
  EXPECT_FALSE(routed_.number("bad", 0, 10'000));
}

}  // namespace
}  // namespace forebay::gateway::s3
