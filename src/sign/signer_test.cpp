#include "sign/signer.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "sign/raw_request_test.h"
#include "sign/sigv4.h"

namespace forebay::sign {
namespace {

const WallTime kNow = *parse_amz_date("20130524T000000Z");

Credentials aws_credentials() {
  return {"AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")};
}

// The request as the server gets it: its own headers and what signing adds.
Result<> served(const RequestView& request, const Signed& signed_request, const Credentials& who) {
  std::vector<Header> headers(request.headers.begin(), request.headers.end());
  for (const auto& [name, value] : signed_request.headers()) headers.push_back({name, value});
  RequestView view = request;
  view.headers = headers;
  auto claim = parse(view);
  if (!claim) return claim.error();
  EXPECT_TRUE(*claim);
  EXPECT_EQ((*claim)->session_token, who.session_token);
  return verify(**claim, view, derive_key(who.secret, (*claim)->scope), kNow);
}

TEST(Signer, SignsTheExamplesOfTheS3Reference) {
  Signer signer(aws_credentials(), "us-east-1");
  RawRequest get("GET /test.txt HTTP/1.1\nHost: examplebucket.s3.amazonaws.com\nRange: bytes=0-9");
  EXPECT_EQ(signer.sign(get, Body::empty(), kNow).signature_text(),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  RawRequest put(
      "PUT /test%24file.text HTTP/1.1\nHost: examplebucket.s3.amazonaws.com\n"
      "Date: Fri, 24 May 2013 00:00:00 GMT\nx-amz-storage-class: REDUCED_REDUNDANCY\n");
  Body body = Body::hashed(Sha256::of(as_bytes("Welcome to Amazon S3.")));
  EXPECT_EQ(signer.sign(put, body, kNow).signature_text(),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(Signer, SignsTheChunkedExamples) {
  Signer signer(aws_credentials(), "us-east-1");
  // The trailer example; the one without trailers also signs content-length.
  RawRequest put(
      "PUT /examplebucket/chunkObject.txt HTTP/1.1\nHost: s3.amazonaws.com\n"
      "x-amz-storage-class: REDUCED_REDUNDANCY\nContent-Encoding: aws-chunked\n"
      "x-amz-decoded-content-length: 66560\nx-amz-trailer: x-amz-checksum-crc32c\n"
      "Content-Length: 66824\n");
  Body body = Body::chunked(PayloadKind::streaming_signed_trailer);
  EXPECT_EQ(signer.sign(put, body, kNow).signature_text(),
            "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e");
  EXPECT_EQ(signer.scope_text(kNow), "20130524/us-east-1/s3/aws4_request");
}

TEST(Signer, PresignsTheExampleOfTheS3Reference) {
  Signer signer(aws_credentials(), "us-east-1");
  RawRequest get("GET /test.txt HTTP/1.1\nHost: examplebucket.s3.amazonaws.com\n");
  EXPECT_EQ(signer.presign(get, kNow, seconds(86400)),
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
            "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&"
            "X-Amz-SignedHeaders=host&X-Amz-Signature="
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(Signer, WhatItSignsIsVerified) {
  Credentials who{"key", Secret("secret"), "session+token/=="};
  Signer signer(who, "any-region");
  for (std::string_view target :
       {"/", "/b/k", "/b/a%20b%2B%C3%BC//../x", "/b?uploads", "/b?prefix=a%2Fb&list-type=2&x="}) {
    for (const Body& body :
         {Body::empty(), Body::not_signed(), Body::hashed(Sha256::of(as_bytes("x"))),
          Body::chunked(PayloadKind::streaming_unsigned_trailer)}) {
      RawRequest request("PUT " + std::string(target) +
                         " HTTP/1.1\nHost: h:9000\nContent-Type: a/b\nx-amz-meta-b:  1   2\n"
                         "x-amz-meta-b: 3\nUser-Agent: us\nExpect: 100-continue\n");
      Signed signed_request = signer.sign(request, body, kNow);
      auto result = served(request, signed_request, who);
      EXPECT_TRUE(result) << target << " " << body.text() << ": " << result.error().text();
    }
  }
}

TEST(Signer, PresignedUrlsAreVerified) {
  Credentials who{"key", Secret("secret"), "session+token/=="};
  Signer signer(who, "any-region");
  RawRequest request("GET /b/k?response-content-type=a%2Fb&partNumber=2 HTTP/1.1\nHost: h:9000\n");
  for (int64_t life : {int64_t{1}, int64_t{604800}}) {
    std::string query = signer.presign(request, kNow, seconds(life));
    RequestView view = request;
    view.query = query;
    auto claim = parse(view);
    ASSERT_TRUE(claim) << claim.error().text();
    EXPECT_EQ((*claim)->expires, seconds(life));
    EXPECT_EQ((*claim)->session_token, who.session_token);
    EXPECT_TRUE(verify(**claim, view, derive_key(who.secret, (*claim)->scope), kNow));
  }
}

TEST(Signer, LeavesOutWhatTheWayChanges) {
  Signer signer(aws_credentials(), "r");
  RawRequest request(
      "GET / HTTP/1.1\nhost: h\nConnection: close\nTE: x\nAccept-Encoding: gzip\n"
      "Content-Length: 3\nIf-Match: e\n");
  Signed signed_request = signer.sign(request, Body::not_signed(), kNow);
  EXPECT_NE(signed_request.authorization.find(
                "SignedHeaders=host;if-match;x-amz-content-sha256;x-amz-date,"),
            std::string::npos);
  EXPECT_EQ(signed_request.headers().back().name, "authorization");
}

TEST(Signer, KeepsItsKeyForTheDay) {
  Signer signer(aws_credentials(), "us-east-1");
  WallTime next_day{kNow.ns + 86400 * int64_t{1'000'000'000}};
  auto proof = [](const HmacKey& key) { return key.sign(as_bytes("m")); };
  EXPECT_EQ(proof(signer.key(kNow)), proof(signer.key({next_day.ns - 1})));
  EXPECT_NE(proof(signer.key(kNow)), proof(signer.key(next_day)));
}

TEST(SignerDeath, RefusesMisuse) {
  Signer signer(aws_credentials(), "r");
  RawRequest no_host("GET / HTTP/1.1\n");
  RawRequest good("GET / HTTP/1.1\nHost: h\n");
  EXPECT_DEATH(signer.sign(no_host, Body::empty(), kNow), "host");
  EXPECT_DEATH(signer.presign(good, kNow, seconds(0)), "7 days");
  EXPECT_DEATH(signer.presign(good, kNow, kMaxExpires + seconds(1)), "7 days");
  EXPECT_DEATH(Body::chunked(PayloadKind::hash), "streaming");
}

}  // namespace
}  // namespace forebay::sign
