#include "gateway/s3/errors.h"

#include <gtest/gtest.h>

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
        Case{Code::denied, "AccessDenied", 403}, Case{Code::conflict, "PreconditionFailed", 412},
        Case{Code::busy, "SlowDown", 503}, Case{Code::unavailable, "ServiceUnavailable", 503},
        Case{Code::timeout, "ServiceUnavailable", 503}, Case{Code::corrupt, "InternalError", 500},
        Case{Code::internal, "InternalError", 500}}) {
    S3Error shown = describe(fail(c.code, "x", "ENOSPC"));
    EXPECT_EQ(shown.code, c.name);
    EXPECT_EQ(shown.status, c.status);
  }
}

TEST(Errors, head_and_304_have_no_body) {
  Error missing = fail(Code::not_found, "gone", "NoSuchKey");
  EXPECT_EQ(error_response(missing, "/b/k", "ID", true).body.length, 0U);
  EXPECT_GT(error_response(missing, "/b/k", "ID", false).body.length, 0U);
  Error same = fail(Code::conflict, "same", "NotModified");
  EXPECT_EQ(error_response(same, "/b/k", "ID", false).status, 304);
  EXPECT_EQ(error_response(same, "/b/k", "ID", false).body.length, 0U);
}

TEST(Operations, every_row_can_be_reached) {
  // A row is hidden when an earlier one of its method and scope asks for nothing it does not ask.
  auto rows = operations();
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      bool same = rows[j].method == rows[i].method && rows[j].scope == rows[i].scope;
      bool wider = (rows[j].marker.empty() || rows[j].marker == rows[i].marker) &&
                   (rows[j].header.empty() || rows[j].header == rows[i].header);
      EXPECT_FALSE(same && wider) << rows[j].name << " hides " << rows[i].name;
    }
  }
}

TEST(Compatibility, the_page_names_every_operation) {
  std::string page = compatibility_page();
  for (const Operation& row : operations()) {
    EXPECT_NE(page.find("| " + std::string(row.name) + " |"), std::string::npos) << row.name;
  }
}

}  // namespace
}  // namespace forebay::gateway::s3
