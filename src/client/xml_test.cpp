#include "client/xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace forebay::client {
namespace {

TEST(ParseList, TakesWhatServersWrite) {
  ListPage page = parse_list(R"(<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Name>b</Name><EncodingType>url</EncodingType><KeyCount>2</KeyCount>
  <IsTruncated>true</IsTruncated><NextContinuationToken>t=1</NextContinuationToken>
  <Contents><Key>a%20b%2Bc+d</Key><LastModified>2015-10-21T07:28:00.000Z</LastModified>
    <ETag>&quot;e-1&quot;</ETag><Size>5368709121</Size><Unknown/></Contents>
  <CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>
</ListBucketResult>)")
                      .value();
  ASSERT_EQ(page.objects.size(), 1u);
  EXPECT_EQ(page.objects[0].key, "a b+c d");
  EXPECT_EQ(page.objects[0].size, 5368709121u);
  EXPECT_EQ(page.objects[0].etag.text(), "\"e-1\"");
  EXPECT_EQ(page.objects[0].modified.seconds(), 1445412480);
  EXPECT_EQ(page.prefixes, std::vector<std::string>{"p/"});
  EXPECT_EQ(page.continuation, "t=1");
}

TEST(ParseList, AKeyThatWouldBeAnotherIsRefused) {
  auto page =
      parse_list("<ListBucketResult><Contents><Key>a&#0;b</Key></Contents></ListBucketResult>");
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code(), Code::corrupt);
}

TEST(ParseList, WithoutAnEncodingKeysAreAsTheyAre) {
  ListPage page = parse_list(
                      "<ListBucketResult><Contents><Key>a%20b</Key></Contents>"
                      "<Contents><Key> a </Key></Contents></ListBucketResult>")
                      .value();
  EXPECT_EQ(page.objects.at(0).key, "a%20b");
  EXPECT_EQ(page.objects.at(1).key, " a ");
  EXPECT_EQ(page.continuation, "");
}

TEST(ParseList, AKeyIsAllOfItsText) {
  auto page = parse_list(
      "<ListBucketResult><Contents><Key>foo<![CDATA[b&]]>ar</Key></Contents></ListBucketResult>");
  ASSERT_TRUE(page);
  ASSERT_EQ(page->objects.size(), 1U);
  EXPECT_EQ(page->objects[0].key, "foob&ar");
}

TEST(ParseList, WhatIsNoListIsCorrupt) {
  for (const char* xml : {"", "x", "<ListBucketResult>", "<html/>",
                          "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
                          "<ListBucketResult><EncodingType>url</EncodingType><Contents>"
                          "<Key>%zz</Key></Contents></ListBucketResult>"}) {
    Result<ListPage> page = parse_list(xml);
    ASSERT_FALSE(page) << xml;
    EXPECT_EQ(page.error().code(), Code::corrupt) << xml;
  }
}

TEST(ParseError, TakesCodeAndMessage) {
  Error error = parse_error(403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>");
  EXPECT_EQ(error.code(), Code::denied);
  EXPECT_EQ(error.detail(), "AccessDenied");
  EXPECT_EQ(error.text(), "no (AccessDenied)");
  error = parse_error(409, "<Error><Code>BucketAlreadyExists</Code></Error>");
  EXPECT_EQ(error.code(), Code::exists);
  error = parse_error(404, "");
  EXPECT_EQ(error.code(), Code::not_found);
  EXPECT_EQ(error.detail(), "");
  EXPECT_EQ(error.text(), "the server answered 404");
}

TEST(ParseCompleted, AnErrorMayFollowA200) {
  EXPECT_EQ(parse_completed("<CompleteMultipartUploadResult><ETag>\"a-2\"</ETag>"
                            "</CompleteMultipartUploadResult>")
                ->text(),
            "\"a-2\"");
  Result<ETag> failed = parse_completed("<Error><Code>InternalError</Code></Error>");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), Code::unavailable);
  EXPECT_EQ(failed.error().detail(), "InternalError");
  EXPECT_EQ(parse_completed("<x/>").error().code(), Code::corrupt);
}

TEST(ParseUploadId, NeedsOne) {
  EXPECT_EQ(parse_upload_id("<InitiateMultipartUploadResult><UploadId>u</UploadId>"
                            "</InitiateMultipartUploadResult>")
                .value(),
            "u");
  EXPECT_FALSE(parse_upload_id("<InitiateMultipartUploadResult/>"));
}

TEST(CompleteDocument, NamesPartsInOrder) {
  EXPECT_EQ(complete_document({ETag("\"a\""), ETag("<&>")}),
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"a\"</ETag></Part>"
            "<Part><PartNumber>2</PartNumber><ETag>&lt;&amp;&gt;</ETag></Part>"
            "</CompleteMultipartUpload>");
}

}  // namespace
}  // namespace forebay::client
