#include "http/head.h"

#include <gtest/gtest.h>

#include "http/framing.h"

namespace forebay::http {
namespace {

HeadScanner::Found scan(std::string_view bytes, HeadLimits limits = {}) {
  return HeadScanner(limits).scan(bytes);
}

TEST(HeadScanner, finds_the_end_however_the_bytes_arrive) {
  std::string head = "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n";
  std::string bytes = head + "body";
  EXPECT_EQ(scan(bytes).size, head.size());
  for (size_t step = 1; step <= bytes.size(); ++step) {
    HeadScanner scanner({});
    size_t have = 0;
    HeadScanner::Found found;
    while (found.size == 0 && have < bytes.size()) {
      have = std::min(have + step, bytes.size());
      found = scanner.scan(std::string_view(bytes).substr(0, have));
      ASSERT_FALSE(found.fault) << found.fault.reason;
    }
    EXPECT_EQ(found.size, head.size()) << "in steps of " << step;
  }
}

TEST(HeadScanner, refuses_what_no_parser_should_see) {
  EXPECT_EQ(scan("GET / HTTP/1.1\nHost: x\r\n\r\n").fault.status, 400);
  EXPECT_EQ(scan("GET / HTTP/1.1\r\nHost: x\n\r\n").fault.status, 400);
  EXPECT_EQ(scan("GET / HTTP/1.1\r\nHost: x\r\n\n").fault.status, 400);
  EXPECT_EQ(scan("GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n").fault.status, 400);
  EXPECT_EQ(scan("GET / HTTP/1.1\r\n\tHost: x\r\n\r\n").fault.status, 400);
  EXPECT_EQ(scan("\r\nGET / HTTP/1.1\r\n\r\n").fault.status, 400);
}

TEST(HeadScanner, keeps_its_limits_to_the_byte) {
  std::string line = "GET / HTTP/1.1\r\n";
  std::string field = "A: " + std::string(100, 'b') + "\r\n";
  std::string head = line + field + "\r\n";
  EXPECT_EQ(scan(head, {head.size(), 1}).size, head.size());
  EXPECT_EQ(scan(head + "more", {head.size(), 1}).size, head.size());
  EXPECT_EQ(scan(head, {head.size() - 1, 1}).fault.status, 431);
  EXPECT_EQ(scan(head.substr(0, head.size() - 1), {head.size() - 1, 1}).fault.status, 431);
  EXPECT_EQ(scan(head, {1000, 0}).fault.status, 431) << "one field too many";
  // Not even the request line has ended.
  EXPECT_EQ(scan("GET /" + std::string(100, 'x'), {105, 1}).fault.status, 414);
  EXPECT_FALSE(scan("GET /" + std::string(100, 'x'), {106, 1}).fault);
}

TEST(Parse, shows_a_request_where_it_lies) {
  std::string text =
      "PUT /b/k%20x?uploadId=1&x HTTP/1.1\r\nHost: h:9000\r\nX-Amz-Date:  20250101T000000Z \r\n"
      "Empty:\r\nUtf: \xc3\xa4\r\n\r\n";
  RequestHead head;
  ASSERT_FALSE(parse(text, head));
  EXPECT_EQ(head.method, "PUT");
  EXPECT_EQ(head.target, "/b/k%20x?uploadId=1&x");
  EXPECT_EQ(head.version, 11);
  ASSERT_EQ(head.headers.size(), 4u);
  EXPECT_EQ(head.headers[1].name, "X-Amz-Date");
  EXPECT_EQ(head.headers[1].value, "20250101T000000Z");
  EXPECT_EQ(head.headers[2].value, "");
  EXPECT_EQ(head.headers[3].value, "\xc3\xa4");
  for (const Header& header : head.headers) {
    EXPECT_GE(header.name.data(), text.data());
    EXPECT_LE(header.name.data(), text.data() + text.size());
  }
  // The same object again: nothing of the old head stays.
  std::string next = "GET / HTTP/1.0\r\n\r\n";
  ASSERT_FALSE(parse(next, head));
  EXPECT_EQ(head.version, 10);
  EXPECT_TRUE(head.headers.empty());
}

TEST(Parse, shows_a_response) {
  ResponseHead head;
  std::string text = "HTTP/1.1 206 Partial Content\r\nETag: \"x\"\r\n\r\n";
  ASSERT_FALSE(parse(text, head));
  EXPECT_EQ(head.status, 206);
  EXPECT_EQ(head.reason, "Partial Content");
  ASSERT_FALSE(parse("HTTP/1.1 200 \r\n\r\n", head));
  EXPECT_EQ(head.reason, "");
  EXPECT_TRUE(parse("HTTP/1.1 2000 OK\r\n\r\n", head));
  EXPECT_TRUE(parse("HTTP/2.0 200 OK\r\n\r\n", head));
  EXPECT_TRUE(parse("ICY 200 OK\r\n\r\n", head));
}

struct Refused {
  const char* what;
  std::string text;
  int status;
};

class ParseRefuses : public testing::TestWithParam<Refused> {};

TEST_P(ParseRefuses, with_its_status) {
  RequestHead head;
  std::string text = GetParam().text;
  EXPECT_EQ(parse(text, head).status, GetParam().status) << GetParam().what;
}

INSTANTIATE_TEST_SUITE_P(
    Http, ParseRefuses,
    testing::Values(
        Refused{"a space before the colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400},
        Refused{"no colon", "GET / HTTP/1.1\r\nHost\r\n\r\n", 400},
        Refused{"no name", "GET / HTTP/1.1\r\n: x\r\n\r\n", 400},
        Refused{"a name that is no token", "GET / HTTP/1.1\r\nHo(st: x\r\n\r\n", 400},
        Refused{"a control character in a value", "GET / HTTP/1.1\r\nA: x\x01y\r\n\r\n", 400},
        Refused{"a NUL in a value", std::string("GET / HTTP/1.1\r\nA: x\0y\r\n\r\n", 25), 400},
        Refused{"a bare CR in a value", "GET / HTTP/1.1\r\nA: x\ry\r\n\r\n", 400},
        Refused{"a method that is no token", "G(T / HTTP/1.1\r\n\r\n", 400},
        Refused{"no method", " / HTTP/1.1\r\n\r\n", 400},
        Refused{"no target", "GET  HTTP/1.1\r\n\r\n", 400},
        Refused{"a blank in the target", "GET /a b HTTP/1.1\r\n\r\n", 400},
        Refused{"HTTP/0.9", "GET /\r\n\r\n", 400},
        Refused{"not HTTP", "GET / HTTQ/1.1\r\n\r\n", 400},
        Refused{"HTTP/2", "PRI * HTTP/2.0\r\n\r\n", 505},
        Refused{"HTTP/1.2", "GET / HTTP/1.2\r\n\r\n", 505}));

}  // namespace
}  // namespace forebay::http
