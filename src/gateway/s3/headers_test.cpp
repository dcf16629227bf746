#include "gateway/s3/headers.h"

#include <gtest/gtest.h>

#include "gateway/s3/fields.h"

namespace forebay::gateway::s3 {
namespace {

const Operation& row(std::string_view name) {
  for (const Operation& operation : operations()) {
    if (operation.name == name) return operation;
  }
  return kUnknown;
}

// The code of the refusal; empty: admitted.
std::string admit(std::string_view name, std::vector<Header> headers) {
  const Operation& operation = row(name);
  http::Request request;
  request.method = operation.method;
  request.headers = headers;
  request.content_length = 0;
  Result<> admitted = admit_headers(operation, request);
  return admitted ? "" : admitted.error().detail();
}

TEST(Headers, a_write_carries_out_what_it_admits) {
  for (Header header : {Header{"x-amz-acl", "private"}, Header{"X-Amz-Meta-Colour", "blue"},
                        Header{"If-None-Match", "*"}, Header{"x-amz-checksum-crc32", "AAAAAA=="},
                        Header{"x-amz-storage-class", "STANDARD"}, Header{"Range", "bytes=0-0"},
                        Header{"x-amz-sdk-checksum-algorithm", "CRC32"},
                        Header{"x-amz-expected-bucket-owner", "forebay"}}) {
    EXPECT_EQ(admit("PutObject", {header}), "") << header.name;
  }
}

TEST(Headers, what_would_change_or_restrict_a_write_is_refused) {
  struct Case {
    const char *operation, *header;
  };
  for (const Case& c : {
           Case{"PutObject", "x-amz-tagging-directive"},
           Case{"PutObject", "x-amz-object-lock-mode"},
           Case{"PutObject", "x-amz-object-lock-event-hold"},
           Case{"PutObject", "x-amz-server-side-encryption-aws-kms-key-id"},
           Case{"PutObject", "x-amz-grant-read"},
           Case{"PutObject", "x-amz-write-offset-bytes"},
           Case{"PutObject", "x-amz-checksum-md4"},
           Case{"PutObject", "If-Modified-Since"},
           Case{"PutObject", "If-Unmodified-Since"},
           Case{"PutObject", "Content-Range"},
           Case{"PutObject", "x-amz-what-comes-next"},
           Case{"DeleteObject", "If-None-Match"},
           Case{"DeleteObject", "x-amz-if-match-size"},
           Case{"DeleteObject", "X-AMZ-IF-MATCH-LAST-MODIFIED-TIME"},
           Case{"DeleteObject", "x-amz-mfa"},
           Case{"DeleteObjects", "x-amz-mfa"},
           Case{"DeleteObjects", "x-amz-bypass-governance-retention"},
           Case{"AbortMultipartUpload", "x-amz-if-match-initiated-time"},
           Case{"CreateMultipartUpload", "If-None-Match"},
           Case{"CompleteMultipartUpload", "x-amz-meta-late"},
           Case{"UploadPart", "x-amz-server-side-encryption-customer-key"},
           Case{"CreateBucket", "x-amz-grant-read"},
           Case{"DeleteBucket", "x-amz-copy-source"},
       }) {
    EXPECT_EQ(admit(c.operation, {{c.header, "x"}}), "NotImplemented")
        << c.operation << " " << c.header;
  }
}

TEST(Headers, another_owner_is_refused_in_reads_and_writes) {
  for (const char* operation : {"GetObject", "HeadBucket", "ListObjectsV2", "PutObject",
                                "DeleteObject", "DeleteBucket", "CompleteMultipartUpload"}) {
    EXPECT_EQ(admit(operation, {{"X-Amz-Expected-Bucket-Owner", "forebay"}}), "") << operation;
    EXPECT_EQ(admit(operation, {{"x-amz-expected-bucket-owner", "111122223333"}}), "AccessDenied");
    EXPECT_EQ(admit(operation, {{"x-amz-expected-bucket-owner", "forebay"},
                                {"x-amz-expected-bucket-owner", "111122223333"}}),
              "AccessDenied");
    EXPECT_EQ(admit(operation, {{"x-amz-source-expected-bucket-owner", ""}}), "AccessDenied");
  }
}

TEST(Headers, what_restricts_is_said_once) {
  for (const char* name : {"x-amz-storage-class", "X-Amz-Acl", "x-amz-date", "If-Match",
                           "If-None-Match", "Content-MD5", "x-amz-checksum-crc32"}) {
    EXPECT_EQ(admit("PutObject", {{name, "a"}}), "") << name;
    EXPECT_EQ(admit("PutObject", {{name, "a"}, {"h", ""}, {lower(name), "b"}}), "InvalidArgument")
        << name;
  }
  EXPECT_EQ(admit("PutObject", {{"x-amz-meta-a", "1"}, {"x-amz-meta-a", "2"}}), "");
  EXPECT_EQ(admit("DeleteObjects", {{"Content-MD5", "a"}, {"content-md5", "b"}}),
            "InvalidArgument");
  for (const char* name : {"Range", "If-None-Match", "If-Modified-Since"}) {
    EXPECT_EQ(admit("GetObject", {{name, "a"}}), "") << name;
    EXPECT_EQ(admit("GetObject", {{name, "a"}, {name, "b"}}), "InvalidArgument") << name;
  }
}

TEST(Headers, what_can_be_no_header_is_refused) {
  for (const char* name :
       {"x-amz-meta-a b", "x-amz-meta-\xc3\xa9", "x-amz-meta-a:", "x-amz-meta-\n"}) {
    EXPECT_EQ(admit("PutObject", {{name, "v"}}), "InvalidArgument") << name;
  }
  EXPECT_EQ(admit("PutObject", {{"x-amz-meta-a", "v\r\nw"}}), "InvalidArgument");
  EXPECT_EQ(admit("PutObject", {{"x-amz-meta-a", "\xc3\xa9 v"}}), "");
}

TEST(Headers, an_upload_says_how_long_it_is) {
  http::Request request;
  for (const char* name : {"PutObject", "UploadPart"}) {
    const Operation& operation = row(name);
    request = {};
    request.method = operation.method;
    Result<> admitted = admit_headers(operation, request);
    ASSERT_FALSE(admitted);
    EXPECT_EQ(admitted.error().detail(), "MissingContentLength");
    request.chunked = true;
    EXPECT_TRUE(admit_headers(operation, request));
  }
}

class HeadersOfQuery : public ::testing::Test {
 protected:
  std::vector<std::string> names(Query query) {
    sent_ = {{"Host", "h"}};
    request_.headers = sent_;
    Taken taken = take_headers_of_query(query, request_.headers);
    std::vector<std::string> out;
    for (const Header& header : taken) out.emplace_back(header.name);
    return out;
  }
  using Taken = std::vector<Header>;
  std::vector<Header> sent_;
  http::Request request_;
};

TEST_F(HeadersOfQuery, stand_among_the_others) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(names({{"x-amz-acl", "public-read"}, {"prefix", "a"}}), (Names{"Host", "x-amz-acl"}));
  EXPECT_EQ(names({{"X-Amz-Tagging", "a=b"}}), (Names{"Host", "X-Amz-Tagging"}));
  EXPECT_EQ(names({{"X-Amz-Algorithm", "a"}, {"X-Amz-Date", "d"}, {"X-Amz-Signature", "s"}}),
            Names{});
  EXPECT_EQ(names({{"x-amz-checksum-crc32", "AAAAAA=="}, {"x-id", "PutObject"}}), Names{});
}

// Only what tells of a body that was not known when the URL was signed is left out.
TEST_F(HeadersOfQuery, of_checksums_only_the_values_are_ignored) {
  using Names = std::vector<std::string>;
  for (ChecksumKind kind : kAllChecksumKinds) {
    EXPECT_EQ(names({{std::string(header_name(kind)), "AAAAAA=="}}), Names{});
  }
  EXPECT_EQ(names({{"X-Amz-Checksum-SHA256", "A"}}), Names{});
  for (const char* name : {"x-amz-checksum-algorithm", "x-amz-checksum-type", "X-Amz-Checksum-Mode",
                           "x-amz-checksum-", "x-amz-checksum-md4"}) {
    EXPECT_EQ(names({{name, "x"}}), (Names{"Host", name}));
  }
}

}  // namespace
}  // namespace forebay::gateway::s3
