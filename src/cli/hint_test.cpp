#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/run.h"

namespace forebay::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Refusals, AnOriginsRefusalAsksForTheOriginsKeys) {
  Error origin = fail(Code::denied, "GET at the origin: the origin answered 403", "AccessDenied");
  EXPECT_THAT(hint(origin), HasSubstr("FOREBAY_ORIGIN_ACCESS_KEY"));
  EXPECT_THAT(hint(origin), HasSubstr("--origin-profile"));
  Error hidden = fail(Code::denied, "The bucket's origin denied access.", "AccessDenied");
  EXPECT_THAT(hint(hidden), HasSubstr("FOREBAY_ORIGIN_ACCESS_KEY"));
  Error ours = fail(Code::denied, "s3://b/k: Access Denied (AccessDenied)", "AccessDenied");
  EXPECT_THAT(hint(ours), HasSubstr("forebay --help"));
  EXPECT_THAT(hint(ours), Not(HasSubstr("ORIGIN")));
  EXPECT_THAT(hint(fail(Code::denied, "x (InvalidAccessKeyId)", "InvalidAccessKeyId")),
              HasSubstr("--data DIR"));
  EXPECT_THAT(hint(fail(Code::unavailable, "TLS handshake: wrong version number")),
              HasSubstr("http://HOST:PORT"));
  EXPECT_THAT(hint(fail(Code::unavailable, "the server ended without a response")),
              HasSubstr("https://HOST:PORT"));
  EXPECT_EQ(hint(fail(Code::unavailable, "write to standard output: Broken pipe")), "");
  EXPECT_THAT(hint(fail(Code::unavailable, "connect to h:1: refused")), HasSubstr("--admin"));
  EXPECT_EQ(hint(fail(Code::unavailable, "GET at the origin: connect to h:1: refused")), "");
  EXPECT_EQ(hint(fail(Code::not_found, "no such object")), "");
  EXPECT_EQ(hint(usage("'x' names no object")), "");
}

TEST(Refusals, AnOriginThatIsSaidWronglyGetsItsOwnWord) {
  auto denied = [](const std::string& word) {
    return hint(fail(Code::denied, "the origin answered 403 " + word + ": no", "AccessDenied"));
  };
  EXPECT_THAT(denied("SignatureDoesNotMatch"), HasSubstr("the secret is not its"));
  EXPECT_THAT(denied("InvalidAccessKeyId"), HasSubstr("does not know this access key"));
  EXPECT_THAT(denied("AccessDenied"), HasSubstr("bucket set NAME --origin-access-key"));
  auto broken = [](const std::string& why) {
    return hint(fail(Code::busy, "GET at the origin: connect to h:1: " + why));
  };
  EXPECT_THAT(broken("TLS handshake: wrong version number"), HasSubstr("endpoint=http://"));
  EXPECT_THAT(broken("the server ended without a response"), HasSubstr("endpoint=https://"));
  for (const char* text : {"the origin answered 404", "bucket b: the origin answered 400",
                           "the origin's answer is not a ListBucketResult"}) {
    EXPECT_TRUE(is_no_s3(text)) << text;
    EXPECT_THAT(hint(fail(Code::invalid, text)), HasSubstr("wants the S3 port")) << text;
  }
  for (const char* text : {"the origin answered 404 NoSuchBucket", "the origin answered 503", "",
                           "the origin answered 4"}) {
    EXPECT_FALSE(is_no_s3(text)) << text;
  }
}

TEST(Refusals, WhatHelpsIsSaid) {
  struct Case {
    Error error;
    const char* advice;
  };
  Case cases[] = {
      {fail(Code::conflict, "You must delete all versions in the bucket.", "BucketNotEmpty"),
       "object_versions.delete()"},
      {fail(Code::conflict, "The bucket you tried to delete is not empty", "BucketNotEmpty"),
       "forebay rm -r NAME"},
      {fail(Code::denied, "too full", "QuotaExceeded"), "--max-bytes SIZE"},
      {fail(Code::not_found, "there is no job 99", "NoSuchJob"), "forebay job ls"},
      {fail(Code::busy, "Service is unable to handle request.", "ServiceUnavailable"),
       "its log and 'forebay status' tell why"},
      {fail(Code::not_found, "--origin-profile x: open /h/.aws/credentials: No such file"),
       "AWS_SHARED_CREDENTIALS_FILE"},
      {fail(Code::not_found, "--origin-profile x: /h/.aws/credentials: no profile 'x'"),
       "AWS_SHARED_CREDENTIALS_FILE"},
      {fail(Code::invalid, "open /h/folder: Is a directory"), "aws s3 cp --recursive"},
      {fail(Code::invalid, "the answer is not a ListAllMyBucketsResult"), "--s3 (FOREBAY_S3)"},
      {fail(Code::unavailable, "TLS certificate: self-signed certificate"), "--ca-bundle FILE"},
      {fail(Code::not_found, "open /x/credentials: No such file or directory"), "--data DIR"},
  };
  for (const Case& one : cases) EXPECT_THAT(hint(one.error), HasSubstr(one.advice));
}

}  // namespace
}  // namespace forebay::cli
