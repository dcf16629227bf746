#include "object/cors.h"

#include <gtest/gtest.h>

namespace forebay::object {
namespace {

CorsRules rules() {
  return {{.id = "page",
           .origins = {"https://page.example", "https://*.lab.example"},
           .methods = {"GET", "PUT"},
           .headers = {"x-amz-*", "Content-Type"},
           .exposed = {"ETag"},
           .max_age = 600},
          {.origins = {"*"}, .methods = {"GET"}}};
}

int found(std::string_view origin, std::string_view method, std::vector<std::string> headers = {}) {
  CorsRules all = rules();
  const CorsRule* rule =
      find_rule(all, {.origin = origin, .method = method, .headers = std::move(headers)});
  return rule == nullptr ? -1 : static_cast<int>(rule - all.data());
}

TEST(Cors, the_first_rule_that_allows_all_of_it_counts) {
  EXPECT_EQ(found("https://page.example", "PUT"), 0);
  EXPECT_EQ(found("https://a.b.lab.example", "GET"), 0);
  EXPECT_EQ(found("https://.lab.example", "GET"), 0) << "a star may be nothing";
  EXPECT_EQ(found("https://lab.example", "GET"), 1);
  EXPECT_EQ(found("https://PAGE.example", "PUT"), -1) << "origins have a case";
  EXPECT_EQ(found("https://page.example.evil", "PUT"), -1);
  EXPECT_EQ(found("https://evil.lab.exampl", "PUT"), -1);
  EXPECT_EQ(found("null", "GET"), 1);
  EXPECT_EQ(found("null", "PUT"), -1);
  EXPECT_EQ(found("https://page.example", "put"), -1);
  EXPECT_EQ(found("https://page.example", "DELETE"), -1);
}

TEST(Cors, every_header_must_be_allowed_by_one_rule) {
  EXPECT_EQ(found("https://page.example", "PUT", {"X-AMZ-Date", "content-type"}), 0);
  EXPECT_EQ(found("https://page.example", "PUT", {"x-amz-date", "authorization"}), -1);
  EXPECT_EQ(found("https://page.example", "GET", {"authorization"}), -1)
      << "the second rule allows no header";
}

TEST(Cors, a_star_is_no_shorter_than_what_stands_around_it) {
  CorsRules one{{.origins = {"https://ab*ba.example"}, .methods = {"GET"}}};
  EXPECT_NE(find_rule(one, {.origin = "https://abba.example", .method = "GET"}), nullptr);
  EXPECT_EQ(find_rule(one, {.origin = "https://aba.example", .method = "GET"}), nullptr);
}

TEST(Cors, only_a_bare_star_is_everybody) {
  CorsRules all = rules();
  EXPECT_FALSE(for_everybody(all[0], "https://a.lab.example"));
  EXPECT_TRUE(for_everybody(all[1], "https://a.lab.example"));
  CorsRule both{.origins = {"https://page.example", "*"}, .methods = {"GET"}};
  EXPECT_FALSE(for_everybody(both, "https://page.example"));
  EXPECT_TRUE(for_everybody(both, "https://other.example"));
}

TEST(Cors, is_written_and_read) {
  EXPECT_EQ(*cors_of(nullptr), CorsRules());
  Json written = cors_json(rules());
  auto text = Json::parse(written.dump());
  ASSERT_TRUE(text);
  auto read = cors_of(&*text);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, rules());
  for (const char* bad :
       {"{}", "[1]", "[{}]", R"([{"origins":["*"],"methods":["GET"],"headers":[]}])",
        R"([{"origins":[1],"methods":[],"headers":[],"exposed":[]}])",
        R"([{"origins":[],"methods":[],"headers":[],"exposed":[],"max_age":-1}])",
        R"([{"origins":[],"methods":[],"headers":[],"exposed":[],"max_age":4294967296}])"}) {
    auto json = Json::parse(bad);
    ASSERT_TRUE(json) << bad;
    EXPECT_FALSE(cors_of(&*json)) << bad;
  }
}

}  // namespace
}  // namespace forebay::object
