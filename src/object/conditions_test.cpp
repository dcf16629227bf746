#include "object/conditions.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace forebay::object {
namespace {

constexpr WallTime kThen{1'700'000'000'500'000'000};  // dates on the wire lose the half second

std::string outcome(const ReadConditions& conditions, const ETag& etag) {
  Result<> result = decide(conditions, etag, kThen);
  return result ? "ok" : result.error().detail();
}

WallTime after(int64_t s) { return {kThen.ns / 1'000'000'000 * 1'000'000'000 + s * 1'000'000'000}; }

TEST(ConditionsTest, lists_of_etags) {
  ETag strong("\"abc\"");
  ETag weak("W/\"abc\"");
  struct Case {
    const char* list;
    bool strong_strong, strong_weak, weak_strong, weak_weak;  // the object's tag, the comparison
  };
  for (const Case& c :
       {Case{"\"abc\"", true, true, false, true}, Case{"abc", true, true, false, true},
        Case{"*", true, true, true, true}, Case{" \"x\" ,\t\"abc\"", true, true, false, true},
        Case{"W/\"abc\"", false, true, false, true}, Case{"\"abcd\"", false, false, false, false},
        Case{"\"ab", false, false, false, false}, Case{"", false, false, false, false},
        Case{",,", false, false, false, false}}) {
    EXPECT_EQ(names(c.list, strong, false), c.strong_strong) << c.list;
    EXPECT_EQ(names(c.list, strong, true), c.strong_weak) << c.list;
    EXPECT_EQ(names(c.list, weak, false), c.weak_strong) << c.list;
    EXPECT_EQ(names(c.list, weak, true), c.weak_weak) << c.list;
  }
}

TEST(ConditionsTest, one_condition) {
  ETag etag("\"abc\"");
  EXPECT_EQ(outcome({}, etag), "ok");
  EXPECT_EQ(outcome({.if_match = "\"abc\""}, etag), "ok");
  EXPECT_EQ(outcome({.if_match = "\"x\""}, etag), "PreconditionFailed");
  EXPECT_EQ(outcome({.if_none_match = "\"abc\""}, etag), "NotModified");
  EXPECT_EQ(outcome({.if_none_match = "W/\"abc\""}, etag), "NotModified");
  EXPECT_EQ(outcome({.if_none_match = "\"x\""}, etag), "ok");
  EXPECT_EQ(outcome({.if_modified_since = after(0)}, etag), "NotModified");
  EXPECT_EQ(outcome({.if_modified_since = after(1)}, etag), "NotModified");
  EXPECT_EQ(outcome({.if_modified_since = after(-1)}, etag), "ok");
  EXPECT_EQ(outcome({.if_unmodified_since = after(0)}, etag), "ok");
  EXPECT_EQ(outcome({.if_unmodified_since = after(-1)}, etag), "PreconditionFailed");
}

TEST(ConditionsTest, etags_win_over_dates) {
  ETag etag("\"abc\"");
  EXPECT_EQ(outcome({.if_match = "abc", .if_unmodified_since = after(-1)}, etag), "ok");
  EXPECT_EQ(outcome({.if_match = "x", .if_unmodified_since = after(1)}, etag),
            "PreconditionFailed");
  EXPECT_EQ(outcome({.if_none_match = "x", .if_modified_since = after(1)}, etag), "ok");
  EXPECT_EQ(outcome({.if_none_match = "abc", .if_modified_since = after(-1)}, etag), "NotModified");
  EXPECT_EQ(outcome({.if_match = "x", .if_none_match = "abc"}, etag), "PreconditionFailed");
  EXPECT_EQ(outcome({.if_match = "abc", .if_none_match = "abc"}, etag), "NotModified");
}

TEST(ConditionsTest, if_range) {
  ETag etag("\"abc\"");
  EXPECT_TRUE(range_applies("\"abc\"", etag, kThen));
  EXPECT_FALSE(range_applies("\"x\"", etag, kThen));
  EXPECT_FALSE(range_applies("W/\"abc\"", etag, kThen)) << "it takes a strong one";
  EXPECT_FALSE(range_applies("W/\"abc\"", ETag("W/\"abc\""), kThen));
  EXPECT_TRUE(range_applies(http_date(kThen), etag, kThen));
  EXPECT_FALSE(range_applies(http_date(after(1)), etag, kThen));
  EXPECT_FALSE(range_applies(http_date(after(-1)), etag, kThen));
}

TEST(ConditionsTest, any) {
  EXPECT_FALSE(ReadConditions{}.any());
  EXPECT_FALSE(ReadConditions{.if_range = "x"}.any());
  EXPECT_TRUE(ReadConditions{.if_match = "x"}.any());
}

}  // namespace
}  // namespace forebay::object
