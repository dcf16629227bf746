#include "sign/sigv4.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "sign/botocore_test.h"
#include "sign/raw_request_test.h"
#include "sign/replaced_test.h"

namespace forebay::sign {
namespace {

// The examples of the S3 API reference, "Authenticating Requests (AWS Signature Version 4)".
const Secret kAwsSecret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
const WallTime kAwsTime = *parse_amz_date("20130524T000000Z");
constexpr std::string_view kScope = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";
constexpr std::string_view kEmpty =
    "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n";

// "ok", or the S3 error code.
std::string outcome(const RequestView& request, const Secret& secret, WallTime now) {
  auto claim = parse(request);
  if (!claim) return claim.error().detail();
  if (!*claim) return "anonymous";
  auto verified = verify(**claim, request, derive_key(secret, (*claim)->scope), now);
  return verified ? "ok" : verified.error().detail();
}
std::string outcome(std::string_view raw, WallTime now = kAwsTime) {
  return outcome(RawRequest(raw), kAwsSecret, now);
}

// A GET of the AWS examples; `names` are the signed headers.
std::string aws_get(std::string_view target, std::string_view headers, std::string_view names,
                    std::string_view signature) {
  std::string raw = "GET " + std::string(target) + " HTTP/1.1\n";
  raw += "Host: examplebucket.s3.amazonaws.com\nx-amz-date: 20130524T000000Z\n";
  raw += headers;
  raw += "Authorization: AWS4-HMAC-SHA256 Credential=" + std::string(kScope) +
         ",SignedHeaders=" + std::string(names) + ",Signature=" + std::string(signature) + "\n";
  return raw;
}

std::string good_get() {
  return aws_get("/test.txt", "Range: bytes=0-9\n" + std::string(kEmpty),
                 "host;range;x-amz-content-sha256;x-amz-date",
                 "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(Sigv4, ReadsTheDateHeaderInItsForms) {
  auto stamp = [](std::string_view date) -> std::string {
    RawRequest request("GET / HTTP/1.1\nHost: h\nDate: " + std::string(date) + "\n" +
                       std::string(kEmpty) + "Authorization: AWS4-HMAC-SHA256 Credential=" +
                       std::string(kScope) + ",SignedHeaders=date;host,Signature=0\n");
    auto claim = parse(request);
    return claim ? std::string((**claim).timestamp_text()) : claim.error().detail();
  };
  EXPECT_EQ(stamp("Fri, 24 May 2013 01:02:03 GMT"), "20130524T010203Z");
  EXPECT_EQ(stamp("Fri, 24 May 2013 01:02:03 +0000"), "20130524T010203Z");
  EXPECT_EQ(stamp("20130524T010203Z"), "20130524T010203Z");
  EXPECT_EQ(stamp("Fri, 24 May 2013 01:02:03 +0200"), "AccessDenied");
  EXPECT_EQ(stamp("Fri, 24 May 2013 01:02:03 +0000 GMT"), "AccessDenied");
}

TEST(Sigv4, VerifiesTheExamplesOfTheS3Reference) {
  EXPECT_EQ(outcome(good_get()), "ok");
  EXPECT_EQ(outcome("PUT /test$file.text HTTP/1.1\n"
                    "Host: examplebucket.s3.amazonaws.com\n"
                    "Date: Fri, 24 May 2013 00:00:00 GMT\n"
                    "x-amz-date: 20130524T000000Z\n"
                    "x-amz-storage-class: REDUCED_REDUNDANCY\n"
                    "x-amz-content-sha256: "
                    "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072\n"
                    "Content-Length: 22\n"
                    "Authorization: AWS4-HMAC-SHA256 "
                    "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                    "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,"
                    "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
            "ok");
  EXPECT_EQ(outcome(aws_get("/?lifecycle", kEmpty, "host;x-amz-content-sha256;x-amz-date",
                            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")),
            "ok");
  EXPECT_EQ(outcome(aws_get("/?max-keys=2&prefix=J", kEmpty, "host;x-amz-content-sha256;x-amz-date",
                            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")),
            "ok");
}

const std::string kPresigned =
    "GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F"
    "20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&"
    "X-Amz-SignedHeaders=host&X-Amz-Signature="
    "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 HTTP/1.1\n"
    "Host: examplebucket.s3.amazonaws.com\n";

TEST(Sigv4, VerifiesThePresignedExampleForItsWholeLife) {
  const int64_t second = 1'000'000'000;
  EXPECT_EQ(outcome(kPresigned), "ok");
  EXPECT_EQ(outcome(kPresigned, {kAwsTime.ns + 86400 * second}), "ok");
  EXPECT_EQ(outcome(kPresigned, {kAwsTime.ns + 86400 * second + 1}), "AccessDenied");
  EXPECT_EQ(outcome(kPresigned, {kAwsTime.ns - 900 * second}), "ok");
  EXPECT_EQ(outcome(kPresigned, {kAwsTime.ns - 900 * second - 1}), "AccessDenied");
}

TEST(Sigv4, VerifiesWhatBotocoreSigns) {
  Secret secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
  WallTime now = *parse_amz_date("20260102T030405Z");
  for (const BotocoreVector& vector : kBotocoreVectors) {
    RawRequest request(vector.raw);
    EXPECT_EQ(outcome(request, secret, now), "ok") << vector.name;
    EXPECT_EQ(outcome(request, Secret("another"), now), "SignatureDoesNotMatch") << vector.name;
    RawRequest other_method("POST" + std::string(vector.raw.substr(vector.raw.find(' '))));
    EXPECT_EQ(outcome(other_method, secret, now), "SignatureDoesNotMatch") << vector.name;
  }
}

// As curl 7.88.1 sent them with --aws-sigv4 aws:amz:us-east-1:s3 -u AK:SK. It signs the path and
// the query as typed, and no x-amz-content-sha256 of its own.
TEST(Sigv4, VerifiesWhatCurlSigns) {
  Secret secret("SK");
  RawRequest get(
      "GET /b/k(1)%20x?prefix=a/b&delimiter=/&acl HTTP/1.1\nHost: 127.0.0.1:44269\n"
      "Authorization: AWS4-HMAC-SHA256 Credential=AK/20261121/us-east-1/s3/aws4_request, "
      "SignedHeaders=host;x-amz-date, "
      "Signature=b49d5470cde31c732f0479a005c526847ef0a5d159668a79bae1eda9c98877b0\n"
      "X-Amz-Date: 20261121T213551Z\nUser-Agent: curl/7.88.1\nAccept: */*\n");
  WallTime now = *parse_amz_date("20261121T213551Z");
  EXPECT_EQ(outcome(get, secret, now), "ok");
  EXPECT_EQ((*parse(get))->payload.sha256, Sha256::of({}));

  std::string put =
      "PUT /b/k HTTP/1.1\nHost: 127.0.0.1:44269\n"
      "Authorization: AWS4-HMAC-SHA256 Credential=AK/20261121/us-east-1/s3/aws4_request, "
      "SignedHeaders=host;x-amz-date, "
      "Signature=0062d3a7e04766b1980150197b1cbc3f56819985f3d0240a89ed46105d720a23\n"
      "X-Amz-Date: 20261121T213552Z\nUser-Agent: curl/7.88.1\nAccept: */*\n"
      "Content-Length: 10\nExpect: 100-continue\n";
  EXPECT_EQ(outcome(RawRequest(put), secret, now), "InvalidRequest");
  EXPECT_EQ(outcome(RawRequest(replaced(put, "Content-Length: 10", "Transfer-Encoding: chunked")),
                    secret, now),
            "InvalidRequest");
  EXPECT_EQ(outcome(RawRequest(replaced(put, "Length: 10", "Length: 0")), secret, now), "ok");
}

TEST(Sigv4, CurlWithAContentHashAndCollapsedBlanks) {
  RawRequest put(
      "PUT /b/k HTTP/1.1\nHost: 127.0.0.1:44269\n"
      "Authorization: AWS4-HMAC-SHA256 Credential=AK/20261121/us-east-1/s3/aws4_request, "
      "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-meta-a, "
      "Signature=9e7e20c98dceba9e4ecfc7a4d366585f1e52850b1d8f37c4e25984659a7072b3\n"
      "X-Amz-Date: 20261121T213556Z\nUser-Agent: curl/7.88.1\nAccept: */*\n"
      "x-amz-content-sha256: UNSIGNED-PAYLOAD\nx-amz-meta-a:  b  c\nContent-Length: 5\n"
      "Content-Type: application/x-www-form-urlencoded\n");
  EXPECT_EQ(outcome(put, Secret("SK"), *parse_amz_date("20261121T213556Z")), "ok");
}

TEST(Sigv4, AnyChangeOfWhatIsSignedIsRefused) {
  EXPECT_EQ(outcome(replaced(good_get(), "GET", "PUT")), "SignatureDoesNotMatch");
  EXPECT_EQ(outcome(replaced(good_get(), "/test.txt", "/test.tx")), "SignatureDoesNotMatch");
  EXPECT_EQ(outcome(replaced(good_get(), "/test.txt", "/test.txt?a=b")), "SignatureDoesNotMatch");
  EXPECT_EQ(outcome(replaced(good_get(), "bytes=0-9", "bytes=0-8")), "SignatureDoesNotMatch");
  EXPECT_EQ(outcome(replaced(good_get(), "examplebucket.s3", "other.s3")), "SignatureDoesNotMatch");
  EXPECT_EQ(outcome(replaced(good_get(), "us-east-1", "us-west-2")), "SignatureDoesNotMatch");
  EXPECT_EQ(outcome(replaced(good_get(), "T000000Z", "T000001Z")), "SignatureDoesNotMatch");
  EXPECT_EQ(outcome(replaced(good_get(), "36bdb41", "36bdb42")), "SignatureDoesNotMatch");
  EXPECT_EQ(outcome(replaced(good_get(), "36bdb41", "36bdb4")), "SignatureDoesNotMatch");
  EXPECT_EQ(outcome(replaced(good_get(), "=f0e8bdb", "=F0E8BDB")), "SignatureDoesNotMatch");
}

TEST(Sigv4, SpellingsOfOneHeaderAreEqual) {
  EXPECT_EQ(outcome(replaced(good_get(), "Range: bytes", "RANGE:\t  bytes")), "ok");
  EXPECT_EQ(outcome(replaced(good_get(), "HTTP/1.1\n", "HTTP/1.1\nX-Other: unsigned\n")), "ok");
}

TEST(Sigv4, RepeatedHeadersAreJoinedInOrder) {
  RawRequest request(
      "GET /a HTTP/1.1\nHost: h\nX-Amz-Meta-A: 1\nx-amz-date: 20130524T000000Z\n" +
      std::string(kEmpty) + "x-amz-meta-a:  2  3\nX-AMZ-META-B:\n" +
      "Authorization: AWS4-HMAC-SHA256 Credential=" + std::string(kScope) +
      ", SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-meta-b, "
      "Signature=0\n");
  Explanation explanation = explain(**parse(request), request);
  EXPECT_EQ(explanation.canonical_request,
            "GET\n/a\n\nhost:h\nx-amz-content-sha256:" + std::string(kEmptySha256) +
                "\nx-amz-date:20130524T000000Z\nx-amz-meta-a:1,2 3\nx-amz-meta-b:\n\n"
                "host;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-meta-b\n" +
                std::string(kEmptySha256));
  EXPECT_EQ(explanation.string_to_sign.substr(0, 69),
            "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n");
}

std::string canonical_target(std::string_view target) {
  RawRequest request(aws_get(target, kEmpty, "host", "0"));
  std::string text = explain(**parse(request), request).canonical_request;
  size_t start = text.find('\n') + 1;
  return text.substr(start, text.find("\nhost:") - start);
}

TEST(Sigv4, CanonicalPathAndQuery) {
  EXPECT_EQ(canonical_target("/"), "/\n");
  EXPECT_EQ(canonical_target(""), "/\n");
  EXPECT_EQ(canonical_target("//a/../b//"), "//a/../b//\n");
  EXPECT_EQ(canonical_target("/a+b(c)=d"), "/a%2Bb%28c%29%3Dd\n");
  EXPECT_EQ(canonical_target("/%c3%bc%7E%41%2f"), "/%C3%BC~A/\n");
  EXPECT_EQ(canonical_target("/50%"), "/50%25\n");
  EXPECT_EQ(canonical_target("/50%zz%4"), "/50%25zz%254\n");
  EXPECT_EQ(canonical_target("/a?uploads"), "/a\nuploads=");
  EXPECT_EQ(canonical_target("/a?b=2&a=1&&b=1&B=3"), "/a\nB=3&a=1&b=1&b=2");
  EXPECT_EQ(canonical_target("/a?a-b=1&a=2"), "/a\na=2&a-b=1");
  EXPECT_EQ(canonical_target("/a?p=x/y+z%20w=1"), "/a\np=x%2Fy%20z%20w%3D1");
  EXPECT_EQ(canonical_target("/a?=v&n="), "/a\n=v&n=");
}

TEST(Sigv4, HeaderFormErrorsAreThoseOfS3) {
  auto bad = [](std::string_view what, std::string_view with) {
    return outcome(replaced(good_get(), what, with));
  };
  constexpr std::string_view kMalformed = "AuthorizationHeaderMalformed";
  EXPECT_EQ(bad("Credential=", "Credentials="), kMalformed);
  EXPECT_EQ(bad(",SignedHeaders=", ",SignedHeader="), kMalformed);
  EXPECT_EQ(bad(",Signature=", ",Sig="), kMalformed);
  EXPECT_EQ(bad("host;range;x-amz-content-sha256;x-amz-date", ""), kMalformed);
  EXPECT_EQ(bad("/s3/aws4_request", "/aws4_request"), kMalformed);
  EXPECT_EQ(bad("/us-east-1/", "//"), kMalformed);
  EXPECT_EQ(bad("/s3/", "/ec2/"), kMalformed);
  EXPECT_EQ(bad("aws4_request", "aws4_reques"), kMalformed);
  EXPECT_EQ(bad("/20130524/", "/2013052a/"), kMalformed);
  EXPECT_EQ(bad("/20130524/", "/20130525/"), kMalformed);
  EXPECT_EQ(bad("us-east-1", std::string(600, 'r')), kMalformed);
  EXPECT_EQ(bad("AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request", "/"), kMalformed);
  EXPECT_EQ(bad("AKIAIOSFODNN7EXAMPLE", ""), kMalformed);
  EXPECT_EQ(bad("x-amz-date: 20130524T000000Z\n", ""), "AccessDenied");
  EXPECT_EQ(bad("x-amz-date: 20130524T", "x-amz-date: 20130524 "), "AccessDenied");
  EXPECT_EQ(bad("AWS4-HMAC-SHA256 ", "Bearer "), "InvalidArgument");
  EXPECT_EQ(bad("AWS4-HMAC-SHA256 ", "AWS4-ECDSA-P256-SHA256 "), "NotImplemented");
  EXPECT_EQ(bad("sha256: e3b0", "sha256: x3b0"), "InvalidArgument");
  EXPECT_EQ(bad("range;x-amz-content", "x-amz-content"), "SignatureDoesNotMatch");
  EXPECT_EQ(bad("host;", ""), "AccessDenied");
  EXPECT_EQ(bad("host;", "host;host;"), "SignatureDoesNotMatch");
  EXPECT_EQ(bad("host;range", "host;if-match;range"), "SignatureDoesNotMatch");
  EXPECT_EQ(bad("Range:", "x-amz-copy-source: /b/k\nRange:"), "AccessDenied");
}

TEST(Sigv4, ClockSkewIsRefusedBeyondFifteenMinutes) {
  EXPECT_EQ(outcome(good_get(), {kAwsTime.ns + kMaxSkew.ns}), "ok");
  EXPECT_EQ(outcome(good_get(), {kAwsTime.ns + kMaxSkew.ns + 1}), "RequestTimeTooSkewed");
  EXPECT_EQ(outcome(good_get(), {kAwsTime.ns - kMaxSkew.ns}), "ok");
  EXPECT_EQ(outcome(good_get(), {kAwsTime.ns - kMaxSkew.ns - 1}), "RequestTimeTooSkewed");
}

TEST(Sigv4, SignatureVersion2IsRefusedByName) {
  auto claim =
      parse(RawRequest("GET /b/k HTTP/1.1\nHost: h\nAuthorization: AWS AKID:c2lnbmF0dXJl\n"));
  ASSERT_FALSE(claim);
  EXPECT_EQ(claim.error().detail(), "InvalidRequest");
  EXPECT_NE(claim.error().text().find("AWS4-HMAC-SHA256"), std::string::npos);
  EXPECT_EQ(outcome("GET /b?AWSAccessKeyId=A&Expires=1&Signature=x HTTP/1.1\nHost: h\n"),
            "InvalidRequest");
}

TEST(Sigv4, AnonymousAndDoubleMechanisms) {
  EXPECT_EQ(outcome("GET /b/k?versions HTTP/1.1\nHost: h\n"), "anonymous");
  EXPECT_EQ(outcome("GET /b/k HTTP/1.1\nHost: h\nAuthorization: \n"), "anonymous");
  EXPECT_EQ(outcome(replaced(good_get(), "/test.txt", "/test.txt?X-Amz-Signature=0")),
            "InvalidArgument");
  EXPECT_EQ(outcome(replaced(good_get(), "/test.txt", "/test.txt?Signature=0")), "InvalidArgument");
}

TEST(Sigv4, QueryFormErrorsAreThoseOfS3) {
  auto bad = [](std::string_view what, std::string_view with) {
    return outcome(replaced(kPresigned, what, with));
  };
  constexpr std::string_view kMalformed = "AuthorizationQueryParametersError";
  for (std::string_view name : {"Algorithm", "Credential", "Date", "Expires", "SignedHeaders"}) {
    EXPECT_EQ(bad("X-Amz-" + std::string(name) + "=", "X-Amz-Other="), kMalformed) << name;
  }
  EXPECT_EQ(bad("X-Amz-Signature=", "Y="), kMalformed);
  EXPECT_EQ(bad("=AWS4-HMAC-SHA256", "=AWS4-HMAC-SHA1"), kMalformed);
  EXPECT_EQ(bad("=AWS4-HMAC-SHA256", "=AWS4-ECDSA-P256-SHA256"), "NotImplemented");
  EXPECT_EQ(bad("%2Fs3%2F", "%2Fec2%2F"), kMalformed);
  EXPECT_EQ(bad("=20130524T000000Z", "=20130524T0000000"), kMalformed);
  EXPECT_EQ(bad("=20130524T000000Z", "=20130525T000000Z"), kMalformed);
  EXPECT_EQ(bad("Expires=86400", "Expires=-1"), kMalformed);
  EXPECT_EQ(bad("Expires=86400", "Expires=1h"), kMalformed);
  EXPECT_EQ(bad("Expires=86400", "Expires=604801"), kMalformed);
  EXPECT_EQ(bad("Expires=86400", "Expires=99999999999999999999"), kMalformed);
  EXPECT_EQ(bad("Expires=86400", "Expires=604800"), "SignatureDoesNotMatch");
  EXPECT_EQ(bad("SignedHeaders=host", "SignedHeaders=hos"), "SignatureDoesNotMatch");
  EXPECT_EQ(bad("d404", "d405"), "SignatureDoesNotMatch");
  EXPECT_EQ(bad("Host:", "x-amz-acl: public-read\nHost:"), "AccessDenied");
  EXPECT_EQ(bad("Host:", "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\nHost:"),
            "InvalidRequest");
}

TEST(Sigv4, PresignedPayloadComesFromTheUrlAndTheHeader) {
  auto payload = [](std::string_view parameter, std::string_view header) {
    RawRequest request(
        replaced(replaced(kPresigned, "&X-Amz-Date", std::string(parameter) + "&X-Amz-Date"),
                 "Host:", std::string(header) + "Host:"));
    auto claim = parse(request);
    EXPECT_TRUE(claim) << claim.error().text();
    return (*claim)->payload.kind;
  };
  std::string hash = "&X-Amz-Content-Sha256=" + std::string(kEmptySha256);
  EXPECT_EQ(payload("", ""), PayloadKind::unsigned_body);
  EXPECT_EQ(payload("", "x-amz-content-sha256: UNSIGNED-PAYLOAD\n"), PayloadKind::unsigned_body);
  EXPECT_EQ(payload("", "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\n"),
            PayloadKind::streaming_unsigned_trailer);
  EXPECT_EQ(payload("", kEmpty), PayloadKind::hash);
  EXPECT_EQ(payload(hash, ""), PayloadKind::hash);
  EXPECT_EQ(payload(hash, "x-amz-content-sha256: UNSIGNED-PAYLOAD\n"), PayloadKind::hash);
}

TEST(Sigv4, TheDateHeaderStandsInForXAmzDate) {
  auto date_only = [](std::string_view date) {
    RawRequest request(
        replaced(good_get(), "x-amz-date: 20130524T000000Z", "Date: " + std::string(date)));
    auto claim = parse(request);
    return claim ? std::string((*claim)->timestamp_text()) : claim.error().detail();
  };
  EXPECT_EQ(date_only("Fri, 24 May 2013 00:00:00 GMT"), "20130524T000000Z");
  EXPECT_EQ(date_only("20130524T000000Z"), "20130524T000000Z");
  EXPECT_EQ(date_only("Friday"), "AccessDenied");
}

TEST(Sigv4, AccessKeysMayHaveSlashesAndColons) {
  RawRequest request(replaced(good_get(), "AKIAIOSFODNN7EXAMPLE", "test:a/b"));
  auto claim = parse(request);
  ASSERT_TRUE(claim);
  EXPECT_EQ((*claim)->access_key, "test:a/b");
  EXPECT_EQ((*claim)->scope.region, "us-east-1");
  EXPECT_EQ((*claim)->scope_text, "20130524/us-east-1/s3/aws4_request");
}

TEST(Sigv4, ClaimsSurviveBeingMoved) {
  RawRequest request(kPresigned);
  auto parsed = parse(request);
  ASSERT_TRUE(parsed);
  Claim moved = std::move(**parsed);
  parsed->reset();
  EXPECT_EQ(moved.access_key, "AKIAIOSFODNN7EXAMPLE");
  EXPECT_TRUE(verify(moved, request, derive_key(kAwsSecret, moved.scope), kAwsTime));
}

TEST(Sigv4, LimitsOfHeadersAndParameters) {
  auto with_headers = [](size_t count) {
    std::string raw = good_get();  // five headers
    for (size_t i = 5; i < count; ++i) raw += "H: v\n";
    return outcome(raw);
  };
  EXPECT_EQ(with_headers(kMaxHeaders), "ok");
  EXPECT_EQ(with_headers(kMaxHeaders + 1), "InvalidRequest");
  auto with_parameters = [](size_t count) {
    std::string query;
    for (size_t i = 0; i < count; ++i) query += "a=b&";
    return outcome(replaced(good_get(), "/test.txt", "/test.txt?" + query));
  };
  EXPECT_EQ(with_parameters(kMaxParameters), "SignatureDoesNotMatch");
  EXPECT_EQ(with_parameters(kMaxParameters + 1), "InvalidRequest");
  auto with_names = [](size_t count) {
    std::string names = "host";
    for (size_t i = 1; i < count; ++i) names += ";a";
    return outcome(replaced(good_get(), "host;range;x-amz-content-sha256;x-amz-date", names));
  };
  EXPECT_EQ(with_names(kMaxHeaders), "SignatureDoesNotMatch");
  EXPECT_EQ(with_names(kMaxHeaders + 1), "InvalidRequest");
}

TEST(Sigv4, DatesOutsideTheClockAreRefused) {
  EXPECT_EQ(
      outcome(replaced(replaced(good_get(), "20130524T", "99991231T"), "/20130524/", "/99991231/")),
      "AccessDenied");
}

}  // namespace
}  // namespace forebay::sign
