// Deadlines, limits and the end of a server.
#include "http/world_test.h"

namespace forebay::http {
namespace {

class ServerLimits : public HttpTest {};
FOREBAY_IN_ALL_WORLDS(ServerLimits);

Task<> slow_head(Setup s, Context ctx) {
  Wire wire = co_await co_await s.dial(ctx);
  co_await co_await wire.send("GET / HT", ctx);
  std::string answer = co_await co_await wire.drain(ctx);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
  Wire silent = co_await co_await s.dial(ctx);
  answer = co_await co_await silent.drain(ctx);
  EXPECT_EQ(answer, "") << "who never asked gets no answer";
  EXPECT_EQ(s.server.counters().timeouts.get(), 1u);
  co_return ok;
}
TEST_P(ServerLimits, heads_have_a_deadline) {
  with_server(slow_head, {.head_timeout = milliseconds(50), .linger = milliseconds(50)});
}

Task<> idle(Setup s, Context ctx) {
  Wire wire = co_await co_await s.dial(ctx);
  co_await co_await wire.send(get("/nothing"), ctx);
  std::string answer = co_await co_await wire.drain(ctx);
  EXPECT_TRUE(answer.ends_with("nothing here"));
  EXPECT_EQ(s.server.counters().timeouts.get(), 0u);
  co_return ok;
}
TEST_P(ServerLimits, idle_connections_end) {
  with_server(idle, {.idle_timeout = milliseconds(50)});
}

Task<> stalled_body(Setup s, Context ctx) {
  Wire wire = co_await co_await s.dial(ctx);
  co_await co_await wire.send("PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", ctx);
  std::string answer = co_await co_await wire.drain(ctx);
  EXPECT_TRUE(answer.ends_with("RequestTimeout")) << answer;
  EXPECT_EQ(s.handler.last_received, 3u);
  co_return ok;
}
Task<> announced_only(Setup s, Context ctx) {
  Wire wire = co_await co_await s.dial(ctx);
  co_await co_await wire.send(
      "PUT /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551614\r\n\r\nabc", ctx);
  std::string answer = co_await co_await wire.drain(ctx);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << answer;
  EXPECT_EQ(s.handler.last_received, 0u) << "what was announced is not what came";
  co_return ok;
}
TEST_P(ServerLimits, bytes_that_never_came_are_not_counted) {
  with_server(announced_only, {.linger = milliseconds(50)});
}

TEST_P(ServerLimits, bodies_must_make_progress) {
  with_server(stalled_body, {.body_timeout = milliseconds(50), .linger = milliseconds(50)});
}

Task<> stalled_reader(Setup s, Context ctx) {
  Wire wire = co_await co_await s.dial(ctx);
  // More than any socket buffers, and nobody reads.
  co_await co_await wire.send(get("/pattern?20000000"), ctx);
  while (!s.handler.last_error)
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(5), ctx);
  EXPECT_EQ(s.handler.last_error->code(), Code::timeout);
  EXPECT_LT(s.handler.last_sent, 20000000u);
  EXPECT_EQ(s.server.counters().timeouts.get(), 1u);
  EXPECT_EQ(s.server.counters().broken_bodies.get(), 0u) << "not the body's fault";
  co_return ok;
}
TEST_P(ServerLimits, readers_must_make_progress) {
  with_server(stalled_reader, {.send_timeout = milliseconds(50)});
}

Task<> slow_reader(Setup s, Context ctx) {
  s.handler.file = s.world.file("slow", pattern(9 << 20));
  Wire wire = co_await co_await s.dial(ctx);
  co_await co_await wire.send(get("/file"), ctx);
  // Pauses just under the deadline again and again: slow, but moving.
  std::string got;
  std::vector<std::byte> buffer(4 << 20);
  while (got.size() < (9u << 20)) {
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(30), ctx);
    size_t want = 3 << 20;
    while (want > 0) {
      Result<size_t> count = co_await io::Read(*wire.stream, ByteSpan(buffer).first(want), ctx);
      EXPECT_TRUE(count && *count > 0) << got.size();
      if (!count || *count == 0) co_return ok;
      got.append(as_text(ByteView(buffer).first(*count)));
      want -= *count;
      if (got.size() >= (9u << 20)) break;
    }
  }
  EXPECT_FALSE(s.handler.last_error);
  co_return ok;
}
TEST_P(ServerLimits, slow_readers_are_served) {
  with_server(slow_reader, {.send_timeout = seconds(2)});
}

Task<> crowded(Setup s, Context ctx) {
  std::vector<Wire> wires;
  for (int i = 0; i < 6; ++i) {
    wires.push_back(co_await co_await s.dial(ctx));
    co_await co_await wires.back().send(get("/nothing"), ctx);
    co_await co_await wires.back().expect("nothing here", ctx);
    EXPECT_LE(s.server.counters().open.get(), 3u);
  }
  // The longest idle made room, the last three are still there.
  EXPECT_EQ(s.server.counters().evicted.get(), 3u);
  for (int i = 0; i < 3; ++i) {
    std::string rest = co_await co_await wires[i].drain(ctx);
    EXPECT_TRUE(rest.ends_with("nothing here"));
  }
  co_await co_await wires[5].send(get("/nothing"), ctx);
  co_await co_await wires[5].expect("nothing here", ctx);
  co_return ok;
}
TEST_P(ServerLimits, idle_connections_make_room) { with_server(crowded, {.max_connections = 3}); }

Task<> no_room(Setup s, Context ctx) {
  std::vector<Wire> busy;
  for (int i = 0; i < 2; ++i) {
    busy.push_back(co_await co_await s.dial(ctx));
    co_await co_await busy.back().send(get("/wait"), ctx);
  }
  while (s.handler.paths.size() < 2) {
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(1), ctx);
  }
  Wire late = co_await co_await s.dial(ctx);
  co_await co_await late.send(get("/nothing"), ctx);
  co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(20), ctx);
  EXPECT_EQ(s.handler.paths.size(), 2u) << "served beyond the limit";
  s.handler.release.set();
  // Whoever is done first makes room.
  co_await co_await late.expect("nothing here", ctx);
  EXPECT_EQ(s.server.counters().evicted.get(), 1u);
  for (Wire& wire : busy) co_await co_await wire.expect("late", ctx);
  co_return ok;
}
TEST_P(ServerLimits, newcomers_wait_for_room) { with_server(no_room, {.max_connections = 2}); }

Task<> silent_crowd(Setup s, Context ctx) {
  std::vector<Wire> silent;
  for (int i = 0; i < 2; ++i) silent.push_back(co_await co_await s.dial(ctx));
  while (s.server.counters().open.get() < 2) {
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(1), ctx);
  }
  // Who has just come is not sent away at once; who stays silent is, long before its deadline.
  Wire late = co_await co_await s.dial(ctx);
  co_await co_await late.send(get("/nothing"), ctx);
  co_await co_await silent[1].send(get("/nothing"), ctx);
  co_await co_await silent[1].expect("nothing here", ctx);
  co_await co_await late.expect("nothing here", ctx);
  EXPECT_EQ(s.server.counters().evicted.get(), 1u);
  co_return ok;
}
TEST_P(ServerLimits, silent_ones_make_room_in_the_end) {
  with_server(silent_crowd, {.max_connections = 2});
}

Task<> request_wait(Server& server, std::string* answer, Context ctx) {
  auto stream = co_await co_await ctx.loop->connect(server.address(), ctx);
  Wire wire{std::move(stream), {}};
  co_await co_await wire.send(get("/wait"), ctx);
  Result<std::string> got = co_await wire.drain(ctx);
  *answer = got ? std::move(*got) : std::string("reset");
  co_return ok;
}

Task<> set_soon(io::Event& event, Context ctx) {
  co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(20), ctx);
  event.set();
  co_return ok;
}

Task<> draining(Setup s, Context ctx) {
  Wire idle = co_await co_await s.dial(ctx);
  co_await co_await idle.send(get("/nothing"), ctx);
  co_await co_await idle.expect("nothing here", ctx);
  std::string answer;
  io::Group group(ctx);
  group.spawn(request_wait(s.server, &answer, ctx));
  while (s.handler.paths.size() < 2)
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(1), ctx);
  group.spawn(set_soon(s.handler.release, ctx));
  Result<> drained = co_await s.server.drain(ctx.loop->now() + seconds(5), ctx);
  EXPECT_TRUE(drained);
  Result<> joined = co_await group.join();
  EXPECT_TRUE(joined);
  EXPECT_TRUE(answer.ends_with("late")) << "a request in flight is finished: " << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  Result<std::string> rest = co_await idle.drain(ctx);
  EXPECT_TRUE(rest && rest->ends_with("nothing here")) << "idle ones end in order";
  Result<std::unique_ptr<io::Stream>> late = co_await ctx.loop->connect(s.server.address(), ctx);
  EXPECT_FALSE(late) << "nobody listens any more";
  co_return ok;
}
TEST_P(ServerLimits, drains) { with_server(draining); }

Task<> draining_in_vain(Setup s, Context ctx) {
  std::string answer;
  io::Group group(ctx);
  group.spawn(request_wait(s.server, &answer, ctx));
  while (s.handler.paths.empty())
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(1), ctx);
  Time begin = ctx.loop->now();
  Result<> drained = co_await s.server.drain(begin + milliseconds(50), ctx);
  EXPECT_FALSE(drained);
  if (!drained) EXPECT_EQ(drained.error().code(), Code::timeout);
  Result<> joined = co_await group.join();
  EXPECT_TRUE(joined);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ")) << answer;
  co_return ok;
}
TEST_P(ServerLimits, cancels_what_outlasts_a_drain) { with_server(draining_in_vain); }

Task<> run_until_cancelled(Server& server, CancelToken& token, Context ctx) {
  co_return co_await server.run(ctx.under(token));
}

Task<> cancelled(Context ctx) {
  auto listener = co_await ctx.loop->listen({"127.0.0.1", 0});
  TestHandler handler;
  Server server(std::move(listener), handler);
  CancelToken token;
  io::Group group(ctx);
  group.spawn(run_until_cancelled(server, token, ctx));
  std::string answer;
  group.spawn(request_wait(server, &answer, ctx));
  while (handler.paths.empty())
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(1), ctx);
  token.cancel();
  Result<> joined = co_await group.join();
  EXPECT_EQ(server.counters().open.get(), 0u);
  co_return joined;
}
TEST_P(ServerLimits, a_cancel_ends_everything) {
  World world(GetParam());
  EXPECT_TRUE(world.run(cancelled(world.context())));
}

}  // namespace
}  // namespace forebay::http
