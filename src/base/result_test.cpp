#include "base/result.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace forebay {
namespace {

constexpr Code kAll[] = {Code::not_found, Code::exists,    Code::invalid,     Code::denied,
                         Code::conflict,  Code::too_large, Code::busy,        Code::timeout,
                         Code::cancelled, Code::corrupt,   Code::unavailable, Code::internal};

TEST(Code, NamesAreDistinct) {
  std::set<std::string_view> names;
  for (Code code : kAll) names.insert(name(code));
  EXPECT_EQ(names.size(), std::size(kAll));
  EXPECT_EQ(name(Code::too_large), "too_large");
}

TEST(Code, OnlyPassingTroublesAreRetryable) {
  for (Code code : kAll) {
    bool passing = code == Code::busy || code == Code::timeout || code == Code::unavailable;
    EXPECT_EQ(retryable(code), passing) << name(code);
  }
}

TEST(Error, ContextGoesInFront) {
  Error error = fail(Code::unavailable, "connection reset", "ECONNRESET");
  Error outer = error.in("GET origin").in("fill unit 7f");
  EXPECT_EQ(outer.text(), "fill unit 7f: GET origin: connection reset");
  EXPECT_EQ(outer.code(), Code::unavailable);
  EXPECT_EQ(outer.detail(), "ECONNRESET");
  EXPECT_EQ(error.text(), "connection reset");
}

TEST(Error, AContextThatIsThereIsNotSaidAgain) {
  Error error = fail(Code::unavailable, "refused").in("connect to a:1").in("connect to a:1");
  EXPECT_EQ(error.text(), "connect to a:1: refused");
  EXPECT_EQ(error.in("connect to a").text(), "connect to a: connect to a:1: refused");
}

TEST(Error, ItsOwnWordsAreThoseWithoutContexts) {
  Error error = fail(Code::corrupt, "b: c");
  EXPECT_EQ(error.own(), "b: c");
  EXPECT_EQ(error.in("a").in("unit 7f").own(), "b: c");
  EXPECT_EQ(error.in("b").own(), "b: c") << "a context that was there is the finder's";
  Error other = error.in("a").as(Code::unavailable, "BadGateway");
  EXPECT_EQ(other.code(), Code::unavailable);
  EXPECT_EQ(other.detail(), "BadGateway");
  EXPECT_EQ(other.text(), "a: b: c");
  EXPECT_EQ(other.own(), "b: c");
  Error moved = std::move(other);
  EXPECT_EQ(moved.own(), "b: c");
  // That a moved error is an empty one, and not one with offsets into nothing, is the test.
  EXPECT_EQ(other.own(), "");                          // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(other.as(Code::busy, "x").detail(), "x");  // NOLINT(bugprone-use-after-move)
}

TEST(Error, IsCopiedWholeAndEmptyAfterAMove) {
  Error error = fail(Code::busy, "full", "ENOSPC");
  Error copy = error;
  Error other = fail(Code::denied, "no");
  other = copy;
  Error moved = std::move(error);
  for (const Error& each : {copy, other, moved}) {
    EXPECT_EQ(each.code(), Code::busy);
    EXPECT_EQ(each.text(), "full");
    EXPECT_EQ(each.detail(), "ENOSPC");
  }
  EXPECT_EQ(error.text(), "");  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(error.detail(), "");
  EXPECT_EQ(std::move(error).in("write").text(), "write: ");
}

TEST(Result, HoldsAValueOrAnError) {
  Result<int> value = 3;
  EXPECT_EQ(*value, 3);
  Result<int> error = fail(Code::invalid, "no");
  ASSERT_FALSE(error);
  EXPECT_EQ(error.error_in("parse").text(), "parse: no");
  Result<> good = ok;
  EXPECT_TRUE(good);
  Result<> bad = fail(Code::busy, "full");
  EXPECT_EQ(bad.error().code(), Code::busy);
  Result<std::string> text("from a literal");
  EXPECT_EQ(*text, "from a literal");
}

}  // namespace
}  // namespace forebay
