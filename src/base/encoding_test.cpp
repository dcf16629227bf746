#include "base/encoding.h"

#include <gtest/gtest.h>

namespace forebay {
namespace {

std::string every_byte() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  return bytes;
}

TEST(Hex, RoundTripAndErrors) {
  EXPECT_EQ(to_hex(as_bytes("\x01\xab\xff")), "01abff");
  EXPECT_EQ(from_hex("01ABff"), "\x01\xab\xff");
  EXPECT_EQ(from_hex(to_hex(as_bytes(every_byte()))), every_byte());
  EXPECT_EQ(from_hex(""), "");
  for (std::string_view text : {"0", "0g", "g0", " 0", "0x", "000"}) EXPECT_FALSE(from_hex(text));
}

// RFC 4648, section 10.
TEST(Base64, PublishedValuesBothWays) {
  const std::pair<std::string_view, std::string_view> kPairs[] = {{"", ""},
                                                                  {"f", "Zg=="},
                                                                  {"fo", "Zm8="},
                                                                  {"foo", "Zm9v"},
                                                                  {"foob", "Zm9vYg=="},
                                                                  {"fooba", "Zm9vYmE="},
                                                                  {"foobar", "Zm9vYmFy"}};
  for (auto [plain, coded] : kPairs) {
    EXPECT_EQ(to_base64(as_bytes(plain)), coded);
    EXPECT_EQ(from_base64(coded), plain);
  }
  EXPECT_EQ(from_base64(to_base64(as_bytes(every_byte()))), every_byte());
}

TEST(Base64, RefusesTheRest) {
  for (std::string_view text : {"Zg", "Zg=", "Zg===", "=", "==", "====", "Z===", "Zg==Zg==",
                                "Zm9v\n", "Z m9", "Zm-_", "Zm9vYg= ", " Zg==", "Z=g="}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
}

TEST(Percent, EncodesAllButUnreserved) {
  EXPECT_EQ(percent_encode("AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(percent_encode("a b/c+d=\xc3\xbc%"), "a%20b%2Fc%2Bd%3D%C3%BC%25");
  EXPECT_EQ(percent_encode("a b/c", true), "a%20b/c");
  EXPECT_EQ(percent_decode(percent_encode(every_byte())), every_byte());
}

TEST(Percent, Decodes) {
  EXPECT_EQ(percent_decode("%41%2f%2F"), "A//");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
  EXPECT_EQ(percent_decode("a+b%2B", true), "a b+");
  EXPECT_EQ(percent_decode(""), "");
  for (std::string_view text : {"%", "%4", "a%", "%4g", "%g4", "%%41"}) {
    EXPECT_FALSE(percent_decode(text)) << text;
  }
}

constexpr int64_t kSecond = 1'000'000'000;

struct DateCase {
  int64_t second;
  std::string_view http;
  std::string_view iso;
  std::string_view amz;
};
constexpr DateCase kDates[] = {
    {0, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00.000Z", "19700101T000000Z"},
    {784'111'777, "Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37.000Z", "19941106T084937Z"},
    {951'782'400, "Tue, 29 Feb 2000 00:00:00 GMT", "2000-02-29T00:00:00.000Z", "20000229T000000Z"},
    {1'445'412'480, "Wed, 21 Oct 2015 07:28:00 GMT", "2015-10-21T07:28:00.000Z",
     "20151021T072800Z"},
    {2'147'483'648, "Tue, 19 Jan 2038 03:14:08 GMT", "2038-01-19T03:14:08.000Z",
     "20380119T031408Z"},
    {9'214'646'399, "Tue, 31 Dec 2261 23:59:59 GMT", "2261-12-31T23:59:59.000Z",
     "22611231T235959Z"},
};

TEST(Dates, BothWaysInEveryForm) {
  for (const DateCase& date : kDates) {
    WallTime when{date.second * kSecond};
    EXPECT_EQ(http_date(when), date.http);
    EXPECT_EQ(iso8601(when), date.iso);
    EXPECT_EQ(std::string_view(amz_date(when)), date.amz);
    EXPECT_EQ(parse_http_date(date.http), when) << date.http;
    EXPECT_EQ(parse_iso8601(date.iso), when) << date.iso;
    EXPECT_EQ(parse_amz_date(date.amz), when) << date.amz;
  }
}

TEST(Dates, EveryDayOfFourCenturiesRoundTrips) {
  for (int64_t day = 0; day < 366 * 290; day += 1) {
    WallTime when{day * 86'400 * kSecond + 12 * 3600 * kSecond};
    ASSERT_EQ(parse_amz_date(amz_date(when)), when) << std::string_view(amz_date(when));
  }
}

TEST(Dates, FractionsAreCutNotRounded) {
  EXPECT_EQ(iso8601({1'999'999'999}), "1970-01-01T00:00:01.999Z");
  EXPECT_EQ(http_date({1'999'999'999}), "Thu, 01 Jan 1970 00:00:01 GMT");
  EXPECT_EQ(parse_iso8601("1970-01-01T00:00:01Z")->ns, kSecond);
  EXPECT_EQ(parse_iso8601("1970-01-01T00:00:01.5Z")->ns, 1'500'000'000);
  EXPECT_EQ(parse_iso8601("1970-01-01T00:00:01.123456789Z")->ns, 1'123'456'789);
  EXPECT_EQ(parse_iso8601("1970-01-01T00:00:01.1234567899Z")->ns, 1'123'456'789);
}

// A file may be older than 1970.
TEST(Dates, BeforeTheEpochRoundsDown) {
  EXPECT_EQ(iso8601({-1}), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(http_date({-kSecond}), "Wed, 31 Dec 1969 23:59:59 GMT");
  EXPECT_EQ(parse_http_date("Wed, 31 Dec 1969 23:59:59 GMT"), WallTime{-kSecond});
}

// "Not changed since the year 1" is a condition like any other: dropping it would do more than was
// asked for.
TEST(Dates, WhatHttpCanSayIsTheNearestThereIs) {
  auto first = parse_http_date("Sat, 01 Jan 1678 00:00:00 GMT");
  auto last = parse_http_date("Tue, 31 Dec 2261 23:59:59 GMT");
  ASSERT_TRUE(first && last);
  EXPECT_EQ(http_date(*first), "Sat, 01 Jan 1678 00:00:00 GMT");
  for (std::string_view text : {"Mon, 01 Jan 0001 00:00:00 GMT", "Sat, 01 Jan 0000 00:00:00 GMT",
                                "Mon, 01 Jan 1601 00:00:00 GMT", "Fri, 31 Dec 1677 23:59:59 GMT",
                                "Mon Jan  1 00:00:00 1601"}) {
    EXPECT_EQ(parse_http_date(text), first) << text;
  }
  for (std::string_view text : {"Fri, 31 Dec 9999 23:59:59 GMT", "Wed, 01 Jan 2262 00:00:00 GMT",
                                "Fri Dec 31 23:59:59 9999"}) {
    EXPECT_EQ(parse_http_date(text), last) << text;
  }
  EXPECT_EQ(parse_http_date("Sat, 30 Jun 2012 23:59:60 GMT"),
            parse_http_date("Sun, 01 Jul 2012 00:00:00 GMT"));
}

TEST(Dates, ObsoleteForms) {
  WallTime when = *parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), when);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), when);
  EXPECT_EQ(parse_http_date("Wednesday, 21-Oct-15 07:28:00 GMT"),
            parse_http_date("Wed, 21 Oct 2015 07:28:00 GMT"));
}

TEST(Dates, RefusesWhatIsNoDate) {
  for (std::string_view text :
       {"", "20150230T000000Z", "20150229T000000Z", "20151301T000000Z", "20150001T000000Z",
        "20150100T000000Z", "20150132T000000Z", "20150101T240000Z", "20150101T006000Z",
        "20150101T000060Z", "20150101t000000Z", "20150101T000000z", "2015010aT000000Z",
        "20150101T000000Z ", "99991231T235959Z", "22620101T000000Z", "-0150101T000000Z"}) {
    EXPECT_FALSE(parse_amz_date(text)) << text;
  }
  for (std::string_view text :
       {"", "Wed, 21 Oct 2015 07:28:00 UTC", "Wednesday, 21-Oct-15 07:28:00 UTC",
        "Wed Oct 21 07:28:00", "Wednesday, 31-Feb-15 07:28:00 GMT", "Wed, 21 Okt 2015 07:28:00 GMT",
        "Wed, 32 Oct 2015 07:28:00 GMT", "Wed; 21 Oct 2015 07:28:00 GMT",
        "Wed, 21-Oct-2015 07:28:00 GMT", "Wed, 21 Oct 2015 07.28:00 GMT",
        "Wed, 21 Oct 2015 24:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 GMT ",
        "Wed, 21 Oct 2015 07:28:61 GMT", "Wed, 29 Feb 1601 07:28:00 GMT",
        "Wed, 21 Oct -001 07:28:00 GMT", "Wed, 21 Oct 1x01 07:28:00 GMT"}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
  }
  for (std::string_view text :
       {"", "2015-10-21", "2015-10-21T07:28:00", "2015-10-21 07:28:00Z", "2015-10-21T07:28:00.Z",
        "2015-10-21T07:28:00.1a Z", "2015-10-21T07:28:00,1Z", "2015-10-21T07:28:00+00:00",
        "2015-02-29T07:28:00Z", "2015-10-21T07:28:61Z", "2015-10-21T07:28:00xZ"}) {
    EXPECT_FALSE(parse_iso8601(text)) << text;
  }
}

}  // namespace
}  // namespace forebay
