#include "http/server.h"

#include "http/world_test.h"

namespace forebay::http {
namespace {

class ServerTest : public HttpTest {};
FOREBAY_IN_ALL_WORLDS(ServerTest);

Task<> keep_alive_then_close(Setup s, Context ctx) {
  Wire wire = co_await co_await s.dial(ctx);
  for (int i = 0; i < 3; ++i) {
    co_await co_await wire.send(get("/nothing"), ctx);
    co_await co_await wire.expect("nothing here", ctx);
    EXPECT_TRUE(wire.read.starts_with("HTTP/1.1 404 Not Found\r\nDate: ")) << wire.read;
    EXPECT_NE(wire.read.find("\r\nContent-Length: 12\r\n"), std::string::npos);
    EXPECT_EQ(wire.read.find("Connection:"), std::string::npos);
    wire.read.clear();
  }
  co_await co_await wire.send(get("/nothing", "Connection: close\r\n"), ctx);
  std::string last = co_await co_await wire.drain(ctx);
  EXPECT_NE(last.find("\r\nConnection: close\r\n"), std::string::npos) << last;
  EXPECT_EQ(s.server.counters().requests.get(), 4u);
  EXPECT_EQ(s.server.counters().accepted.get(), 1u);
  EXPECT_EQ(s.handler.last_sent, 12u);
  EXPECT_FALSE(s.handler.last_error);
  co_return ok;
}
TEST_P(ServerTest, keeps_connections) { with_server(keep_alive_then_close); }

Task<> pipelining(Setup s, Context ctx) {
  Wire wire = co_await co_await s.dial(ctx);
  std::string all;
  for (int i = 0; i < 100; ++i) all += get("/pattern?" + std::to_string(i));
  all +=
      "\r\n\r\nPOST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n0\r\n\r\n";
  all += "POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345";
  all += get("/nothing", "Connection: close\r\n");
  co_await co_await wire.send(all, ctx);
  std::string answers = co_await co_await wire.drain(ctx);
  std::string_view rest = answers;
  for (size_t i = 0; i < 103; ++i) {
    size_t end = rest.find("\r\n\r\n");
    EXPECT_NE(end, std::string_view::npos);
    if (end == std::string_view::npos) break;
    std::string body = i < 100 ? pattern(i) : i == 100 ? "hello" : i == 101 ? "no" : "nothing here";
    EXPECT_EQ(rest.substr(end + 4, body.size()), body) << i;
    rest.remove_prefix(end + 4 + body.size());
  }
  EXPECT_EQ(rest, "");
  EXPECT_EQ(s.handler.paths.size(), 103u);
  co_return ok;
}
TEST_P(ServerTest, answers_pipelined_requests_in_order) { with_server(pipelining); }

Task<> large_pipelined_head_after_chunked(Setup s, Context ctx) {
  Wire wire = co_await co_await s.dial(ctx);
  std::string big(20000, 'f');
  std::string all = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  all += "4e20\r\n" + big + "\r\n0\r\n\r\n";
  for (int i = 0; i < 4; ++i) all += get("/nothing", "A: " + big + "\r\n");
  all += get("/nothing", "Connection: close\r\n");
  // Who only sends, while the first answer finds no room on its way, waits for ever.
  io::Group group(ctx);
  group.spawn(wire.send(all, ctx));
  Result<std::string> drained = co_await wire.drain(ctx);
  co_await co_await group.join();
  std::string answers = co_await std::move(drained);
  EXPECT_NE(answers.find(big), std::string::npos);
  EXPECT_EQ(s.handler.paths.size(), 6u);
  co_return ok;
}
TEST_P(ServerTest, keeps_what_follows_a_chunked_body) {
  with_server(large_pipelined_head_after_chunked);
}

Task<> expectation(Setup s, Context ctx) {
  Wire wire = co_await co_await s.dial(ctx);
  std::string head = " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
  co_await co_await wire.send("PUT /echo" + head, ctx);
  co_await co_await wire.expect("HTTP/1.1 100 Continue\r\n\r\n", ctx);
  EXPECT_EQ(wire.read.size(), 25u) << "nothing else before the body";
  co_await co_await wire.send("hello", ctx);
  co_await co_await wire.expect("hello", ctx);
  wire.read.clear();
  // A handler that does not want the body: no 100, and the connection ends.
  co_await co_await wire.send("PUT /unread" + head, ctx);
  std::string answer = co_await co_await wire.drain(ctx);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  co_return ok;
}
TEST_P(ServerTest, continues_lazily) { with_server(expectation); }

Task<> bodies(Setup s, Context ctx) {
  Wire wire = co_await co_await s.dial(ctx);
  // Around the sizes of the buffers.
  for (size_t size : {1u, 16383u, 16384u, 16385u, 262143u, 262144u, 600000u}) {
    std::string body = pattern(size);
    co_await co_await wire.send("PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                                    std::to_string(size) + "\r\n\r\n" + body,
                                ctx);
    co_await co_await wire.expect(body, ctx);
    wire.read.clear();
  }
  EXPECT_EQ(s.server.counters().accepted.get(), 1u);
  co_return ok;
}
TEST_P(ServerTest, reads_bodies_of_all_sizes) { with_server(bodies); }

Task<> heads_only(Setup s, Context ctx) {
  Wire wire = co_await co_await s.dial(ctx);
  co_await co_await wire.send("HEAD /head?1234 HTTP/1.1\r\nHost: x\r\n\r\n", ctx);
  co_await co_await wire.expect("\r\n\r\n", ctx);
  EXPECT_NE(wire.read.find("Content-Length: 1234\r\n"), std::string::npos) << wire.read;
  EXPECT_TRUE(wire.read.ends_with("\r\n\r\n"));
  wire.read.clear();
  co_await co_await wire.send("HEAD /pattern?9 HTTP/1.1\r\nHost: x\r\n\r\n", ctx);
  co_await co_await wire.expect("\r\n\r\n", ctx);
  EXPECT_NE(wire.read.find("Content-Length: 9\r\n"), std::string::npos) << wire.read;
  wire.read.clear();
  for (std::string status : {"204", "304"}) {
    co_await co_await wire.send(get("/status?" + status), ctx);
    co_await co_await wire.expect("\r\n\r\n", ctx);
    EXPECT_EQ(wire.read.find("Content-Length"), std::string::npos) << wire.read;
    EXPECT_TRUE(wire.read.ends_with("\r\n\r\n"));
    wire.read.clear();
  }
  co_await co_await wire.send(get("/nothing"), ctx);
  co_await co_await wire.expect("nothing here", ctx);
  EXPECT_TRUE(wire.read.starts_with("HTTP/1.1 404")) << "no stray body in between";
  co_return ok;
}
TEST_P(ServerTest, sends_no_body_where_none_belongs) { with_server(heads_only); }

Task<> old_clients(Setup s, Context ctx) {
  Wire wire = co_await co_await s.dial(ctx);
  co_await co_await wire.send("GET /nothing HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", ctx);
  co_await co_await wire.expect("nothing here", ctx);
  EXPECT_NE(wire.read.find("Connection: keep-alive\r\n"), std::string::npos);
  wire.read.clear();
  co_await co_await wire.send("GET /chunked?20000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", ctx);
  std::string answer = co_await co_await wire.drain(ctx);
  EXPECT_EQ(answer.find("Transfer-Encoding"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n" + pattern(20000)));
  co_return ok;
}
TEST_P(ServerTest, serves_http_1_0) { with_server(old_clients); }

Task<> unread_bodies(Setup s, Context ctx) {
  // Up to drain_bytes the connection stays, one byte more and it goes; the answer arrives anyway.
  for (size_t extra : {0u, 1u}) {
    Wire wire = co_await co_await s.dial(ctx);
    size_t size = 1000 + extra;
    co_await co_await wire.send(
        "PUT /unread HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
            std::string(size, 'b') + get("/nothing"),
        ctx);
    if (extra == 0) {
      co_await co_await wire.expect("nothing here", ctx);
    } else {
      std::string answer = co_await co_await wire.drain(ctx);
      EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
      EXPECT_TRUE(answer.ends_with("no")) << answer;
    }
  }
  // Chunked: nobody knows before, so the connection ends when it gets too much.
  Wire wire = co_await co_await s.dial(ctx);
  std::string chunk = "1000\r\n" + std::string(4096, 'c') + "\r\n";
  co_await co_await wire.send(
      "PUT /unread HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + chunk, ctx);
  std::string answer = co_await co_await wire.drain(ctx);
  EXPECT_TRUE(answer.ends_with("no")) << answer;
  co_return ok;
}
TEST_P(ServerTest, drains_unread_bodies_within_bounds) {
  with_server(unread_bodies, {.drain_bytes = 1000, .linger = milliseconds(50)});
}

Task<> broken_sources(Setup s, Context ctx) {
  Wire wire = co_await co_await s.dial(ctx);
  co_await co_await wire.send(get("/short?20000"), ctx);
  Result<std::string> answer = co_await wire.drain(ctx);
  // A reset, or at least an end short of the length: never a whole answer.
  EXPECT_FALSE(answer) << "an orderly end";
  if (!answer) EXPECT_EQ(answer.error().code(), Code::unavailable);
  EXPECT_LE(wire.read.size(), 10500u);
  while (!s.handler.last_error) co_await co_await io::yield(ctx);
  EXPECT_EQ(s.handler.last_error->text(), "bad block");
  EXPECT_EQ(s.server.counters().broken_bodies.get(), 1u);

  Wire failing = co_await co_await s.dial(ctx);
  co_await co_await failing.send(get("/fail"), ctx);
  co_await co_await failing.expect("HTTP/1.1 500 ", ctx);
  co_return ok;
}
TEST_P(ServerTest, ends_broken_bodies_short) { with_server(broken_sources); }

Task<> file_slices(Setup s, Context ctx) {
  std::string text = pattern(3 << 20);
  s.handler.file = s.world.file("slices", text);
  Wire wire = co_await co_await s.dial(ctx);
  for (size_t offset : {size_t{0}, text.size() - 8193, text.size() - 8192, text.size() - 1}) {
    co_await co_await wire.send(get("/file?" + std::to_string(offset)), ctx);
    co_await co_await wire.expect("\r\n\r\n", ctx);
    co_await co_await wire.expect(text.substr(offset), ctx);
    EXPECT_TRUE(wire.read.ends_with(text.substr(offset)));
    wire.read.clear();
  }
  co_return ok;
}
TEST_P(ServerTest, sends_files) { with_server(file_slices); }

Task<> refusals(Setup s, Context ctx) {
  struct Case {
    std::string text;
    std::string status;
  };
  std::string fields;
  for (int i = 0; i < 10; ++i) fields += "A: b\r\n";
  std::vector<Case> cases{
      {"nonsense\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       "400"},
      {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
      {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", "505"},
      {get("/", fields), "431"},
      {get("/", "A: " + std::string(2000, 'a') + "\r\n"), "431"},
      {get("/" + std::string(2000, 'a')), "414"},
  };
  for (const Case& c : cases) {
    Wire wire = co_await co_await s.dial(ctx);
    co_await co_await wire.send(c.text + get("/nothing"), ctx);
    std::string answer = co_await co_await wire.drain(ctx);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + c.status + " ")) << c.text << answer;
    EXPECT_NE(answer.find("Connection: close"), std::string::npos);
    EXPECT_EQ(answer.find("nothing here"), std::string::npos) << "served after a bad head";
  }
  EXPECT_EQ(s.server.counters().parse_errors.get(), cases.size());
  EXPECT_EQ(s.server.counters().requests.get(), 0u);
  co_return ok;
}
TEST_P(ServerTest, refuses_and_closes) {
  with_server(refusals, {.head_bytes = 1000, .head_fields = 10, .linger = milliseconds(50)});
}

Task<> broken_bodies(Setup s, Context ctx) {
  Wire early = co_await co_await s.dial(ctx);
  co_await co_await early.send("PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
                               ctx);
  early.stream->shutdown_write();
  std::string answer = co_await co_await early.drain(ctx);
  EXPECT_TRUE(answer.ends_with("IncompleteBody")) << answer;

  Wire loose = co_await co_await s.dial(ctx);
  co_await co_await loose.send(
      "PUT /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc", ctx);
  answer = co_await co_await loose.drain(ctx);
  EXPECT_TRUE(answer.ends_with("InvalidRequest")) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  co_return ok;
}
TEST_P(ServerTest, tells_handlers_of_broken_bodies) {
  with_server(broken_bodies, {.linger = milliseconds(50)});
}

}  // namespace
}  // namespace forebay::http
