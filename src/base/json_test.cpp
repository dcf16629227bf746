#include "base/json.h"

#include <gtest/gtest.h>

#include <limits>

namespace forebay {
namespace {

TEST(Json, WritesWhatItReads) {
  const std::string text = R"({"a":1,"b":-2,"c":"\u0001\"é","d":[true,false,null],"e":{"f":1.5E0},)"
                           R"("g":18446744073709551615})";
  Result<Json> json = Json::parse(text);
  ASSERT_TRUE(json);
  EXPECT_EQ(json->dump(), text);
  Result<Json> again = Json::parse(json->dump());
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *json);
}

TEST(Json, IntegersAreExactToTheirLimits) {
  EXPECT_EQ(Json(std::numeric_limits<uint64_t>::max()).dump(), "18446744073709551615");
  EXPECT_EQ(Json(std::numeric_limits<int64_t>::min()).dump(), "-9223372036854775808");
  Result<Json> past = Json::parse("18446744073709551616");
  ASSERT_TRUE(past);
  EXPECT_FALSE(past->as_uint());
  EXPECT_TRUE(past->as_double());
  EXPECT_EQ(Json(uint64_t{7}), Json(7));
}

TEST(Json, RefusesWhatIsNotOneValue) {
  for (const char* text :
       {"", "{", "{}x", "{\"a\":}", "[1,]", "nul", "'a'", "\"\n\"", "01", "[1e400]", "-11e91111"}) {
    Result<Json> json = Json::parse(text);
    ASSERT_FALSE(json) << text;
    EXPECT_EQ(json.error().code(), Code::invalid) << text;
  }
}

// Which of the two was meant cannot be known.
TEST(Json, RefusesAMemberThatIsThereTwice) {
  for (const char* text :
       {R"({"a":1,"a":1})", R"({"a":1,"b":2,"a":3})", R"([{"c":{"a":1,"\u0061":2}}])",
        R"({"":1,"":2})", R"({"a\u0000":1,"a\u0000":2})"}) {
    Result<Json> json = Json::parse(text);
    ASSERT_FALSE(json) << text;
    EXPECT_EQ(json.error().code(), Code::invalid) << text;
  }
  EXPECT_NE(Json::parse(R"({"name":1,"name":2})").error().text().find("'name'"), std::string::npos);
  EXPECT_TRUE(Json::parse(R"({"a":{"a":1},"b":{"a":1},"A":[{"a":1},{"a":1}]})"));
}

// The parser hands long texts and numbers over in pieces.
TEST(Json, TextOfAnyLengthIsOneText) {
  std::string name(100'000, 'n'), text(100'000, 't');
  Result<Json> json = Json::parse("{\"" + name + "\\n\":\"" + text + "\\u00e9" + text + "\"}");
  ASSERT_TRUE(json);
  EXPECT_EQ(json->string(name + "\n").value(), text + "é" + text);
  EXPECT_EQ(Json::parse(" [ ] ").value(), Json(Json::Array()));
  EXPECT_EQ(Json::parse("{}").value(), Json(Json::Object()));
}

TEST(Json, DepthHasALimit) {
  std::string at = std::string(Json::kMaxDepth, '[') + std::string(Json::kMaxDepth, ']');
  EXPECT_TRUE(Json::parse(at));
  EXPECT_FALSE(Json::parse("[" + at + "]"));
}

TEST(Json, MembersAreReadByKind) {
  Json json;
  json.set("text", "x").set("number", 5).set("negative", -5).set("flag", true).set("gone", Json());
  EXPECT_EQ(json.string("text").value(), "x");
  EXPECT_EQ(json.integer("negative").value(), -5);
  EXPECT_EQ(json.unsigned_integer("number").value(), 5u);
  EXPECT_TRUE(json.boolean("flag").value());
  EXPECT_EQ(json.string_or("gone", "y").value(), "y");
  EXPECT_EQ(json.unsigned_or("missing", 9).value(), 9u);
  EXPECT_TRUE(json.boolean_or("missing", true).value());
  for (Error error : {json.string("number").error(), json.integer("text").error(),
                      json.unsigned_integer("negative").error(), json.boolean("text").error(),
                      json.string_or("number", "").error(), json.string("missing").error(),
                      json.unsigned_or("text", 1).error(), json.boolean_or("text", true).error()}) {
    EXPECT_EQ(error.code(), Code::invalid);
  }
}

TEST(Json, SetReplaces) {
  Json json;
  json.set("a", 1).set("b", 2).set("a", 3);
  EXPECT_EQ(json.dump(), R"({"a":3,"b":2})");
}

TEST(Json, AValueThatIsNoObjectHasNoMembers) {
  Json json("text");
  json.set("a", 1);
  EXPECT_EQ(json.find("a"), nullptr);
  EXPECT_EQ(json.dump(), "\"text\"");
}

}  // namespace
}  // namespace forebay
