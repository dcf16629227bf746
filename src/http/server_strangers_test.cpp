// Who has shown no right to be here holds nothing for long, and makes room first.
#include "http/world_test.h"

namespace forebay::http {
namespace {

class Strangers : public HttpTest {};
FOREBAY_IN_ALL_WORLDS(Strangers);

Task<> until_open(Setup s, uint64_t count, Context ctx) {
  while (s.server.counters().open.get() != count) {
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(1), ctx);
  }
  co_return ok;
}

Task<> trickle_body(Setup s, Context ctx) {
  Wire wire = co_await co_await s.dial(ctx);
  co_await co_await wire.send("PUT /stranger HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n",
                              ctx);
  co_await co_await wire.expect("\r\n\r\n", ctx);
  // Always a byte before its time is out, 10 of 9999 in a refusal's time.
  size_t sent = 0;
  while (sent < 1000 && co_await wire.send("x", ctx)) {
    ++sent;
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(10), ctx);
    if (s.server.counters().open.get() == 0) break;
  }
  EXPECT_LT(sent, 1000u) << "the connection outlived its refusal";
  EXPECT_EQ(s.server.counters().timeouts.get(), 1u);
  co_return ok;
}
TEST_P(Strangers, a_refused_body_is_not_awaited_for_long) {
  with_server(trickle_body, {.refusal_timeout = milliseconds(100), .linger = milliseconds(10)});
}

Task<> slow_answer(Setup s, Context ctx) {
  Wire wire = co_await co_await s.dial(ctx);
  co_await co_await wire.send(get("/stranger?60000000"), ctx);
  // Reads a little again and again, each time before send_timeout.
  std::vector<std::byte> buffer(64 << 10);
  size_t reads = 0;
  for (; reads < 500 && s.server.counters().open.get() > 0; ++reads) {
    Result<size_t> count = co_await io::Read(*wire.stream, buffer, ctx);
    if (!count || *count == 0) break;
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(10), ctx);
  }
  EXPECT_LT(reads, 500u) << "a refusal was read for as long as its reader liked";
  EXPECT_EQ(s.server.counters().open.get(), 0u);
  co_return ok;
}
TEST_P(Strangers, an_answer_to_one_ends_in_time) {
  with_server(slow_answer, {.refusal_timeout = milliseconds(200), .linger = milliseconds(10)});
}

Task<> full_of_strangers(Setup s, Context ctx) {
  Wire known = co_await co_await s.dial(ctx);
  co_await co_await known.send(get("/nothing"), ctx);
  co_await co_await known.expect("nothing here", ctx);
  // One has not said anything, one stopped in its head, one in a body that was refused.
  Wire silent = co_await co_await s.dial(ctx);
  Wire halfway = co_await co_await s.dial(ctx);
  co_await co_await halfway.send("GET / HT", ctx);
  Wire refused = co_await co_await s.dial(ctx);
  co_await co_await refused.send("PUT /stranger HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx",
                                 ctx);
  co_await co_await refused.expect("\r\n\r\n", ctx);
  co_await co_await until_open(s, 4, ctx);
  EXPECT_EQ(s.server.counters().strangers.get(), 3u);
  // Until now they might still be clients that are about to show themselves.
  co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(1100), ctx);

  std::vector<Wire> late;
  for (int i = 0; i < 3; ++i) {
    late.push_back(co_await co_await s.dial(ctx));
    co_await co_await late.back().send(get("/nothing"), ctx);
    co_await co_await late.back().expect("nothing here", ctx);
  }
  EXPECT_EQ(s.server.counters().evicted.get(), 3u);
  EXPECT_EQ(s.server.counters().strangers.get(), 0u);
  co_await co_await known.send(get("/nothing"), ctx);
  co_await co_await known.expect("nothing here", ctx);
  EXPECT_EQ(s.server.counters().places.get(), 4u);
  co_return ok;
}
TEST_P(Strangers, make_room_before_anybody_else) {
  with_server(full_of_strangers, {.max_connections = 4});
}

Task<> slow_second_head(Setup s, Context ctx) {
  // Each has made a request that was its to make, and stops in the next one.
  std::vector<Wire> wires;
  for (std::string next :
       {"GET / HT", "PUT /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"}) {
    wires.push_back(co_await co_await s.dial(ctx));
    co_await co_await wires.back().send(get("/nothing"), ctx);
    co_await co_await wires.back().expect("nothing here", ctx);
    co_await co_await wires.back().send(next, ctx);
  }
  co_await co_await wires.back().expect("403", ctx);
  co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(1100), ctx);
  std::vector<Wire> late;
  for (int i = 0; i < 2; ++i) {
    late.push_back(co_await co_await s.dial(ctx));
    co_await co_await late.back().send(get("/nothing"), ctx);
    co_await co_await late.back().expect("nothing here", ctx);
  }
  EXPECT_EQ(s.server.counters().evicted.get(), 2u);
  EXPECT_EQ(s.server.counters().timeouts.get(), 0u) << "nobody waited for a deadline";
  co_return ok;
}
TEST_P(Strangers, every_request_begins_as_one) {
  with_server(slow_second_head, {.max_connections = 2});
}

Task<> answered_meanwhile(Setup s, Context ctx) {
  // Its first request is with the handler: whether it is a stranger's is not known yet.
  Wire wire = co_await co_await s.dial(ctx);
  co_await co_await wire.send(get("/wait"), ctx);
  while (s.handler.paths.empty()) {
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(1), ctx);
  }
  Wire late = co_await co_await s.dial(ctx);
  co_await co_await late.send(get("/nothing"), ctx);
  co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(2500), ctx);
  EXPECT_EQ(s.server.counters().evicted.get(), 0u);
  s.handler.release.set();
  co_await co_await wire.expect("late", ctx);
  co_await co_await late.expect("nothing here", ctx);
  co_return ok;
}
TEST_P(Strangers, a_request_with_the_handler_is_left_alone) {
  with_server(answered_meanwhile, {.max_connections = 1});
}

Task<> drained(Setup s, Context ctx) {
  Wire silent = co_await co_await s.dial(ctx);
  Wire halfway = co_await co_await s.dial(ctx);
  co_await co_await halfway.send("GET / HT", ctx);
  co_await co_await until_open(s, 2, ctx);
  co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(20), ctx);
  Result<> ended = co_await s.server.drain(ctx.loop->now() + milliseconds(50), ctx);
  EXPECT_FALSE(ended) << "a head on its way is given its time";
  EXPECT_EQ(s.server.counters().open.get(), 0u) << "but no longer than that";
  co_return ok;
}
TEST_P(Strangers, end_with_a_drain) { with_server(drained); }

Task<> large_heads(Setup s, Context ctx) {
  // Two stop in large heads; a third is told so, and small heads go on.
  std::string stopped = "GET /nothing HTTP/1.1\r\nHost: x\r\nX: " + std::string(10'000, 'a');
  std::vector<Wire> wires;
  for (int i = 0; i < 2; ++i) {
    wires.push_back(co_await co_await s.dial(ctx));
    co_await co_await wires.back().send(stopped, ctx);
  }
  co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(50), ctx);
  Wire third = co_await co_await s.dial(ctx);
  co_await co_await third.send(stopped, ctx);
  co_await co_await third.expect("503", ctx);
  Wire small = co_await co_await s.dial(ctx);
  co_await co_await small.send(get("/nothing"), ctx);
  co_await co_await small.expect("nothing here", ctx);
  // One that comes to its end makes room.
  co_await co_await wires[0].send("\r\n\r\n", ctx);
  co_await co_await wires[0].expect("nothing here", ctx);
  Wire fourth = co_await co_await s.dial(ctx);
  co_await co_await fourth.send(stopped + "\r\n\r\n", ctx);
  co_await co_await fourth.expect("nothing here", ctx);
  co_return ok;
}
TEST_P(Strangers, large_heads_have_a_bound) {
  with_server(large_heads, {.large_heads = 2, .linger = milliseconds(10)});
}

}  // namespace
}  // namespace forebay::http
