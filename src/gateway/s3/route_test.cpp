#include <gtest/gtest.h>

#include <set>
#include <sstream>

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

TEST_F(Route, a_write_is_an_operation_only_with_names_of_its_own) {
  struct Case {
    const char *method, *path, *query, *code;
  };
  for (const Case& c : {
           Case{"DELETE", "/b/k", "annotation&annotationName=x", "not implemented"},
           Case{"PUT", "/b/k", "encryption", "not implemented"},
           Case{"DELETE", "/b", "analytics&id=1", "not implemented"},
           Case{"DELETE", "/b/k", "acl", "MethodNotAllowed"},
           Case{"DELETE", "/b/k", "retention", "MethodNotAllowed"},
           Case{"PUT", "/b/k", "torrent", "MethodNotAllowed"},
           Case{"DELETE", "/b", "versioning", "MethodNotAllowed"},
           Case{"PUT", "/b/k", "uploadId=x", "MethodNotAllowed"},
           Case{"PUT", "/b/k", "partNumber=1", "MethodNotAllowed"},
           Case{"PUT", "/b/k", "partNumber=1&uploadId=x&acl", "MethodNotAllowed"},
           Case{"PUT", "/b/k", "versionId=x", "NotImplemented"},
           Case{"PUT", "/b/k", "something-new", "NotImplemented"},
           Case{"DELETE", "/b", "Policy", "NotImplemented"},
           Case{"DELETE", "/b/k", "versionId=null&versionId=x", "InvalidArgument"},
           Case{"GET", "/b/k", "uploads", "MethodNotAllowed"},
           Case{"GET", "/b", "prefix=a&prefix=b", "InvalidArgument"},
           Case{"GET", "/", "location", "MethodNotAllowed"},
           Case{"HEAD", "/b", "acl", "MethodNotAllowed"},
           Case{"PATCH", "/b/k", "", "MethodNotAllowed"},
       }) {
    ASSERT_TRUE(go(c.method, c.path, c.query));
    std::string code(routed_.operation != &kUnknown && routed_.operation->answer() == nullptr
                         ? "not implemented"
                         : routed_.refusal().detail());
    EXPECT_EQ(code, c.code) << c.method << " " << c.path << "?" << c.query;
    EXPECT_EQ(routed_.operation->answer(), nullptr) << c.method << " " << c.path << "?" << c.query;
  }
}

TEST_F(Route, parameters_are_no_more_than_a_signature_covers) {
  std::string query = "v=1";
  for (size_t i = 1; i < kMaxParameters; ++i) query += "&v" + std::to_string(i) + "=1";
  ASSERT_TRUE(go("GET", "/b/k", query));
  EXPECT_EQ(operation(), "GetObject");
  auto more = go("GET", "/b/k", query + "&one=more");
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().detail(), "InvalidRequest");
}

TEST_F(Route, what_passes_passes) {
  for (const char* query : {"x-id=PutObject", "x-forebay-note=1&x-forebay-note=2",
                            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0"}) {
    ASSERT_TRUE(go("PUT", "/b/k", query));
    EXPECT_EQ(operation(), "PutObject") << query;
  }
  for (const char* query : {"v=3", "v=3&v=4", "response-content-type=text/plain&ACL"}) {
    ASSERT_TRUE(go("GET", "/b/k", query));
    EXPECT_EQ(operation(), "GetObject") << query;
  }
}

// All names that the S3 model has, by method and scope: an answered operation takes only its own.
TEST_F(Route, no_name_of_s3_falls_through) {
  std::set<std::string> names;
  for (const Operation& row : operations()) {
    for (std::string_view words : {row.markers, row.names}) {
      std::istringstream stream{std::string(words)};
      for (std::string word; stream >> word;) names.insert(word);
    }
  }
  EXPECT_GE(names.size(), 60U);
  for (const std::string& name : names) {
    EXPECT_TRUE(known_to_s3(name)) << name;
    for (const char* method : {"GET", "HEAD", "PUT", "POST", "DELETE"}) {
      for (const char* path : {"/", "/b", "/b/k"}) {
        ASSERT_TRUE(go(method, path, name + "=x"));
        bool own = lists(routed_.operation->markers, name) || lists(routed_.operation->names, name);
        EXPECT_TRUE(own || routed_.operation == &kUnknown)
            << method << " " << path << "?" << name << " is " << operation();
      }
    }
  }
  EXPECT_FALSE(known_to_s3("v"));
}

TEST_F(Route, an_empty_bucket_name_is_an_error) {
  for (const char* path : {"//", "//b", "//b/k"}) {
    Result<> routed = go("GET", path);
    ASSERT_FALSE(routed) << path;
    EXPECT_EQ(routed.error().detail(), "InvalidBucketName");
  }
  EXPECT_FALSE(go("GET", "/k", "", ".localhost:9000"));
  EXPECT_FALSE(go("GET", "/k", "", ".s3.example.com"));
  ASSERT_TRUE(go("GET", "//k", "", "b.localhost"));
  EXPECT_EQ(routed_.key_text, "/k");
}

TEST_F(Route, a_bucket_name_holds_no_slash) {
  for (const char* path : {"/b%2Fk", "/b%2fk/l", "/%2Fb/k", "/%2F"}) {
    Result<> routed = go("PUT", path);
    ASSERT_FALSE(routed) << path;
    EXPECT_EQ(routed.error().detail(), "InvalidBucketName");
  }
}

TEST_F(Route, what_is_no_text_is_refused) {
  for (const char* query : {"prefix=a%ff", "prefix=%00", "%c3=x", "marker=%ed%a0%80"}) {
    Result<> routed = go("GET", "/b", query);
    ASSERT_FALSE(routed) << query;
    EXPECT_EQ(routed.error().detail(), "InvalidURI");
  }
  for (const char* path : {"/b/%ff", "/%ff", "/b%00/k", "/%ff/k"}) {
    Result<> routed = go("GET", path);
    ASSERT_FALSE(routed) << path;
    EXPECT_EQ(routed.error().detail(), "InvalidURI");
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
  for (const char* host : {"pics.localhost:9000", "pics.s3.example.com", "PICS.S3.example.com",
                           "pics.localhost.:9000", "pics.s3.example.com."}) {
    ASSERT_TRUE(go("GET", "/a/b", "", host));
    EXPECT_EQ(routed_.bucket_name, "pics") << host;
    EXPECT_EQ(routed_.key_text, "a/b") << host;
    EXPECT_EQ(operation(), "GetObject") << host;
  }
  ASSERT_TRUE(go("GET", "/a/b", "", "s3.example.com"));
  EXPECT_EQ(routed_.bucket_name, "a");
  ASSERT_TRUE(go("GET", "/a/b", "", "s3.example.com.:9000"));
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
