// The client against servers that say exactly what the test wants, byte by byte.
#include "http/world_test.h"

namespace forebay::http {
namespace {

// What a scripted server does with one connection: waits for `until`, sends `answer`. kStall: it
// neither reads nor ends any more.
struct Line {
  std::string until;
  std::string answer;
};
using Lines = std::vector<Line>;
constexpr const char* kStall = "(stall)";

Task<> serve_one(std::unique_ptr<io::Stream> stream, Lines lines, bool end, Context ctx) {
  Wire wire{std::move(stream), {}};
  for (const Line& line : lines) {
    if (line.until == kStall)
      co_return co_await io::sleep_until(ctx.loop->now() + seconds(60), ctx);
    Result<> seen = co_await wire.expect(line.until, ctx);
    if (!seen) co_return ok;
    wire.read.clear();
    Result<> sent = co_await wire.send(line.answer, ctx);
    if (!sent) co_return ok;
  }
  if (end) co_return ok;
  Result<std::string> rest = co_await wire.drain(ctx);
  co_return ok;
}

// One connection per entry; `end`: closes after its lines, else waits for the client to.
Task<> serve(io::Listener& listener, std::vector<Lines> connections, bool end, Context ctx) {
  io::Group group(ctx);
  for (Lines& lines : connections) {
    Result<std::unique_ptr<io::Stream>> stream = co_await io::accept(listener, ctx);
    if (!stream) break;
    group.spawn(serve_one(std::move(*stream), std::move(lines), end, ctx));
  }
  co_return co_await group.join();
}

struct Scripted {
  Client& client;
  Endpoint endpoint;
  ClientRequest get(std::string method = "GET") {
    ClientRequest out;
    out.method = std::move(method);
    out.endpoint = endpoint;
    return out;
  }
};
using Check = Task<> (*)(Scripted, Context);

Task<> with_script(std::vector<Lines> connections, bool end, ClientOptions options, Check check,
                   Context ctx) {
  auto listener = co_await ctx.loop->listen({"127.0.0.1", 0});
  io::Group group(ctx);
  CancelToken stop;
  group.spawn(serve(*listener, std::move(connections), end, ctx.under(stop)));
  Result<> result = ok;
  {
    Client client(*ctx.loop, std::move(options));
    Endpoint endpoint{false, listener->address().host, listener->address().port};
    result = co_await check({client, endpoint}, ctx);
  }
  stop.cancel();
  Result<> joined = co_await group.join();
  co_return result;  // how the servers ended is of no interest
}

Task<std::string> body_of(ClientResponse response, Context ctx) {
  if (response.body.length == kUnknownLength) response.body.length = 0;
  co_return co_await io::read_all(std::move(response.body), 1 << 20, ctx);
}

class ClientScript : public HttpTest {
 protected:
  void run(std::vector<Lines> connections, bool end, Check check, ClientOptions options = {}) {
    World world(GetParam());
    Result<> result = world.run(
        with_script(std::move(connections), end, std::move(options), check, world.context()));
    EXPECT_TRUE(result) << result.error().text();
  }
};
FOREBAY_IN_ALL_WORLDS(ClientScript);

constexpr const char* kEnd = "\r\n\r\n";

Task<> reads_to_close(Scripted s, Context ctx) {
  ClientResponse response = co_await co_await s.client.send(s.get(), ctx);
  EXPECT_EQ(response.body.length, kUnknownLength);
  EXPECT_FALSE(response.content_length);
  std::string body = co_await co_await body_of(std::move(response), ctx);
  EXPECT_EQ(body, "until the end");
  EXPECT_EQ(s.client.counters().idle.get(), 0u);
  co_return ok;
}
TEST_P(ClientScript, reads_until_the_end) {
  run({{{kEnd, "HTTP/1.1 200 OK\r\n\r\nuntil the end"}}}, true, reads_to_close);
}

Task<> skips_interim(Scripted s, Context ctx) {
  ClientResponse response = co_await co_await s.client.send(s.get(), ctx);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.size(), 1u);
  std::string body = co_await co_await body_of(std::move(response), ctx);
  EXPECT_EQ(body, "ok");
  co_return ok;
}
TEST_P(ClientScript, skips_interim_responses) {
  run({{{kEnd,
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}}},
      false, skips_interim);
}

Task<> is_corrupt(Scripted s, Context ctx) {
  Result<ClientResponse> response = co_await s.client.send(s.get(), ctx);
  EXPECT_FALSE(response);
  if (!response) EXPECT_EQ(response.error().code(), Code::corrupt) << response.error().text();
  EXPECT_EQ(s.client.counters().parse_errors.get(), 1u);
  EXPECT_EQ(s.client.counters().open.get(), 0u);
  co_return ok;
}
TEST_P(ClientScript, refuses_what_is_not_http) {
  for (std::string text :
       {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 700 X\r\n\r\n"}) {
    run({{{kEnd, text}}}, true, is_corrupt);
  }
  run({{{kEnd, "HTTP/1.1 200 OK\r\nA: " + std::string(1000, 'a') + "\r\n\r\n"}}}, true, is_corrupt,
      {.head_bytes = 1000});
}

Task<> is_unavailable(Scripted s, Context ctx) {
  Result<ClientResponse> response = co_await s.client.send(s.get(), ctx);
  Error error = fail(Code::internal, "no error");
  if (response) {
    Result<std::string> body = co_await body_of(std::move(*response), ctx);
    EXPECT_FALSE(body);
    if (!body) error = body.error();
  } else {
    error = response.error();
  }
  EXPECT_EQ(error.code(), Code::unavailable) << error.text();
  EXPECT_EQ(s.client.counters().retries.get(), 0u) << "a new connection is not tried twice";
  co_return ok;
}
TEST_P(ClientScript, notices_early_ends) {
  for (std::string text :
       {"", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"}) {
    run({{{kEnd, text}}}, true, is_unavailable);
  }
}

Task<> broken_chunks(Scripted s, Context ctx) {
  ClientResponse response = co_await co_await s.client.send(s.get(), ctx);
  Result<std::string> body = co_await body_of(std::move(response), ctx);
  EXPECT_FALSE(body);
  if (!body) EXPECT_EQ(body.error().code(), Code::corrupt);
  co_return ok;
}
TEST_P(ClientScript, refuses_broken_chunks) {
  run({{{kEnd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}}}, false,
      broken_chunks);
}

Task<> longer_than_said(Scripted s, Context ctx) {
  ClientResponse response = co_await co_await s.client.send(s.get(), ctx);
  std::string body = co_await co_await body_of(std::move(response), ctx);
  EXPECT_EQ(body, "ok");
  // The rest may have come with the body or may still be on its way; neither is an answer.
  co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(20), ctx);
  ClientResponse second = co_await co_await s.client.send(s.get(), ctx);
  EXPECT_EQ(second.status, 204);
  EXPECT_FALSE(second.reused);
  co_return ok;
}
TEST_P(ClientScript, never_takes_a_rest_for_an_answer) {
  run({{{kEnd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 Smuggled\r\n\r\n"}},
       {{kEnd, "HTTP/1.1 204 No Content\r\n\r\n"}}},
      false, longer_than_said);
}

const Lines kOnceThenGone = {{kEnd, "HTTP/1.1 204 No Content\r\n\r\n"}, {kEnd, ""}};
const Lines kOnce = {{kEnd, "HTTP/1.1 204 No Content\r\n\r\n"}};

Task<> retried(Scripted s, Context ctx) {
  co_await co_await s.client.send(s.get(), ctx);
  ClientResponse second = co_await co_await s.client.send(s.get(), ctx);
  EXPECT_EQ(second.status, 204);
  EXPECT_EQ(s.client.counters().retries.get(), 1u);
  EXPECT_EQ(s.client.counters().connects.get(), 2u);
  co_return ok;
}
TEST_P(ClientScript, tries_again_when_a_pooled_connection_had_died) {
  run({kOnceThenGone, kOnce}, true, retried);
}

Task<> not_retried(Scripted s, Context ctx) {
  co_await co_await s.client.send(s.get(), ctx);
  ClientRequest put = s.get("PUT");
  put.body = io::Body::of(Bytes("x"));
  Result<ClientResponse> second = co_await s.client.send(std::move(put), ctx);
  EXPECT_FALSE(second);
  if (!second) EXPECT_EQ(second.error().code(), Code::unavailable) << "outcome unknown";
  EXPECT_EQ(s.client.counters().retries.get(), 0u);
  co_return ok;
}
TEST_P(ClientScript, never_repeats_a_write) { run({kOnceThenGone, kOnce}, true, not_retried); }

Task<> spare_not_retried(Scripted s, Context ctx) {
  co_await co_await s.client.send(s.get(), ctx);
  ClientRequest spare = s.get();
  spare.spare = true;
  Result<ClientResponse> second = co_await s.client.send(std::move(spare), ctx);
  EXPECT_FALSE(second);
  if (!second) EXPECT_EQ(second.error().code(), Code::unavailable);
  EXPECT_EQ(s.client.counters().retries.get(), 0u);
  co_return ok;
}
TEST_P(ClientScript, never_repeats_what_nobody_misses) {
  run({kOnceThenGone}, true, spare_not_retried);
}

Task<> not_retried_after_a_byte(Scripted s, Context ctx) {
  co_await co_await s.client.send(s.get(), ctx);
  Result<ClientResponse> second = co_await s.client.send(s.get(), ctx);
  EXPECT_FALSE(second);
  EXPECT_EQ(s.client.counters().retries.get(), 0u);
  co_return ok;
}
TEST_P(ClientScript, does_not_repeat_once_it_was_heard) {
  run({{{kEnd, "HTTP/1.1 204 No Content\r\n\r\n"}, {kEnd, "H"}}, kOnce}, true,
      not_retried_after_a_byte);
}

Task<> times_out(Scripted s, Context ctx) {
  Result<ClientResponse> response = co_await s.client.send(s.get(), ctx);
  Code code = Code::internal;
  if (response) {
    Result<std::string> body = co_await body_of(std::move(*response), ctx);
    if (!body) code = body.error().code();
  } else {
    code = response.error().code();
  }
  EXPECT_EQ(code, Code::timeout);
  co_return ok;
}
TEST_P(ClientScript, gives_up_without_progress) {
  ClientOptions options{.progress_timeout = milliseconds(50), .answer_timeout = milliseconds(50)};
  for (std::string text : {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"}) {
    run({{{kEnd, text}}}, false, times_out, options);
  }
}

Task<> no_continue(Scripted s, Context ctx) {
  ClientRequest put = s.get("PUT");
  put.body = io::Body::of(Bytes("body"));
  put.expect_continue = true;
  ClientResponse response = co_await co_await s.client.send(std::move(put), ctx);
  EXPECT_EQ(response.status, 201);
  co_return ok;
}
TEST_P(ClientScript, sends_anyway_when_no_100_comes) {
  run({{{"body", "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"}}}, false, no_continue,
      {.continue_timeout = milliseconds(20)});
}

Task<> early_refusal(Scripted s, Context ctx) {
  ClientRequest put = s.get("PUT");
  put.body = {20 << 20, std::make_unique<Pieces>(pattern(20 << 20), 1 << 20)};
  ClientResponse response = co_await co_await s.client.send(std::move(put), ctx);
  EXPECT_EQ(response.status, 403) << "what the server said, not that it stopped listening";
  EXPECT_EQ(s.client.counters().idle.get(), 0u);
  co_return ok;
}
TEST_P(ClientScript, hears_an_early_refusal) {
  run({{{kEnd, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"}, {kStall, ""}}}, false,
      early_refusal, {.progress_timeout = milliseconds(200)});
}

}  // namespace
}  // namespace forebay::http
