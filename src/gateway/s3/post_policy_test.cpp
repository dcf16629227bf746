#include "gateway/s3/post_policy.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace forebay::gateway::s3 {
namespace {

const WallTime kBefore = *parse_amz_date("20300101T000000Z");

std::string policy_of(const std::string& conditions) {
  return R"({"expiration":"2030-01-01T00:00:01Z","conditions":[)" + conditions + "]}";
}
/// With a condition on the bucket before them.
std::string in_data(const std::string& conditions) {
  return R"(["eq","$bucket","data"])" + (conditions.empty() ? "" : "," + conditions);
}

/// The refusal's word, or "none".
std::string judged(const std::string& conditions, const FormParser::Fields& fields,
                   WallTime now = kBefore) {
  auto policy = parse_post_policy(policy_of(conditions));
  if (!policy) return policy.error().detail();
  Result<> held = check_post_policy(*policy, fields, "data", now);
  return held ? "none" : held.error().detail();
}

TEST(PostPolicy, holds_each_field_against_its_conditions) {
  const std::string all =
      R"({"bucket":"data"},["starts-with","$key","user/"],["eq","$Content-Type","text/x"],)"
      R"({"X-Amz-Meta-A":"1"},["starts-with","$x-amz-meta-b",""])";
  FormParser::Fields good{{"key", "user/a"},     {"content-type", "text/x"},
                          {"x-amz-meta-a", "1"}, {"x-amz-meta-b", "whatever"},
                          {"policy", "…"},       {"x-amz-signature", "…"},
                          {"x-ignore-me", "…"}};
  EXPECT_EQ(judged(all, good), "none");
  for (size_t i = 0; i < 3; ++i) {
    FormParser::Fields bad = good;
    bad[i].second = "use";
    EXPECT_EQ(judged(all, bad), "AccessDenied") << bad[i].first;
    bad.erase(bad.begin() + static_cast<ptrdiff_t>(i));
    EXPECT_EQ(judged(all, bad), "AccessDenied") << "not there";
  }
  good.erase(good.begin() + 3);
  EXPECT_EQ(judged(all, good), "none") << "nothing begins with nothing";
  good.emplace_back("submit", "Upload");
  EXPECT_EQ(judged(all, good), "AccessDenied") << "a field without a condition";
  EXPECT_EQ(judged(R"({"bucket":"other"})", {}), "AccessDenied");
  EXPECT_EQ(judged(R"(["starts-with","$bucket","da"])", {}), "none");
  EXPECT_EQ(judged(R"({"bucket":"data"})", {{"bucket", "data"}}), "none");
  EXPECT_EQ(judged(R"(["starts-with","$bucket",""])", {{"bucket", "other"}}), "AccessDenied");
  EXPECT_EQ(judged(R"(["eq","$key","a"],["starts-with","$key","b"])", {{"key", "a"}}),
            "AccessDenied")
      << "all of them";
}

TEST(PostPolicy, that_names_no_bucket_is_good_for_none) {
  const std::string any_key = R"(["starts-with","$key",""])";
  EXPECT_EQ(judged(any_key, {{"key", "k"}}), "AccessDenied");
  EXPECT_EQ(judged(any_key, {{"key", "k"}, {"bucket", "data"}}), "AccessDenied");
  EXPECT_EQ(judged("", {}), "AccessDenied");
  EXPECT_EQ(judged(in_data(any_key), {{"key", "k"}}), "none");
}

TEST(PostPolicy, of_a_list_of_types_each_must_begin_so) {
  const std::string images = R"(["starts-with","$Content-Type","image/"])";
  EXPECT_EQ(judged(in_data(images), {{"content-type", "image/png"}}), "none");
  EXPECT_EQ(judged(in_data(images), {{"content-type", "image/png, image/gif"}}), "none");
  EXPECT_EQ(judged(in_data(images), {{"content-type", "image/png,text/html"}}), "AccessDenied");
  EXPECT_EQ(judged(in_data(R"(["starts-with","$key","a"])"), {{"key", "a,b"}}), "none");
}

TEST(PostPolicy, expires) {
  auto at = [](int64_t ns) { return WallTime{kBefore.ns + ns}; };
  EXPECT_EQ(judged(in_data(""), {}, at(999'999'999)), "none");
  EXPECT_EQ(judged("", {}, at(1'000'000'000)), "AccessDenied");
}

TEST(PostPolicy, limits_the_file) {
  auto judge = [](const std::string& conditions, uint64_t bytes) {
    auto policy = parse_post_policy(policy_of(conditions));
    Result<> held = policy ? check_post_length(*policy, bytes) : policy.error();
    return held ? std::string("none") : held.error().detail();
  };
  const std::string range = R"(["content-length-range",2,"10"])";
  EXPECT_EQ(judge(range, 1), "EntityTooSmall");
  EXPECT_EQ(judge(range, 2), "none");
  EXPECT_EQ(judge(range, 10), "none");
  EXPECT_EQ(judge(range, 11), "EntityTooLarge");
  EXPECT_EQ(judge("", UINT64_MAX), "none");
  EXPECT_EQ(judge(range + R"(,["Content-Length-Range","0",5])", 6), "EntityTooLarge");
  EXPECT_EQ(judge(R"(["content-length-range",0,18446744073709551615])", UINT64_MAX), "none");
}

TEST(PostPolicy, that_is_not_understood_is_refused) {
  for (std::string bad :
       {R"(["eq","$key"])", R"(["eq","key","a"])", R"(["ends-with","$key","a"])", R"([])", R"("x")",
        R"({})", R"({"a":"1","b":"2"})", R"({"a":1})", R"(["eq","$key",1])",
        R"(["content-length-range",1])", R"(["content-length-range",-1,2])",
        R"(["content-length-range","1x",2])", R"(["content-length-range",1,2,3])", R"(null)"}) {
    EXPECT_EQ(judged(bad, {}), "InvalidPolicyDocument") << bad;
  }
  for (std::string_view bad :
       {"", "[]", "{}", R"({"expiration":"2030-01-01T00:00:01Z"})", R"({"conditions":[]})",
        R"({"expiration":"tomorrow","conditions":[]})", R"({"expiration":1,"conditions":[]})",
        R"({"expiration":"2030-01-01T00:00:01Z","conditions":{}})",
        R"({"expiration":"2030-01-01T00:00:01Z","conditions":[],"more":1})"}) {
    auto policy = parse_post_policy(bad);
    ASSERT_FALSE(policy) << bad;
    EXPECT_EQ(policy.error().detail(), "InvalidPolicyDocument") << bad;
  }
}

}  // namespace
}  // namespace forebay::gateway::s3
