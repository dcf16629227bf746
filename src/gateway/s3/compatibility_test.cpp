#include "gateway/s3/compatibility.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "gateway/s3/operation.h"

namespace forebay::gateway::s3 {
namespace {

TEST(Compatibility, the_page_is_what_the_table_gives) {
  std::ostringstream page;
  page << std::ifstream(FOREBAY_DOCS "/s3-compatibility.md").rdbuf();
  EXPECT_TRUE(page.str() == compatibility_page())
      << "make it anew: forebay s3-compatibility > docs/s3-compatibility.md";
}

TEST(Compatibility, what_is_answered_is_answered_somewhere_and_nothing_else_is) {
  for (const Operation& row : operations()) {
    bool somewhere = row.answered.native != State::no || row.answered.folder != State::no ||
                     row.answered.s3 != State::no;
    EXPECT_EQ(somewhere, row.answer() != nullptr) << row.name;
  }
}

TEST(Compatibility, a_write_names_headers_only_where_it_is_answered) {
  for (const Operation& row : operations()) {
    if (row.answer() != nullptr) continue;
    EXPECT_TRUE(row.headers.empty() && !row.takes_body) << row.name;
  }
}

}  // namespace
}  // namespace forebay::gateway::s3
