#include "base/range.h"

#include <gtest/gtest.h>

namespace forebay {
namespace {

constexpr uint64_t kMax = UINT64_MAX;

struct ResolveCase {
  std::string_view header;
  uint64_t size;
  uint64_t offset;
  uint64_t length;  ///< 0: not satisfiable
};

TEST(RangeRequest, ParsesAndResolves) {
  constexpr ResolveCase kCases[] = {
      {"bytes=0-0", 10, 0, 1},
      {"bytes=0-9", 10, 0, 10},
      {"bytes=0-10", 10, 0, 10},
      {"bytes=9-9", 10, 9, 1},
      {"bytes=9-", 10, 9, 1},
      {"bytes=0-", 10, 0, 10},
      {"bytes=10-", 10, 0, 0},
      {"bytes=10-20", 10, 0, 0},
      {"bytes=0-", 0, 0, 0},
      {"bytes=0-0", 0, 0, 0},
      {"bytes=-1", 10, 9, 1},
      {"bytes=-10", 10, 0, 10},
      {"bytes=-11", 10, 0, 10},
      {"bytes=-0", 10, 0, 0},
      {"bytes=-1", 0, 0, 0},
      {"bytes=00-009", 10, 0, 10},
      {"bytes=0-18446744073709551615", 10, 0, 10},
      {"bytes=4-99999999999999999999", 10, 4, 6},
      {"bytes=99999999999999999999-", 10, 0, 0},
      {"bytes=-99999999999999999999", 10, 0, 10},
      {"bytes=0-", kMax, 0, kMax},
      {"bytes=-1", kMax, kMax - 1, 1},
      {"bytes=18446744073709551614-", kMax, kMax - 1, 1},
  };
  for (const ResolveCase& one : kCases) {
    auto request = RangeRequest::parse(one.header);
    ASSERT_TRUE(request) << one.header;
    auto range = request->resolve(one.size);
    ASSERT_EQ(range.has_value(), one.length != 0) << one.header << " of " << one.size;
    if (range) {
      EXPECT_EQ(*range, (ByteRange{one.offset, one.length})) << one.header;
    } else {
      EXPECT_EQ(range.error().detail(), "InvalidRange");
    }
  }
}

TEST(RangeRequest, IgnoresWhatIsNotOneRange) {
  for (std::string_view header :
       {"", "bytes", "bytes=", "bytes=-", "bytes=5", "bytes=2-1", "bytes=0-1,3-4", "bytes=0-1,",
        "bytes=a-b", "bytes=0-b", "bytes= 0-1", "bytes=0 -1", "bytes=+0-1", "bytes=0-+1",
        "bytes=--1", "bytes=0-1-2", "items=0-1", "0-1", "bytes=0x0-1"}) {
    EXPECT_FALSE(RangeRequest::parse(header)) << header;
  }
}

TEST(ByteRange, Covers) {
  ByteRange range{10, 5};
  EXPECT_EQ(range.end(), 15U);
  EXPECT_TRUE(range.covers({10, 5}));
  EXPECT_TRUE(range.covers({12, 0}));
  EXPECT_TRUE(range.covers({14, 1}));
  EXPECT_FALSE(range.covers({9, 2}));
  EXPECT_FALSE(range.covers({14, 2}));
}

TEST(ContentRange, RoundTrip) {
  for (std::string_view text : {"bytes 0-0/1", "bytes 0-9/10", "bytes 5-9/100",
                                "bytes 0-18446744073709551613/18446744073709551614"}) {
    auto range = ContentRange::parse(text);
    ASSERT_TRUE(range) << text;
    EXPECT_EQ(range->to_string(), text);
  }
  EXPECT_EQ(ContentRange::parse("bytes 5-9/100")->range, (ByteRange{5, 5}));
}

TEST(ContentRange, RefusesTheRest) {
  for (std::string_view text :
       {"", "bytes", "bytes 0-9/*", "bytes */10", "bytes 9-0/10", "bytes 0-10/10", "bytes 0-9",
        "bytes=0-9/10", "bytes 0/9-10", "bytes -9/10", "bytes 0-/10", "bytes 0-9/ 10",
        "bytes 0-9/99999999999999999999"}) {
    EXPECT_FALSE(ContentRange::parse(text)) << text;
  }
}

}  // namespace
}  // namespace forebay
