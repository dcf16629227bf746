#include "gateway/s3/cors.h"

#include <gtest/gtest.h>

#include "gateway/s3/refused_test.h"
#include "gateway/s3/tagging.h"

namespace forebay::gateway::s3 {
namespace {

constexpr const char* kPage = "https://page.example";

std::string rule(const std::string& inside) {
  return "<CORSConfiguration><CORSRule>" + inside + "</CORSRule></CORSConfiguration>";
}

class CorsTest : public testing::Test {
 protected:
  using Headers = std::vector<std::pair<std::string, std::string>>;
  Reply ask(std::string method, std::string target, std::string body = "", Headers headers = {},
            bool sign = true) {
    Ask ask{
        .method = std::move(method), .target = std::move(target), .headers = std::move(headers)};
    ask.body = std::move(body);
    ask.sign = sign;
    return world_.ask(ask);
  }
  Reply preflight(std::string method, std::string headers = "", std::string target = "/data/k") {
    Headers sent{{"Origin", kPage}, {"Access-Control-Request-Method", std::move(method)}};
    if (!headers.empty()) sent.emplace_back("Access-Control-Request-Headers", std::move(headers));
    return ask("OPTIONS", std::move(target), "", std::move(sent), false);
  }
  DoorWorld world_;
};

TEST_F(CorsTest, rules_are_kept_told_and_removed) {
  refused(ask("GET", "/data?cors"), 404, "NoSuchCORSConfiguration");
  std::string inside =
      "<ID>one</ID><AllowedHeader>*</AllowedHeader><AllowedMethod>PUT</AllowedMethod>"
      "<AllowedMethod>GET</AllowedMethod><AllowedOrigin>https://page.example</AllowedOrigin>"
      "<ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>60</MaxAgeSeconds>";
  ASSERT_EQ(ask("PUT", "/data?cors", rule(inside)).status, 200);
  Reply told = ask("GET", "/data?cors");
  EXPECT_EQ(told.status, 200);
  EXPECT_NE(told.body.find("<CORSRule>" + inside + "</CORSRule>"), std::string::npos) << told.body;
  EXPECT_EQ(ask("DELETE", "/data?cors").status, 204);
  refused(ask("GET", "/data?cors"), 404, "NoSuchCORSConfiguration");
  EXPECT_EQ(ask("DELETE", "/data?cors").status, 204);
  refused(ask("PUT", "/none?cors", rule(inside)), 404, "NoSuchBucket");
}

TEST_F(CorsTest, a_page_is_told_what_it_may) {
  ASSERT_EQ(ask("PUT", "/data/k", "bytes").status, 200);
  refused(preflight("GET"), 403, "AccessForbidden");
  ASSERT_EQ(ask("PUT", "/data?cors",
                rule("<AllowedOrigin>https://*.example</AllowedOrigin>"
                     "<AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod>"
                     "<AllowedHeader>x-amz-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>"
                     "<ExposeHeader>x-amz-meta-a</ExposeHeader><MaxAgeSeconds>9</MaxAgeSeconds>"))
                .status,
            200);
  Reply may = preflight("PUT", "X-Amz-Date,x-amz-content-sha256");
  EXPECT_EQ(may.status, 200);
  EXPECT_EQ(may.header("access-control-allow-origin"), kPage);
  EXPECT_EQ(may.header("access-control-allow-methods"), "GET, PUT");
  EXPECT_EQ(may.header("access-control-allow-headers"), "X-Amz-Date, x-amz-content-sha256");
  EXPECT_EQ(may.header("access-control-expose-headers"), "ETag, x-amz-meta-a");
  EXPECT_EQ(may.header("access-control-max-age"), "9");
  EXPECT_EQ(may.header("access-control-allow-credentials"), "true");
  EXPECT_NE(may.header("vary").find("Origin"), std::string::npos);
  refused(preflight("DELETE"), 403, "AccessForbidden");
  refused(preflight("PUT", "authorization"), 403, "AccessForbidden");
  refused(preflight("GET", "", "/none/k"), 403, "AccessForbidden");
  refused(preflight("GET", "a b"), 400, "InvalidRequest");
  refused(ask("OPTIONS", "/data/k", "", {{"Origin", kPage}}, false), 400, "BadRequest");
  refused(ask("OPTIONS", "/data/k", "", {{"Access-Control-Request-Method", "GET"}}, false), 400,
          "BadRequest");
}

TEST_F(CorsTest, answers_say_whether_the_page_may_read_them) {
  ASSERT_EQ(ask("PUT", "/data/k", "bytes").status, 200);
  EXPECT_EQ(ask("GET", "/data/k", "", {{"Origin", kPage}}).header("access-control-allow-origin"),
            "");
  ASSERT_EQ(ask("PUT", "/data?cors",
                rule("<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"))
                .status,
            200);
  Reply read = ask("GET", "/data/k", "", {{"Origin", kPage}});
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.body, "bytes");
  EXPECT_EQ(read.header("access-control-allow-origin"), "*");
  EXPECT_EQ(read.header("access-control-allow-credentials"), "");
  EXPECT_EQ(ask("GET", "/data/k").header("access-control-allow-origin"), "") << "no page asked";
  Reply missing = ask("GET", "/data/none", "", {{"Origin", kPage}});
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.header("access-control-allow-origin"), "*") << "errors are answers too";
  EXPECT_EQ(
      ask("PUT", "/data/k", "more", {{"Origin", kPage}}).header("access-control-allow-origin"), "")
      << "no rule for PUT";
  // A preflight is no way in.
  EXPECT_EQ(ask("GET", "/data/k", "", {{"Origin", kPage}}, false).status, 403);
}

TEST_F(CorsTest, what_is_not_understood_changes_nothing) {
  std::string good = "<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>";
  ASSERT_EQ(ask("PUT", "/data?cors", rule(good)).status, 200);
  std::string before = ask("GET", "/data?cors").body;
  for (const std::string& bad :
       {std::string("<AllowedOrigin>*</AllowedOrigin>"),
        std::string("<AllowedMethod>GET</AllowedMethod>"), good + "<Other>a</Other>",
        good + "<MaxAgeSeconds>-1</MaxAgeSeconds>", good + "<MaxAgeSeconds>1 s</MaxAgeSeconds>",
        good + "<MaxAgeSeconds>1</MaxAgeSeconds><MaxAgeSeconds>1</MaxAgeSeconds>",
        good + "<ID>a</ID><ID>b</ID>", good + "<ID>a&#9;b</ID>",
        good + "<AllowedOrigin>\xff</AllowedOrigin>"}) {
    refused(ask("PUT", "/data?cors", rule(bad)), 400, "MalformedXML");
  }
  for (const std::string& bad :
       {good + "<AllowedMethod>PATCH</AllowedMethod>", good + "<AllowedMethod>get</AllowedMethod>",
        good + "<AllowedOrigin>http://*.*</AllowedOrigin>",
        good + "<AllowedOrigin></AllowedOrigin>", good + "<AllowedHeader>a b</AllowedHeader>",
        good + "<AllowedHeader>*-*</AllowedHeader>", good + "<ExposeHeader>*</ExposeHeader>",
        good + "<ExposeHeader>a&#13;&#10;b</ExposeHeader>",
        good + "<AllowedMethod>GET</AllowedMethod><AllowedMethod>GET</AllowedMethod>"
               "<AllowedMethod>GET</AllowedMethod><AllowedMethod>GET</AllowedMethod>"
               "<AllowedMethod>GET</AllowedMethod>",
        good + "<ExposeHeader>" + std::string(kMaxCorsHeader + 1, 'h') + "</ExposeHeader>",
        good + "<ID>" + std::string(kMaxCorsId + 1, 'i') + "</ID>"}) {
    refused(ask("PUT", "/data?cors", rule(bad)), 400, "InvalidRequest");
  }
  EXPECT_EQ(ask("GET", "/data?cors").body, before);
}

TEST_F(CorsTest, rules_have_a_bound) {
  auto many = [](size_t count) {
    std::string out = "<CORSConfiguration>";
    for (size_t i = 0; i < count; ++i) {
      out +=
          "<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
          "</CORSRule>";
    }
    return out + "</CORSConfiguration>";
  };
  EXPECT_EQ(ask("PUT", "/data?cors", many(kMaxCorsRules)).status, 200);
  refused(ask("PUT", "/data?cors", many(kMaxCorsRules + 1)), 400, "MalformedXML");
  refused(ask("PUT", "/data?cors", many(0)), 400, "MalformedXML");
  auto headers = [](const std::string& kind, size_t count) {
    std::string out = "<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>";
    for (size_t i = 0; i < count; ++i) {
      out.append("<").append(kind).append(">h").append(std::to_string(i));
      out.append("</").append(kind).append(">");
    }
    return rule(out);
  };
  for (const char* kind : {"AllowedHeader", "ExposeHeader"}) {
    EXPECT_EQ(ask("PUT", "/data?cors", headers(kind, kMaxCorsHeaders)).status, 200);
    refused(ask("PUT", "/data?cors", headers(kind, kMaxCorsHeaders + 1)), 400, "InvalidRequest");
  }
  ASSERT_EQ(ask("PUT", "/data?cors",
                rule("<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
                     "<AllowedHeader>*</AllowedHeader>"))
                .status,
            200);
  std::string most = "<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>";
  for (size_t i = 0; i < kMaxCorsExposed / kMaxCorsHeader; ++i) {
    most += "<ExposeHeader>" + std::string(kMaxCorsHeader, 'h') + "</ExposeHeader>";
  }
  EXPECT_EQ(ask("PUT", "/data?cors", rule(most)).status, 200);
  refused(ask("PUT", "/data?cors", rule(most + "<ExposeHeader>x</ExposeHeader>")), 400,
          "InvalidRequest");
  ASSERT_EQ(ask("PUT", "/data?cors",
                rule("<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
                     "<AllowedHeader>*</AllowedHeader>"))
                .status,
            200);
  std::string names = "h";
  for (size_t i = 1; i < kMaxCorsHeaders; ++i) names += ",h";
  EXPECT_EQ(preflight("GET", names).status, 200);
  refused(preflight("GET", names + ",h"), 400, "InvalidRequest");
  std::string longest = "<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod><ID>" +
                        std::string(kMaxCorsId, 'i') + "</ID>";
  EXPECT_EQ(ask("PUT", "/data?cors", rule(longest)).status, 200);
}

TEST_F(CorsTest, buckets_have_tags_of_their_own) {
  refused(ask("GET", "/data?tagging"), 404, "NoSuchTagSet");
  auto tags = [](size_t count) {
    std::string out = "<Tagging><TagSet>";
    for (size_t i = 0; i < count; ++i) {
      out += "<Tag><Key>k" + std::to_string(i) + "</Key><Value>v</Value></Tag>";
    }
    return out + "</TagSet></Tagging>";
  };
  EXPECT_EQ(ask("PUT", "/data?tagging", tags(kMaxBucketTags)).status, 204);
  Reply told = ask("GET", "/data?tagging");
  EXPECT_EQ(told.status, 200);
  EXPECT_NE(told.body.find("<Tag><Key>k49</Key><Value>v</Value></Tag>"), std::string::npos);
  refused(ask("PUT", "/data?tagging", tags(kMaxBucketTags + 1)), 400, "BadRequest");
  EXPECT_EQ(ask("GET", "/data?tagging").body, told.body);
  EXPECT_EQ(ask("DELETE", "/data?tagging").status, 204);
  refused(ask("GET", "/data?tagging"), 404, "NoSuchTagSet");
}

}  // namespace
}  // namespace forebay::gateway::s3
