#include "cli/shell.h"

#include <gtest/gtest.h>

#include "cli/local.h"
#include "cli/progress.h"

namespace forebay::cli {
namespace {

TEST(Location, IsBucketAndKey) {
  for (const char* path : {"s3://b/k/l", "b/k/l"}) {
    Location at = Location::parse(path).value();
    EXPECT_EQ(at.bucket, "b");
    EXPECT_EQ(at.key, "k/l");
    EXPECT_EQ(at.to_string(), "s3://b/k/l");
  }
  EXPECT_EQ(Location::parse("b")->key, "");
  EXPECT_EQ(Location::parse("b//k")->key, "/k");
  EXPECT_FALSE(Location::parse(""));
  EXPECT_FALSE(Location::parse("s3://"));
  EXPECT_FALSE(Location::parse("/k"));
  EXPECT_FALSE(parse_object("b/"));
  EXPECT_TRUE(parse_object("b/k"));
}

TEST(Absolute, PathsBeginWhereThePersonIs) {
  Environment at{.directory = "/people/ada"};
  EXPECT_EQ(absolute(at, "f"), "/people/ada/f");
  EXPECT_EQ(absolute(at, "./a/../f/"), "/people/ada/f");
  EXPECT_EQ(absolute(at, "../../../f"), "/f");
  EXPECT_EQ(absolute(at, "/x//y/."), "/x/y");
  EXPECT_EQ(absolute(at, "."), "/people/ada");
  EXPECT_EQ(absolute(at, "/"), "/");
  EXPECT_EQ(absolute(at, "..data/.x"), "/people/ada/..data/.x");
}

TEST(HumanBytes, HasOneDigitAfterThePoint) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1024), "1.0 KiB");
  EXPECT_EQ(human_bytes((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(human_bytes(uint64_t{5} << 40), "5.0 TiB");
  EXPECT_EQ(human_bytes(~uint64_t{0}), "16.0 EiB");
}

TEST(RenderProgress, ShowsPartRateAndTimeLeft) {
  std::string line = render_progress("file", 50 << 20, 100 << 20, 10 << 20, 80);
  EXPECT_EQ(line,
            "file [=============             ]  50%  50.0 MiB of 100.0 MiB  10.0 MiB/s  00:05");
  EXPECT_EQ(line.size(), 80u);
  EXPECT_TRUE(render_progress("file", 100 << 20, 100 << 20, 1, 80).ends_with("00:00"));
  EXPECT_TRUE(render_progress("file", 0, 100 << 20, 0, 80).ends_with("--:--"));
  EXPECT_TRUE(render_progress("file", 0, 7200, 1, 80).ends_with("2:00:00"));
}

TEST(RenderFields, NestsWhatIsNested) {
  Json json = Json::parse(R"({"a":1,"b":{"c":[1,"x",{"d":null}],"e":{}},"f":[],"g":true})").value();
  EXPECT_EQ(render_fields(json),
            "a: 1\n"
            "b:\n"
            "  c:\n"
            "    - 1\n"
            "    - x\n"
            "    -\n"
            "      d: null\n"
            "  e:\n"
            "f:\n"
            "g: true\n");
  EXPECT_EQ(render_fields(Json("text")), "text\n");
}

TEST(Environment, WhatIsNotSetIsEmpty) {
  Environment environment{.variables = {{"A", "1"}, {"EMPTY", ""}}};
  EXPECT_EQ(environment.get("A"), "1");
  EXPECT_EQ(environment.get("EMPTY"), "");
  EXPECT_EQ(environment.get("B"), "");
}

TEST(RenderProgress, IsNeverWiderThanTheTerminal) {
  for (unsigned columns : {0u, 1u, 20u, 55u, 60u, 80u, 200u}) {
    for (std::string name : {"", "f", "a-rather-long-name-of-an-object-that-fills-the-line"}) {
      EXPECT_LE(render_progress(name, 1 << 20, 5 << 20, 1 << 20, columns).size(), columns);
      EXPECT_LE(render_progress(name, 1 << 20, std::nullopt, 1 << 20, columns).size(), columns);
    }
  }
}

TEST(RenderProgress, WithoutATotalThereIsNoBar) {
  EXPECT_EQ(render_progress("-", 2048, std::nullopt, 1024, 80), "-  2.0 KiB  1.0 KiB/s");
  EXPECT_TRUE(render_progress("empty", 0, 0, 0, 80).find("100%") != std::string::npos);
}

}  // namespace
}  // namespace forebay::cli
