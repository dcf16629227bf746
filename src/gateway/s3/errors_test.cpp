#include "gateway/s3/errors.h"

#include <gtest/gtest.h>

#include <sstream>

#include "gateway/s3/compatibility.h"
#include "gateway/s3/operation.h"
#include "io/body.h"

namespace forebay::gateway::s3 {
namespace {

TEST(Errors, a_known_detail_is_the_code) {
  S3Error shown = describe(fail(Code::not_found, "gone", "NoSuchUpload"));
  EXPECT_EQ(shown.code, "NoSuchUpload");
  EXPECT_EQ(shown.status, 404);
  EXPECT_EQ(shown.message, "gone");
}

TEST(Errors, without_one_the_nearest_code_stands) {
  struct Case {
    Code code;
    const char* name;
    int status;
  };
  for (const Case& c :
       {Case{Code::not_found, "NoSuchKey", 404}, Case{Code::invalid, "InvalidRequest", 400},
        Case{Code::denied, "AccessDenied", 403}, Case{Code::conflict, "OperationAborted", 409},
        Case{Code::busy, "SlowDown", 503}, Case{Code::unavailable, "ServiceUnavailable", 503},
        Case{Code::timeout, "ServiceUnavailable", 503}, Case{Code::corrupt, "InternalError", 500},
        Case{Code::internal, "InternalError", 500}}) {
    S3Error shown = describe(fail(c.code, "x", "ENOSPC"));
    EXPECT_EQ(shown.code, c.name);
    EXPECT_EQ(shown.status, c.status);
  }
}

TEST(Errors, who_is_to_slow_down_is_told_when_to_come_again) {
  for (const char* method : {"GET", "HEAD"}) {
    http::Request request;
    request.method = method;
    auto told = [&](const Error& error) {
      http::Response response = error_response(error, request, "id");
      return response.fields.find("Retry-After") == "1";
    };
    EXPECT_TRUE(told(fail(Code::busy, "full", "SlowDown")));
    EXPECT_FALSE(told(fail(Code::not_found, "none", "NoSuchKey")));
  }
}

TEST(Errors, what_was_not_written_for_clients_is_not_shown_to_them) {
  for (const Error& error : {
           fail(Code::denied, "get k: the origin answered 403 InvalidAccessKeyId: no key AKIA1",
                "AccessDenied"),
           fail(Code::unavailable, "connect to 10.0.0.7:9000: refused", "ECONNREFUSED"),
           fail(Code::denied, "/secret/place/k: permission", "EACCES"),
           fail(Code::internal, "row 17 is damaged"),
           fail(Code::invalid, "the origin answered 400 Odd: at 10.0.0.7", "Odd"),
       }) {
    S3Error shown = describe(error);
    EXPECT_NE(shown.message, error.text());
    EXPECT_FALSE(shown.message.empty());
    for (const char* secret : {"AKIA1", "10.0.0.7", "place", "17"}) {
      EXPECT_EQ(shown.message.find(secret), std::string::npos) << shown.message;
    }
  }
  EXPECT_EQ(describe(fail(Code::denied, "the origin answered 403", "AccessDenied")).message,
            "The bucket's origin denied access.");
  EXPECT_EQ(describe(fail(Code::denied, "Access Denied", "AccessDenied")).message, "Access Denied");
  for (Code code : {Code::unavailable, Code::timeout}) {
    EXPECT_EQ(describe(fail(code, "GET at the origin: connect to 10.0.0.7:9000: refused")).message,
              "The bucket's origin does not answer.");
    EXPECT_EQ(describe(fail(code, "fsync failed")).message, "Service is unable to handle request.");
  }
  EXPECT_EQ(describe(fail(Code::invalid, "no number", "InvalidArgument")).message, "no number");
  EXPECT_EQ(describe(fail(Code::busy, "slower, please", "SlowDown")).message, "slower, please");
}

TEST(Errors, contexts_are_shown_to_nobody) {
  for (const char* code :
       {"BadGateway", "SlowDown", "NoSuchBucket", "InvalidPart", "AccessDenied"}) {
    Error error = fail(Code::corrupt, "own words", code).in("open /srv/a").in("fill unit 7f");
    EXPECT_EQ(describe(error).message, "own words") << code;
  }
}

TEST(Errors, the_log_gets_what_a_client_does_not) {
  auto level = [](Code code, const char* text, const char* detail) {
    return describe(fail(code, text, detail)).level;
  };
  const char* said = "the origin answered 400: x";
  EXPECT_EQ(level(Code::invalid, said, "BadDigest"), obs::Level::info);
  EXPECT_EQ(level(Code::conflict, said, "OperationAborted"), obs::Level::info);
  EXPECT_EQ(level(Code::denied, said, "AccessDenied"), obs::Level::warn);
  EXPECT_EQ(level(Code::not_found, said, "NoSuchBucket"), obs::Level::warn);
  EXPECT_EQ(level(Code::not_found, said, "NoSuchKey"), std::nullopt);
  EXPECT_EQ(level(Code::conflict, said, "PreconditionFailed"), std::nullopt);
  EXPECT_EQ(level(Code::invalid, "a bad digest", "BadDigest"), std::nullopt);
  EXPECT_EQ(level(Code::invalid, "not here", "NotImplemented"), std::nullopt);
  EXPECT_EQ(level(Code::corrupt, "own words", "BadGateway"), obs::Level::warn);
  EXPECT_EQ(level(Code::internal, "row 7", ""), obs::Level::warn);
}

class ErrorAnswer : public ::testing::Test {
 protected:
  http::Response answer(const Error& error, std::string_view method) {
    request_.method = method;
    request_.path = "/b/k";
    return error_response(error, request_, "ID");
  }
  http::Request request_;
};

TEST_F(ErrorAnswer, head_and_304_have_no_body) {
  Error missing = fail(Code::not_found, "gone", "NoSuchKey");
  EXPECT_EQ(answer(missing, "HEAD").body.length, 0U);
  EXPECT_GT(answer(missing, "GET").body.length, 0U);
  Error same = fail(Code::conflict, "same", "NotModified");
  EXPECT_EQ(answer(same, "GET").status, 304);
  EXPECT_EQ(answer(same, "GET").body.length, 0U);
}

TEST(Errors, rejections_have_codes_of_their_own) {
  EXPECT_EQ(code_of_rejection(501), "NotImplemented");
  EXPECT_EQ(code_of_rejection(408), "RequestTimeout");
  EXPECT_EQ(code_of_rejection(400), "InvalidRequest");
  EXPECT_EQ(code_of_rejection(500), "InternalError");
  EXPECT_EQ(code_of_rejection(503), "ServiceUnavailable");
}

// Whether each word of `words` is in `others`.
bool all_of(std::string_view words, std::string_view others) {
  std::istringstream stream{std::string(words)};
  for (std::string word; stream >> word;) {
    if (!lists(others, word)) return false;
  }
  return true;
}

TEST(Operations, every_row_can_be_reached) {
  // A row is hidden when an earlier one of its method and scope asks for nothing it does not ask.
  auto rows = operations();
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      bool same = rows[j].method == rows[i].method && rows[j].scope == rows[i].scope;
      bool wider = all_of(rows[j].markers, rows[i].markers) &&
                   (rows[j].header.empty() || rows[j].header == rows[i].header);
      EXPECT_FALSE(same && wider) << rows[j].name << " hides " << rows[i].name;
    }
  }
}

}  // namespace
}  // namespace forebay::gateway::s3
