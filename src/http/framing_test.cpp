#include "http/framing.h"

#include <gtest/gtest.h>

namespace forebay::http {
namespace {

// Scanner, parser and rules together, as a connection uses them.
struct Read {
  std::string text;
  RequestHead head;
  Request request;
  RequestMeaning meaning;
  Fault fault;

  explicit Read(std::string bytes) : text(std::move(bytes)) {
    HeadScanner::Found found = HeadScanner({}).scan(text);
    fault = found.fault;
    if (!fault && found.size == 0) fault = {1, "incomplete"};
    if (!fault) fault = parse(std::string_view(text).substr(0, found.size), head);
    if (!fault) fault = interpret(head, request, meaning);
  }
};

std::string post(std::string fields) { return "POST / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n"; }

std::string get_from(std::string host) { return "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"; }

std::string absolute(std::string target, std::string host) {
  return "GET " + target + "/k HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
}

struct Smuggled {
  const char* what;
  std::string text;
  int status;
};

class Smuggling : public testing::TestWithParam<Smuggled> {};

TEST_P(Smuggling, is_refused) {
  EXPECT_EQ(Read(GetParam().text).fault.status, GetParam().status) << GetParam().what;
}

INSTANTIATE_TEST_SUITE_P(
    Http, Smuggling,
    testing::Values(
        Smuggled{"CL.TE", post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n"), 400},
        Smuggled{"TE.CL", post("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n"), 400},
        Smuggled{"CL.TE unknown", post("Content-Length: 6\r\nTransfer-Encoding: x\r\n"), 400},
        Smuggled{"two lengths", post("Content-Length: 6\r\nContent-Length: 5\r\n"), 400},
        Smuggled{"a length twice", post("Content-Length: 6\r\nContent-Length: 6\r\n"), 400},
        Smuggled{"a list of lengths", post("Content-Length: 6, 6\r\n"), 400},
        Smuggled{"a signed length", post("Content-Length: +6\r\n"), 400},
        Smuggled{"a hex length", post("Content-Length: 0x6\r\n"), 400},
        Smuggled{"an empty length", post("Content-Length:\r\n"), 400},
        Smuggled{"a length over 2^64", post("Content-Length: 18446744073709551616\r\n"), 400},
        Smuggled{"our sentinel", post("Content-Length: 18446744073709551615\r\n"), 400},
        Smuggled{"TE twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
                 400},
        Smuggled{"TE other", post("Transfer-Encoding: gzip\r\n"), 501},
        Smuggled{"TE list", post("Transfer-Encoding: gzip, chunked\r\n"), 501},
        Smuggled{"TE chunked first", post("Transfer-Encoding: chunked, identity\r\n"), 501},
        Smuggled{"TE chunked twice", post("Transfer-Encoding: chunked, chunked\r\n"), 501},
        Smuggled{"TE in quotes", post("Transfer-Encoding: \"chunked\"\r\n"), 501},
        Smuggled{"TE with a vertical tab",
                 post("Transfer-Encoding: \x0b"
                      "chunked\r\n"),
                 400},
        Smuggled{"TE folded", post("Transfer-Encoding:\r\n chunked\r\n"), 400},
        Smuggled{"TE with a space", post("Transfer-Encoding : chunked\r\n"), 400},
        Smuggled{"a line ended by LF", post("X: y\nTransfer-Encoding: chunked\r\n"), 400},
        Smuggled{"TE in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        Smuggled{"two hosts", post("Host: y\r\n"), 400},
        Smuggled{"no host", "GET / HTTP/1.1\r\n\r\n", 400},
        Smuggled{"a host that is none", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        Smuggled{"a host with two ports", get_from("a.x:1:2"), 400},
        Smuggled{"a port that is none", get_from("a.x:y"), 400},
        Smuggled{"a dot behind the port", get_from("a.x:80."), 400},
        Smuggled{"a port alone", get_from(":80"), 400},
        Smuggled{"a name in brackets", get_from("[x].a.x"), 400},
        Smuggled{"a name behind an address", get_from("[::1].a.x"), 400},
        Smuggled{"no address in brackets", get_from("[x]"), 400},
        Smuggled{"brackets left open", get_from("[::1"), 400},
        Smuggled{"an encoded host", get_from("%61%2fa.x"), 400},
        Smuggled{"two dots behind the host", get_from("a.x.."), 400},
        Smuggled{"two dots before the port", get_from("a.x..:80"), 400},
        Smuggled{"two hosts in one", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
        Smuggled{"a relative target", "GET k HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Smuggled{"* for GET", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Smuggled{"another scheme", "GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Smuggled{"an authority with user", "GET http://u@x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Smuggled{"another host in the target", absolute("http://b.x", "a.x"), 400},
        Smuggled{"another port in the target", absolute("http://x:81", "x:80"), 400},
        Smuggled{"a port only in the target", absolute("http://x:81", "x"), 400},
        Smuggled{"https on the port of http", absolute("https://x", "x:80"), 400},
        Smuggled{"a target beside an empty Host", absolute("http://x", ""), 400},
        Smuggled{"a dot behind the target's host", absolute("http://x.", "x"), 400},
        Smuggled{"another spelling of the host", absolute("http://%78", "x"), 400},
        Smuggled{"another address", absolute("http://[::1]:9", "[::2]:9"), 400},
        Smuggled{"two hosts in 1.0", "GET http://b/ HTTP/1.0\r\nHost: a\r\n\r\n", 400},
        Smuggled{"CONNECT", "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 501}));

TEST(Interpret, hosts_are_taken_as_they_are) {
  for (const char* host : {"", "a", "a.x", "a.x.", "a.x.:80", "a.x:", "A-b_c.x:9000", "127.0.0.1:1",
                           "[::1]", "[::1]:80", "[::ffff:127.0.0.1]:80", "[FE80::1]:"}) {
    Read read(get_from(host));
    ASSERT_FALSE(read.fault) << host << ": " << read.fault.reason;
    EXPECT_EQ(read.request.authority, host);
  }
}

TEST(Interpret, finds_the_body) {
  Read length(post("content-LENGTH: 12\r\n"));
  ASSERT_FALSE(length.fault);
  EXPECT_EQ(length.meaning.framing, Framing::length);
  EXPECT_EQ(length.request.content_length, 12u);
  EXPECT_TRUE(length.request.has_body());

  Read zero(post("Content-Length: 0\r\nExpect: 100-continue\r\n"));
  ASSERT_FALSE(zero.fault);
  EXPECT_EQ(zero.meaning.framing, Framing::none);
  EXPECT_EQ(zero.request.content_length, 0u);
  EXPECT_FALSE(zero.request.expect_continue) << "there is nothing to wait for";

  Read chunked(post("Transfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n"));
  ASSERT_FALSE(chunked.fault);
  EXPECT_EQ(chunked.meaning.framing, Framing::chunked);
  EXPECT_TRUE(chunked.request.chunked);
  EXPECT_TRUE(chunked.request.expect_continue);
  EXPECT_FALSE(chunked.request.content_length);

  Read none(post(""));
  ASSERT_FALSE(none.fault);
  EXPECT_EQ(none.meaning.framing, Framing::none);
  EXPECT_FALSE(none.request.has_body());

  Read largest(post("Content-Length: 18446744073709551614\r\n"));
  ASSERT_FALSE(largest.fault);
  EXPECT_EQ(largest.request.content_length, 18446744073709551614u);
}

TEST(Interpret, splits_targets) {
  auto check = [](std::string target, std::string path, std::string query, std::string authority,
                  std::string method = "GET") {
    Read read(method + " " + target + " HTTP/1.1\r\nHost: host:1\r\n\r\n");
    ASSERT_FALSE(read.fault) << target << ": " << read.fault.reason;
    EXPECT_EQ(read.request.path, path) << target;
    EXPECT_EQ(read.request.query, query) << target;
    EXPECT_EQ(read.request.authority, authority) << target;
    EXPECT_EQ(read.request.target, target);
  };
  check("/", "/", "", "host:1");
  check("/a%2Fb/c?x=1?y", "/a%2Fb/c", "x=1?y", "host:1");
  check("/?list-type=2", "/", "list-type=2", "host:1");
  check("//x", "//x", "", "host:1");
  check("http://HOST:1/p?q", "/p", "q", "host:1");
  check("HTTPS://host:1?q", "/", "q", "host:1");
  check("http://host:1", "/", "", "host:1");
  check("*", "*", "", "host:1", "OPTIONS");
}

// What is routed is what was signed: the Host field, where there is one.
TEST(Interpret, the_authority_is_the_hosts) {
  struct Case {
    const char *target, *host, *authority;
  };
  for (const Case& c :
       {Case{"http://a.x", "a.x:80", "a.x:80"}, Case{"http://a.x:80", "a.x", "a.x"},
        Case{"http://a.x:", "a.x", "a.x"}, Case{"https://a.x:443", "a.x", "a.x"},
        Case{"http://A.x", "a.X", "a.X"}, Case{"http://[::1]:9000", "[::1]:9000", "[::1]:9000"},
        Case{"http://[::1]", "[::1]:80", "[::1]:80"}}) {
    Read read(absolute(c.target, c.host));
    ASSERT_FALSE(read.fault) << c.target << ": " << read.fault.reason;
    EXPECT_EQ(read.request.authority, c.authority);
    EXPECT_EQ(read.request.path, "/k");
  }
  Read old("GET http://a.x/k HTTP/1.0\r\n\r\n");
  ASSERT_FALSE(old.fault);
  EXPECT_EQ(old.request.authority, "a.x");
}

TEST(Interpret, other_expectations_are_passed_over) {
  for (const char* value : {"200-ok", "fish=1", "", "100-continued"}) {
    Read read(post("Content-Length: 1\r\nExpect: " + std::string(value) + "\r\n"));
    ASSERT_FALSE(read.fault) << value;
    EXPECT_FALSE(read.request.expect_continue) << value;
  }
  Read both(post("Content-Length: 1\r\nExpect: fish, 100-Continue\r\n"));
  EXPECT_TRUE(both.request.expect_continue);
}

TEST(Interpret, decides_about_the_connection) {
  auto keeps = [](std::string version, std::string field) {
    Read read("GET / HTTP/" + version + "\r\nHost: x\r\n" + field + "\r\n");
    EXPECT_FALSE(read.fault) << field;
    return read.meaning.keep_alive;
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_TRUE(keeps("1.1", "Connection: keep-alive\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: x, Close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: close\r\nConnection: keep-alive\r\n"));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_TRUE(keeps("1.0", "Connection: Keep-Alive\r\n"));
}

ResponseMeaning read_response(std::string text, std::string_view method, bool good = true) {
  ResponseHead head;
  ResponseMeaning meaning;
  Fault fault = parse(text, head);
  if (!fault) fault = interpret(head, method, meaning);
  EXPECT_EQ(!fault, good) << text;
  return meaning;
}

TEST(Interpret, finds_the_body_of_a_response) {
  auto plain = read_response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "GET");
  EXPECT_EQ(plain.framing, Framing::length);
  EXPECT_TRUE(plain.keep_alive);
  auto head = read_response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD");
  EXPECT_EQ(head.framing, Framing::none);
  EXPECT_EQ(head.content_length, 5u);
  auto unmodified = read_response("HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n", "GET");
  EXPECT_EQ(unmodified.framing, Framing::none);
  EXPECT_EQ(read_response("HTTP/1.1 204 X\r\n\r\n", "DELETE").framing, Framing::none);
  auto empty = read_response("HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n", "GET");
  EXPECT_EQ(empty.framing, Framing::none);
  EXPECT_EQ(read_response("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n", "GET").framing,
            Framing::chunked);
  auto old = read_response("HTTP/1.0 200 X\r\n\r\n", "GET");
  EXPECT_EQ(old.framing, Framing::until_close);
  EXPECT_FALSE(old.keep_alive);
  EXPECT_FALSE(read_response("HTTP/1.1 200 X\r\n\r\n", "GET").keep_alive);
  read_response("HTTP/1.1 200 X\r\nTransfer-Encoding: gzip\r\n\r\n", "GET", false);
  read_response("HTTP/1.1 200 X\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "GET", false);
}

}  // namespace
}  // namespace forebay::http
