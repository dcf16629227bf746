// ACLs, ownership, public access, policy and the like through a whole door: told as a bucket with
// ACLs disabled tells them, and changed by nothing that would change them.
#include <gtest/gtest.h>

#include "gateway/s3/fields.h"
#include "gateway/s3/refused_test.h"

namespace forebay::gateway::s3 {
namespace {

class AccessTest : public testing::Test {
 protected:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  AccessTest() { world_.origin().change("k", "bytes", {{"content-type", "text/x"}}); }
  Reply ask(const std::string& method, const std::string& target, std::string body = {},
            Headers headers = {}) {
    return world_.ask(method, target, std::move(body), std::move(headers));
  }

  DoorWorld world_;
};

TEST_F(AccessTest, TheOwnerMayAll) {
  for (const char* target : {"/data?acl", "/data/k?acl"}) {
    Reply reply = ask("GET", target);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.element("Permission"), "FULL_CONTROL") << reply.body;
    EXPECT_EQ(reply.element("ID"), "forebay");
    EXPECT_NE(reply.body.find("xsi:type=\"CanonicalUser\""), std::string::npos) << reply.body;
  }
  refused(ask("GET", "/data/none?acl"), 404, "NoSuchKey");
  refused(ask("GET", "/nobody?acl"), 404, "NoSuchBucket");
  refused(ask("GET", "/data/k?acl&versionId=v1"), 400, "InvalidArgument");
}

TEST_F(AccessTest, NothingIsGranted) {
  auto acl = [](const std::string& whom, const std::string& what) {
    return "<AccessControlPolicy><AccessControlList><Grant><Grantee><ID>" + whom +
           "</ID></Grantee><Permission>" + what +
           "</Permission></Grant></AccessControlList></AccessControlPolicy>";
  };
  std::string before = world_.origin().fingerprint();
  for (const char* target : {"/data?acl", "/data/k?acl"}) {
    refused(ask("PUT", target, "", {{"x-amz-acl", "public-read"}}), 400,
            "AccessControlListNotSupported");
    refused(ask("PUT", target, "", {{"x-amz-grant-read", "id=x"}}), 400,
            "AccessControlListNotSupported");
    refused(ask("PUT", target, "<AccessControlPolicy/>"), 400, "MalformedXML");
    refused(ask("PUT", target), 400, "MalformedXML");
    refused(ask("PUT", target, acl("somebody", "READ")), 400, "AccessControlListNotSupported");
    refused(ask("PUT", target, acl("forebay", "READ")), 400, "AccessControlListNotSupported");
    refused(ask("PUT", target, acl("somebody", "FULL_CONTROL"), {{"x-amz-acl", "private"}}), 400,
            "AccessControlListNotSupported");
    std::string whole = acl("forebay", "FULL_CONTROL");
    size_t list = whole.find("<AccessControlList>");
    refused(ask("PUT", target, std::string(whole).insert(list, "<Owner><ID>other</ID></Owner>")),
            400, "AccessControlListNotSupported");
    // What there is, sent back, as s3cmd does after each copy.
    EXPECT_EQ(ask("PUT", target, ask("GET", target).body).status, 200);
    EXPECT_EQ(ask("PUT", target, acl("forebay", "FULL_CONTROL")).status, 200);
    for (const char* canned : {"private", "bucket-owner-full-control"}) {
      EXPECT_EQ(ask("PUT", target, "", {{"x-amz-acl", canned}}).status, 200);
    }
  }
  refused(ask("PUT", "/data/none?acl", acl("forebay", "FULL_CONTROL")), 404, "NoSuchKey");
  refused(ask("PUT", "/nobody?acl"), 404, "NoSuchBucket");
  refused(ask("PUT", "/data/new", "bytes", {{"x-amz-acl", "public-read"}}), 400,
          "AccessControlListNotSupported");
  refused(ask("PUT", "/new", "", {{"x-amz-acl", "public-read"}}), 400,
          "AccessControlListNotSupported");
  EXPECT_EQ(world_.origin().fingerprint(), before);
  refused(ask("HEAD", "/new"), 404, "");
}

TEST_F(AccessTest, PublicAccessIsBlockedAndStaysSo) {
  auto document = [](const char* one, const char* all) {
    return "<PublicAccessBlockConfiguration><BlockPublicAcls>" + std::string(one) +
           "</BlockPublicAcls><IgnorePublicAcls>" + all + "</IgnorePublicAcls><BlockPublicPolicy>" +
           all + "</BlockPublicPolicy><RestrictPublicBuckets>" + all +
           "</RestrictPublicBuckets></PublicAccessBlockConfiguration>";
  };
  Reply reply = ask("GET", "/data?publicAccessBlock");
  EXPECT_EQ(reply.status, 200);
  for (const char* name :
       {"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"}) {
    EXPECT_EQ(reply.element(name), "true") << reply.body;
  }
  EXPECT_EQ(ask("PUT", "/data?publicAccessBlock", document("true", "true")).status, 200);
  refused(ask("PUT", "/data?publicAccessBlock", document("false", "true")), 501, "NotImplemented");
  refused(ask("PUT", "/data?publicAccessBlock", "<PublicAccessBlockConfiguration/>"), 501,
          "NotImplemented");
  for (const std::string& bad :
       {std::string(), std::string("<Other/>"), document("maybe", "true"), document("", "true"),
        std::string("<PublicAccessBlockConfiguration><More>true</More>"
                    "</PublicAccessBlockConfiguration>")}) {
    refused(ask("PUT", "/data?publicAccessBlock", bad), 400, "MalformedXML");
  }
  refused(ask("DELETE", "/data?publicAccessBlock"), 501, "NotImplemented");
}

TEST_F(AccessTest, OwnershipIsEnforcedAndStaysSo) {
  auto document = [](const std::string& kind) {
    return "<OwnershipControls><Rule><ObjectOwnership>" + kind +
           "</ObjectOwnership></Rule></OwnershipControls>";
  };
  EXPECT_EQ(ask("GET", "/data?ownershipControls").element("ObjectOwnership"),
            "BucketOwnerEnforced");
  EXPECT_EQ(ask("PUT", "/data?ownershipControls", document("BucketOwnerEnforced")).status, 200);
  refused(ask("PUT", "/data?ownershipControls", document("ObjectWriter")), 501, "NotImplemented");
  refused(ask("PUT", "/data?ownershipControls", document("Nobody")), 400, "MalformedXML");
  refused(ask("PUT", "/data?ownershipControls", "<OwnershipControls/>"), 400, "MalformedXML");
}

TEST_F(AccessTest, WhatABucketDoesNotHaveOrIs) {
  refused(ask("GET", "/data?policy"), 404, "NoSuchBucketPolicy");
  refused(ask("GET", "/data?policyStatus"), 404, "NoSuchBucketPolicy");
  refused(ask("GET", "/nobody?policy"), 404, "NoSuchBucket");
  EXPECT_EQ(ask("GET", "/data?requestPayment").element("Payer"), "BucketOwner");
  Reply versioning = ask("GET", "/data?versioning");
  EXPECT_EQ(versioning.status, 200);
  EXPECT_EQ(versioning.element("Status"), "") << versioning.body;
  EXPECT_NE(versioning.body.find("<VersioningConfiguration"), std::string::npos);
}

TEST_F(AccessTest, EncryptionIsTheOriginsAndToldAsItIs) {
  const char* name = "x-amz-server-side-encryption";
  Reply put = ask("PUT", "/data/put", "put", {{name, "AES256"}});
  EXPECT_EQ(put.status, 200);
  EXPECT_EQ(put.header(name), "AES256");
  EXPECT_EQ(ask("HEAD", "/data/put").header(name), "AES256");
  // A copy is encrypted when it is told to be, not because its source is.
  Reply plain = ask("PUT", "/data/plain", "", {{"x-amz-copy-source", "data/put"}});
  EXPECT_EQ(plain.header(name), "");
  EXPECT_EQ(ask("HEAD", "/data/plain").header(name), "");
  Reply copy = ask("PUT", "/data/k", "", {{"x-amz-copy-source", "data/k"}, {name, "AES256"}});
  EXPECT_EQ(copy.status, 200) << copy.body;
  EXPECT_EQ(copy.header(name), "AES256");
  EXPECT_EQ(ask("HEAD", "/data/k").header("content-type"), "text/x");
  EXPECT_EQ(ask("PUT", "/data/put", "put").header(name), "");
  std::string id = ask("POST", "/data/parts?uploads", "", {{name, "AES256"}}).element("UploadId");
  Reply part = ask("PUT", "/data/parts?partNumber=1&uploadId=" + id, "part");
  Reply done = ask("POST", "/data/parts?uploadId=" + id,
                   "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" +
                       part.header("etag") + "</ETag></Part></CompleteMultipartUpload>");
  EXPECT_EQ(done.header(name), "AES256") << done.body;
  refused(ask("PUT", "/data/put", "put", {{name, "aws:kms"}}), 501, "NotImplemented");
  refused(ask("PUT", "/data/put", "put", {{name, "aes256"}}), 501, "NotImplemented");
}

// Names of a byte each fit into 2 KiB by the hundreds, in a URL too.
TEST_F(AccessTest, FieldsOfAnObjectAreBoundedInNumber) {
  auto put = [&](size_t fields) {
    std::string target = "/data/many?x-amz-meta-0=v";
    for (size_t i = 1; i < fields; ++i) target += "&x-amz-meta-" + std::to_string(i) + "=v";
    return ask("PUT", target, "bytes");
  };
  EXPECT_EQ(put(kMaxFields).status, 200);
  refused(put(kMaxFields + 1), 400, "MetadataTooLarge");
  EXPECT_EQ(ask("HEAD", "/data/many").header("x-amz-meta-99"), "v");
}

TEST_F(AccessTest, AttributesOfAnObject) {
  std::string sha = sum(ChecksumKind::sha256, "put");
  ASSERT_EQ(ask("PUT", "/data/put", "put",
                {{"x-amz-checksum-sha256", sha}, {"x-amz-storage-class", "STANDARD_IA"}})
                .status,
            200);
  auto attributes = [&](const std::string& key, const std::string& names) {
    return ask("GET", "/data/" + key + "?attributes", "", {{"x-amz-object-attributes", names}});
  };
  Reply all = attributes("put", "ETag,Checksum, ObjectParts,StorageClass,ObjectSize");
  ASSERT_EQ(all.status, 200) << all.body;
  EXPECT_EQ(all.element("ETag"), to_hex(as_bytes(raw_sum(ChecksumKind::md5, "put"))));
  EXPECT_EQ(all.element("ChecksumSHA256"), sha);
  EXPECT_EQ(all.element("ChecksumType"), "FULL_OBJECT");
  EXPECT_EQ(all.element("StorageClass"), "STANDARD_IA");
  EXPECT_EQ(all.element("ObjectSize"), "3");
  EXPECT_EQ(all.body.find("ObjectParts"), std::string::npos);
  EXPECT_NE(all.header("last-modified"), "");
  Reply one = attributes("k", "ObjectSize");
  EXPECT_EQ(one.element("ObjectSize"), "5");
  EXPECT_EQ(one.body.find("ETag"), std::string::npos);
  EXPECT_EQ(attributes("k", "StorageClass").element("StorageClass"), "STANDARD");
  world_.origin().change_parts("parts", {std::string(5 << 20, 'a'), "b", "c"});
  EXPECT_EQ(attributes("parts", "ObjectParts").element("PartsCount"), "3");
  refused(attributes("k", "ETag,Color"), 400, "InvalidArgument");
  refused(attributes("k", ""), 400, "InvalidRequest");
  refused(ask("GET", "/data/k?attributes"), 400, "InvalidRequest");
  refused(attributes("none", "ETag"), 404, "NoSuchKey");
}

}  // namespace
}  // namespace forebay::gateway::s3
