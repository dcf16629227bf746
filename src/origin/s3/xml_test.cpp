#include "origin/s3/xml.h"

#include <gtest/gtest.h>

#include "origin/s3/answer.h"

namespace forebay::origin {
namespace {

TEST(S3Xml, reads_a_list_of_the_second_version) {
  auto page = parse_s3_list(R"(<?xml version="1.0"?>
    <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
      <EncodingType>url</EncodingType><KeyCount>2</KeyCount><IsTruncated>true</IsTruncated>
      <NextContinuationToken>on=</NextContinuationToken>
      <Contents><Key>a+b%2Bc/%D0%BA</Key><Size>17</Size><ETag>&quot;e&quot;</ETag>
        <LastModified>2015-10-21T07:28:00.000Z</LastModified><StorageClass>GLACIER</StorageClass>
      </Contents>
      <CommonPrefixes><Prefix>p%20q/</Prefix></CommonPrefixes></ListBucketResult>)");
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->second);
  EXPECT_EQ(page->token, "on=");
  EXPECT_TRUE(page->list.truncated);
  ASSERT_EQ(page->list.objects.size(), 1u);
  EXPECT_EQ(page->list.objects[0].key, "a b+c/к");
  EXPECT_EQ(page->list.objects[0].size, 17u);
  EXPECT_EQ(page->list.objects[0].etag.text(), "\"e\"");
  EXPECT_EQ(page->list.objects[0].modified.seconds(), 1445412480);
  EXPECT_EQ(page->list.objects[0].storage_class, "GLACIER");
  EXPECT_EQ(page->list.prefixes, std::vector<std::string>{"p q/"});
}

TEST(S3Xml, a_key_is_all_of_its_text) {
  auto page = parse_s3_list(
      "<ListBucketResult><IsTruncated>false</IsTruncated>"
      "<Contents><Key>foo<![CDATA[b&]]>ar</Key><Size>1</Size></Contents>"
      "<Contents><Key>foo<!-- not this -->bar</Key><Size>1</Size></Contents></ListBucketResult>");
  ASSERT_TRUE(page);
  ASSERT_EQ(page->list.objects.size(), 2u);
  EXPECT_EQ(page->list.objects[0].key, "foob&ar");
  EXPECT_EQ(page->list.objects[1].key, "foobar");
}

TEST(S3Xml, knows_a_list_of_the_first_version) {
  auto page = parse_s3_list(
      "<s3:ListBucketResult xmlns:s3='x'><s3:Marker/><s3:NextMarker>m+1</s3:NextMarker>"
      "<s3:IsTruncated>true</s3:IsTruncated><s3:Contents><s3:Key> "
      "</s3:Key><s3:Size>1</s3:Size></s3:Contents>"
      "</s3:ListBucketResult>");
  ASSERT_TRUE(page);
  EXPECT_FALSE(page->second);
  EXPECT_EQ(page->marker, "m+1");
  EXPECT_EQ(page->list.objects.at(0).key, " ");
  EXPECT_TRUE(parse_s3_list("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
                  ->second);
}

TEST(S3Xml, a_list_has_a_bound) {
  // A whole page, each object with so many fields, a line each.
  auto page = [](int fields) {
    std::string xml = "<ListBucketResult>\n<IsTruncated>false</IsTruncated>\n";
    for (int i = 0; i < 1000; ++i) {
      xml += "<Contents>\n<Key>" + std::string(1024, 'k') + "</Key>\n<Size>1</Size>\n";
      for (int field = 2; field < fields; ++field) xml += "<Field>x</Field>\n";
      xml += "</Contents>\n";
    }
    return xml + "</ListBucketResult>";
  };
  auto list = parse_s3_list(page(20));
  ASSERT_TRUE(list) << "twice what S3 has";
  EXPECT_EQ(list->list.objects.size(), 1000u);
  EXPECT_EQ(parse_s3_list(page(22)).error().code(), Code::corrupt);
}

TEST(S3Xml, refuses_what_is_not_the_document) {
  EXPECT_EQ(parse_s3_list("").error().code(), Code::corrupt);
  EXPECT_EQ(parse_s3_list("<html><body>hello").error().code(), Code::corrupt);
  EXPECT_EQ(parse_s3_list("<Error><Code>X</Code></Error>").error().code(), Code::corrupt);
  EXPECT_FALSE(
      parse_s3_list("<ListBucketResult><EncodingType>url</EncodingType>"
                    "<IsTruncated>false</IsTruncated>"
                    "<Contents><Key>%zz</Key><Size>1</Size></Contents></ListBucketResult>"));
  EXPECT_EQ(parse_s3_list("<ListBucketResult><IsTruncated>false</IsTruncated>"
                          "<Contents><Key>a&#0;b</Key><Size>1</Size></Contents>"
                          "</ListBucketResult>")
                .error()
                .code(),
            Code::corrupt);
  EXPECT_FALSE(parse_s3_upload_id("<InitiateMultipartUploadResult/>"));
  EXPECT_FALSE(
      parse_s3_parts("<ListPartsResult><IsTruncated>true</IsTruncated></ListPartsResult>"));
  EXPECT_FALSE(parse_s3_uploads(
      "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated></ListMultipartUploadsResult>"));
}

// Each differs in one place from what is good.
TEST(S3Xml, a_list_says_what_it_must_or_is_none) {
  auto list = [](std::string_view object, std::string_view more) {
    return "<ListBucketResult>" + std::string(more) + "<Contents>" + std::string(object) +
           "</Contents></ListBucketResult>";
  };
  const char* all = "<IsTruncated>false</IsTruncated>";
  EXPECT_TRUE(parse_s3_list(list("<Key>a</Key><Size>0</Size>", all)));
  EXPECT_TRUE(parse_s3_list(list("<Key>a</Key><Size>9007199254740992</Size>", all)));
  for (const char* object :
       {"<Key>a</Key>", "<Key>a</Key><Size/>", "<Key>a</Key><Size>-1</Size>",
        "<Key>a</Key><Size>+1</Size>", "<Key>a</Key><Size>1 </Size>",
        "<Key>a</Key><Size>0x1</Size>", "<Key>a</Key><Size>9007199254740993</Size>",
        "<Key>a</Key><Size>18446744073709551617</Size>", "<Size>1</Size>",
        "<Key></Key><Size>1</Size>"}) {
    EXPECT_EQ(parse_s3_list(list(object, all)).error().code(), Code::corrupt) << object;
  }
  for (const char* more : {"", "<IsTruncated/>", "<IsTruncated>no</IsTruncated>"}) {
    auto page = parse_s3_list(list("<Key>a</Key><Size>1</Size>", more));
    EXPECT_EQ(page.error().code(), Code::corrupt) << more;
  }
  EXPECT_FALSE(
      parse_s3_list("<ListBucketResult><IsTruncated>false</IsTruncated>"
                    "<CommonPrefixes/></ListBucketResult>"));
}

TEST(S3Xml, lists_of_parts_and_uploads_are_read_as_strictly) {
  auto parts = [](std::string_view part, std::string_view more) {
    return parse_s3_parts("<ListPartsResult>" + std::string(more) + "<Part>" + std::string(part) +
                          "</Part></ListPartsResult>");
  };
  const char* good = "<PartNumber>10000</PartNumber><Size>5</Size>";
  const char* all = "<IsTruncated>false</IsTruncated>";
  ASSERT_TRUE(parts(good, all));
  for (const char* part :
       {"<PartNumber>1</PartNumber>", "<Size>5</Size>", "<PartNumber>0</PartNumber><Size>5</Size>",
        "<PartNumber>10001</PartNumber><Size>5</Size>",
        "<PartNumber>4294967297</PartNumber><Size>5</Size>",
        "<PartNumber>1a</PartNumber><Size>5</Size>",
        "<PartNumber>1</PartNumber><Size>18446744073709401616</Size>"}) {
    EXPECT_EQ(parts(part, all).error().code(), Code::corrupt) << part;
  }
  EXPECT_FALSE(parts(good, ""));
  EXPECT_FALSE(parts(good,
                     "<IsTruncated>true</IsTruncated>"
                     "<NextPartNumberMarker>x</NextPartNumberMarker>"));
  auto uploads = [](std::string_view upload, std::string_view more) {
    return parse_s3_uploads("<ListMultipartUploadsResult>" + std::string(more) + "<Upload>" +
                            std::string(upload) + "</Upload></ListMultipartUploadsResult>");
  };
  EXPECT_TRUE(uploads("<Key>k</Key><UploadId>1</UploadId>", all));
  EXPECT_FALSE(uploads("<Key>k</Key><UploadId>1</UploadId>", ""));
  EXPECT_FALSE(uploads("<Key>k</Key>", all));
  EXPECT_FALSE(uploads("<UploadId>1</UploadId>", all));
}

TEST(S3Xml, reads_parts_and_uploads) {
  auto parts = parse_s3_parts(
      "<ListPartsResult><IsTruncated>true</IsTruncated>"
      "<Part><PartNumber>3</PartNumber><Size>5</Size><ETag>abc</ETag></Part>"
      "<Part><PartNumber>2</PartNumber><Size>6</Size><ETag>\"d\"</ETag>"
      "<ChecksumCRC32C>AAAAAA==</ChecksumCRC32C></Part></ListPartsResult>");
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->parts.size(), 2u);
  EXPECT_EQ(parts->parts[0].number, 2u);
  EXPECT_EQ(parts->parts[0].checksums.at("x-amz-checksum-crc32c"), "AAAAAA==");
  EXPECT_EQ(parts->parts[1].etag.text(), "\"abc\"");
  EXPECT_EQ(parts->next_marker, 3u);

  auto uploads = parse_s3_uploads(
      "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated>"
      "<NextUploadIdMarker>2</NextUploadIdMarker>"
      "<Upload><Key>k</Key><UploadId>1</UploadId></Upload>"
      "<Upload><Key>l</Key><UploadId>2</UploadId></Upload>"
      "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes></ListMultipartUploadsResult>");
  ASSERT_TRUE(uploads);
  EXPECT_EQ(uploads->uploads.size(), 2u);
  EXPECT_EQ(uploads->next_key, "l");
  EXPECT_EQ(uploads->next_upload, "2");
  EXPECT_EQ(uploads->prefixes, std::vector<std::string>{"p/"});
  EXPECT_EQ(*parse_s3_upload_id("<InitiateMultipartUploadResult><UploadId>u</UploadId>"
                                "</InitiateMultipartUploadResult>"),
            "u");
}

TEST(S3Xml, sees_an_error_in_a_completion) {
  auto good = parse_s3_completed(
      "<CompleteMultipartUploadResult><ETag>\"e-2\"</ETag></CompleteMultipartUploadResult>");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->etag.text(), "\"e-2\"");
  EXPECT_TRUE(
      parse_s3_completed("<CompleteMultipartUploadResult><ETag/></CompleteMultipartUploadResult>")
          ->etag.empty());
  auto bad = parse_s3_completed("<Error><Code>InternalError</Code><Message>m</Message></Error>");
  ASSERT_TRUE(bad && bad->fault);
  EXPECT_EQ(bad->fault->code, "InternalError");
  EXPECT_FALSE(parse_s3_completed("<html/>"));
  EXPECT_FALSE(
      parse_s3_completed("<CompleteMultipartUploadResult><ETag>\"a\"</ETag><ETag>\"b\"</ETag>"
                         "</CompleteMultipartUploadResult>"));
  EXPECT_FALSE(
      parse_s3_copied("<CopyObjectResult><ETag>\"a\"</ETag><ETag>\"b\"</ETag>"
                      "</CopyObjectResult>"));
  auto versioning = [](const std::string& inner) {
    return *parse_s3_versioning("<VersioningConfiguration>" + inner + "</VersioningConfiguration>");
  };
  EXPECT_EQ(versioning("<Status>Enabled</Status>"), Versioning::enabled);
  EXPECT_EQ(versioning("<Status>Suspended</Status>"), Versioning::suspended);
  EXPECT_EQ(versioning(""), Versioning::never);
  EXPECT_FALSE(parse_s3_versioning("<html/>"));
}

TEST(S3Xml, writes_what_servers_read) {
  EXPECT_EQ(s3_complete_document({{1, ETag("\"a\""), {}}, {9, ETag("\"b\""), {}}}),
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
            "<Part><PartNumber>1</PartNumber><ETag>\"a\"</ETag></Part>"
            "<Part><PartNumber>9</PartNumber><ETag>\"b\"</ETag></Part>"
            "</CompleteMultipartUpload>");
  EXPECT_EQ(s3_location_document("eu-west-1"),
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
            "<LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>");
}

struct ErrorCase {
  int status;
  const char* code;
  bool write;
  Code expected;
  const char* detail;
};

TEST(S3Answer, maps_errors_by_what_can_be_done) {
  for (const ErrorCase& c : std::vector<ErrorCase>{
           {404, "", false, Code::not_found, "NoSuchKey"},
           {404, "NoSuchBucket", false, Code::not_found, "NoSuchBucket"},
           {404, "NotFound", false, Code::not_found, "NoSuchKey"},
           {400, "NoSuchUpload", true, Code::not_found, "NoSuchUpload"},
           {403, "SignatureDoesNotMatch", false, Code::denied, "AccessDenied"},
           {401, "", false, Code::denied, "AccessDenied"},
           {400, "ExpiredToken", false, Code::denied, "AccessDenied"},
           {409, "BucketAlreadyExists", true, Code::exists, "BucketAlreadyExists"},
           {409, "BucketAlreadyOwnedByYou", true, Code::conflict, "BucketAlreadyOwnedByYou"},
           {409, "", true, Code::conflict, "OperationAborted"},
           {412, "", false, Code::conflict, "PreconditionFailed"},
           {416, "", false, Code::invalid, "InvalidRange"},
           {416, "InvalidPartNumber", false, Code::invalid, "InvalidPartNumber"},
           {413, "", true, Code::too_large, "EntityTooLarge"},
           {400, "EntityTooLarge", true, Code::too_large, "EntityTooLarge"},
           {400, "EntityTooSmall", true, Code::invalid, "EntityTooSmall"},
           {400, "", false, Code::invalid, "InvalidRequest"},
           {400, "RequestTimeout", true, Code::unavailable, ""},
           {429, "", true, Code::busy, "SlowDown"},
           {503, "SlowDown", true, Code::busy, "SlowDown"},
           {503, "", false, Code::busy, "SlowDown"},
           {503, "", true, Code::unavailable, ""},
           {500, "InternalError", true, Code::unavailable, ""},
           {501, "", true, Code::invalid, "NotImplemented"},
           {400, "NotImplemented", true, Code::invalid, "NotImplemented"},
           {301, "PermanentRedirect", false, Code::unavailable, ""},
       }) {
    Error error = s3_error(c.status, {c.code, "words"}, {.write = c.write});
    EXPECT_EQ(error.code(), c.expected) << c.status << c.code;
    EXPECT_EQ(error.detail(), c.detail) << c.status << c.code;
    EXPECT_TRUE(error.text().ends_with("words"));
  }
  EXPECT_EQ(s3_error(404, {"NoSuchKey", ""}, {.missing = "NoSuchUpload"}).detail(), "NoSuchUpload");
}

TEST(S3Answer, keeps_what_belongs_to_an_object) {
  http::ClientResponse response;
  response.headers = {{"ETag", "\"abc\""},
                      {"Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT"},
                      {"Content-Type", "text/plain"},
                      {"Content-Encoding", "aws-chunked, gzip"},
                      {"X-Amz-Meta-Colour", "blue"},
                      {"x-amz-server-side-encryption-aws-kms-key-id", "k"},
                      {"x-amz-checksum-crc32", "AAAAAA=="},
                      {"x-amz-checksum-type", "FULL_OBJECT"},
                      {"x-amz-version-id", "null"},
                      {"x-amz-mp-parts-count", "20"},
                      {"x-amz-request-id", "r"},
                      {"Server", "s"}};
  ObjectInfo info = s3_info(response, 7);
  EXPECT_EQ(info.tag.text(), "e:\"abc\":7");
  EXPECT_EQ(info.version_id, "");
  EXPECT_EQ(info.parts, 20u);
  EXPECT_EQ(info.modified.seconds(), 1445412480);
  EXPECT_EQ(info.fields, (Fields{{"content-encoding", "gzip"},
                                 {"content-type", "text/plain"},
                                 {"x-amz-meta-colour", "blue"},
                                 {"x-amz-server-side-encryption-aws-kms-key-id", "k"}}));
  EXPECT_EQ(info.checksums.size(), 2u);

  response.headers = {{"ETag", "W/\"abc\""}, {"Content-Encoding", "AWS-chunked"}};
  info = s3_info(response, 7);
  EXPECT_FALSE(info.tag.strong());
  EXPECT_TRUE(info.fields.empty());
  response.headers = {{"ETag", "abc"}, {"x-amz-version-id", "v1"}};
  info = s3_info(response, 7);
  EXPECT_EQ(info.etag.text(), "\"abc\"");
  EXPECT_EQ(info.tag.text(), "v:v1");
}

TEST(S3Answer, forwards_fields_but_not_the_wire) {
  http::HeadFields out;
  add_s3_fields({{"Content-Type", "t"},
                 {"host", "h"},
                 {"x-amz-meta-a", "1"},
                 {"x-amz-checksum-algorithm", "CRC32"},
                 {"content-length", "9"}},
                out);
  EXPECT_EQ(out.text(), "content-type: t\r\nx-amz-meta-a: 1\r\n");
}

}  // namespace
}  // namespace forebay::origin
