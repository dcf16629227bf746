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

Task<> slow_answer(Setup s, std::string path, Context ctx) {
  Wire wire = co_await co_await s.dial(ctx);
  co_await co_await wire.send(get(path + "?60000000"), ctx);
  // Reads a little again and again, each time before send_timeout.
  std::vector<std::byte> buffer(64 << 10);
  size_t reads = 0;
  for (; reads < 500 && s.server.counters().open.get() > 0; ++reads) {
    Result<size_t> count = co_await io::Read(*wire.stream, buffer, ctx);
    if (!count || *count == 0) break;
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(10), ctx);
  }
  EXPECT_LT(reads, 500u) << "an answer was read for as long as its reader liked";
  EXPECT_EQ(s.server.counters().open.get(), 0u);
  co_return ok;
}
[[clang::coro_wrapper]] Task<> slow_refusal(Setup s, Context ctx) {
  return slow_answer(s, "/stranger", ctx);
}
TEST_P(Strangers, an_answer_to_one_ends_in_time) {
  with_server(slow_refusal, {.refusal_timeout = milliseconds(200), .linger = milliseconds(10)});
}
[[clang::coro_wrapper]] Task<> slow_document(Setup s, Context ctx) {
  return slow_answer(s, "/within", ctx);
}
TEST_P(Strangers, so_does_one_that_has_a_time) {
  with_server(slow_document, {.linger = milliseconds(10)});
}

// Its body is read to see whose it is: it is a stranger's until that is known.
std::string unproven(size_t length) {
  return "POST /unproven HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(length) +
         "\r\n\r\n";
}

Task<> trickle_unproven(Setup s, Context ctx) {
  Wire wire = co_await co_await s.dial(ctx);
  co_await co_await wire.send(unproven(9999), ctx);
  size_t sent = 0;
  while (sent < 3 && co_await wire.send("x", ctx)) {
    ++sent;
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(30), ctx);
  }
  co_await co_await wire.expect("RequestTimeout", ctx);
  EXPECT_GE(s.server.counters().timeouts.get(), 1u);
  co_await co_await until_open(s, 0, ctx);
  co_return ok;
}
TEST_P(Strangers, a_body_that_is_read_to_know_them_is_not_awaited_for_long) {
  with_server(trickle_unproven, {.refusal_timeout = milliseconds(100), .linger = milliseconds(10)});
}

Task<> shows_itself(Setup s, Context ctx) {
  Wire wire = co_await co_await s.dial(ctx);
  std::string body = "pass" + pattern(600'000);
  for (size_t first : {size_t{0}, size_t{1}, size_t{4}, size_t{70'000}}) {
    co_await co_await wire.send(unproven(body.size()) + body.substr(0, first), ctx);
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(5), ctx);
    co_await co_await wire.send(body.substr(first), ctx);
    co_await co_await wire.expect(body.substr(body.size() - 100), ctx);
    EXPECT_TRUE(wire.read.ends_with(body));
    wire.read.clear();
  }
  EXPECT_EQ(s.server.counters().strangers.get(), 0u);
  // Who has shown himself has the time that bodies have. (A busy machine may take long to see it.)
  co_await co_await wire.send(unproven(5) + "pass", ctx);
  co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(2300), ctx);
  co_await co_await wire.send("!", ctx);
  co_await co_await wire.expect("pass!", ctx);
  co_return ok;
}
TEST_P(Strangers, who_shows_himself_in_his_body_is_known) {
  with_server(shows_itself, {.refusal_timeout = seconds(2), .large_buffers = 2});
}

Task<> full_of_unproven(Setup s, Context ctx) {
  std::vector<Wire> half;
  for (int i = 0; i < 4; ++i) {
    half.push_back(co_await co_await s.dial(ctx));
    co_await co_await half.back().send(unproven(9999) + "x", ctx);
  }
  co_await co_await until_open(s, 4, ctx);
  co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(1100), ctx);
  for (int i = 0; i < 3; ++i) {
    Wire late = co_await co_await s.dial(ctx);
    co_await co_await late.send(get("/nothing"), ctx);
    co_await co_await late.expect("nothing here", ctx);
  }
  EXPECT_GE(s.server.counters().evicted.get(), 1u);
  co_return ok;
}
TEST_P(Strangers, whose_bodies_are_awaited_make_room_too) {
  with_server(full_of_unproven, {.max_connections = 4});
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

// A client that has shown itself and is idle now.
Task<Wire> dial_known(Setup s, Context ctx) {
  Wire wire = co_await co_await s.dial(ctx);
  co_await co_await wire.send(get("/nothing"), ctx);
  co_await co_await wire.expect("nothing here", ctx);
  wire.read.clear();
  co_return wire;
}

Task<> young_flood(Setup s, Context ctx) {
  std::vector<Wire> known;
  for (int i = 0; i < 12; ++i) known.push_back(co_await co_await dial_known(s, ctx));
  // Many more than there are places, and none of them a second old when the next one comes. Who
  // asks something among them gets in, too.
  std::vector<Wire> flood;
  Time begun = ctx.loop->now();
  for (int i = 0; i < 60; ++i) {
    flood.push_back(co_await co_await s.dial(ctx));
    if (i % 20 == 10) {
      Wire late = co_await co_await s.dial(ctx);
      co_await co_await late.send(get("/nothing"), ctx);
      co_await co_await late.expect("nothing here", ctx);
    }
  }
  if (!s.world.real()) EXPECT_LT(ctx.loop->now() - begun, seconds(1)) << "it was no flood";
  for (Wire& wire : known) {
    co_await co_await wire.send(get("/nothing"), ctx);
    Result<> answered = co_await wire.expect("nothing here", ctx);
    EXPECT_TRUE(answered) << "an idle client made room for a flood";
  }
  co_return ok;
}
TEST_P(Strangers, a_flood_of_young_ones_makes_room_for_itself) {
  with_server(young_flood, {.max_connections = 16});
}

Task<> few_young(Setup s, Context ctx) {
  // Two of sixteen are no flood: they may be clients that are about to show themselves.
  std::vector<Wire> known;
  for (int i = 0; i < 14; ++i) known.push_back(co_await co_await dial_known(s, ctx));
  Wire first = co_await co_await s.dial(ctx);
  Wire second = co_await co_await s.dial(ctx);
  co_await co_await until_open(s, 16, ctx);
  Wire third = co_await co_await dial_known(s, ctx);
  EXPECT_EQ(s.server.counters().evicted.get(), 1u);
  for (Wire* young : {&first, &second}) {
    co_await co_await young->send(get("/nothing"), ctx);
    co_await co_await young->expect("nothing here", ctx);
  }
  EXPECT_EQ(co_await co_await known[0].drain(ctx), "") << "the longest idle made room";
  co_await co_await known[1].send(get("/nothing"), ctx);
  co_await co_await known[1].expect("nothing here", ctx);
  co_return ok;
}
TEST_P(Strangers, a_few_young_ones_are_given_a_chance) {
  with_server(few_young, {.max_connections = 16});
}

Task<> all_busy(Setup s, Context ctx) {
  // Seven are served, and one has not said anything yet: nobody else can make room.
  std::vector<Wire> busy;
  for (int i = 0; i < 7; ++i) {
    busy.push_back(co_await co_await s.dial(ctx));
    co_await co_await busy.back().send(get("/wait"), ctx);
  }
  while (s.handler.paths.size() < 7) {
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(1), ctx);
  }
  Wire silent = co_await co_await s.dial(ctx);
  co_await co_await until_open(s, 8, ctx);
  Wire late = co_await co_await dial_known(s, ctx);
  EXPECT_EQ(co_await co_await silent.drain(ctx), "");
  EXPECT_EQ(s.server.counters().evicted.get(), 1u);
  s.handler.release.set();
  for (Wire& wire : busy) co_await co_await wire.expect("late", ctx);
  co_return ok;
}
TEST_P(Strangers, a_young_one_makes_room_when_all_others_are_busy) {
  with_server(all_busy, {.max_connections = 8});
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

// The begin of a head with `size` bytes of one field.
std::string stopped_head(std::string target, size_t size) {
  return "GET " + target + " HTTP/1.1\r\nHost: x\r\nX: " + std::string(size, 'a');
}

Task<> large_heads(Setup s, Context ctx) {
  // Two known ones stop in large heads; small heads go on, and a third has its turn.
  std::string stopped = stopped_head("/nothing", 10'000);
  std::vector<Wire> wires;
  for (int i = 0; i < 2; ++i) {
    wires.push_back(co_await co_await dial_known(s, ctx));
    co_await co_await wires.back().send(stopped, ctx);
  }
  co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(50), ctx);
  Wire third = co_await co_await s.dial(ctx);
  co_await co_await third.send(stopped + "\r\n\r\n", ctx);
  Wire small = co_await co_await s.dial(ctx);
  co_await co_await small.send(get("/nothing"), ctx);
  co_await co_await small.expect("nothing here", ctx);
  EXPECT_EQ(s.server.counters().evicted.get(), 0u) << "each has a second";
  co_await co_await third.expect("nothing here", ctx);
  EXPECT_EQ(s.server.counters().evicted.get(), 1u);
  // One that comes to its end makes room.
  co_await co_await wires[1].send("\r\n\r\n", ctx);
  co_await co_await wires[1].expect("nothing here", ctx);
  Wire fourth = co_await co_await s.dial(ctx);
  co_await co_await fourth.send(stopped + "\r\n\r\n", ctx);
  co_await co_await fourth.expect("nothing here", ctx);
  EXPECT_EQ(s.server.counters().evicted.get(), 1u);
  co_return ok;
}
TEST_P(Strangers, large_heads_have_a_bound) {
  with_server(large_heads, {.large_heads = 2, .linger = milliseconds(10)});
}

Task<> slow_readers(Setup s, Context ctx) {
  // Two read the answers to their large heads slowly, or not at all. They are not sent away, and
  // keep no other large head from coming, nor its answer.
  std::vector<Wire> slow;
  for (int i = 0; i < 2; ++i) {
    slow.push_back(co_await co_await dial_known(s, ctx));
    co_await co_await slow.back().send(stopped_head("/pattern?8000000", 20'000) + "\r\n\r\n", ctx);
    co_await co_await slow.back().expect("200", ctx);
  }
  for (int i = 0; i < 3; ++i) {
    Wire late = co_await co_await s.dial(ctx);
    co_await co_await late.send(stopped_head("/nothing", 10'000), ctx);
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(20), ctx);
    co_await co_await late.send("\r\n\r\n", ctx);
    co_await co_await late.expect("nothing here", ctx);
  }
  // But there is no memory for one like theirs.
  Wire same = co_await co_await s.dial(ctx);
  co_await co_await same.send(stopped_head("/nothing", 20'000) + "\r\n\r\n", ctx);
  co_await co_await same.expect("503", ctx);
  EXPECT_EQ(s.server.counters().evicted.get(), 0u);
  EXPECT_EQ(s.server.counters().in_flight.get(), 2u);
  slow.clear();
  co_return ok;
}
TEST_P(Strangers, slow_readers_hold_no_leave_that_others_need) {
  with_server(slow_readers, {.large_heads = 2, .linger = milliseconds(10)});
}

Task<> strangers_heads(Setup s, Context ctx) {
  // Strangers hold all large heads there may be: the oldest of them makes room.
  std::vector<Wire> strangers;
  for (int i = 0; i < 2; ++i) {
    strangers.push_back(co_await co_await s.dial(ctx));
    co_await co_await strangers.back().send(stopped_head("/nothing", 10'000), ctx);
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(50), ctx);
  }
  Wire late = co_await co_await s.dial(ctx);
  co_await co_await late.send(stopped_head("/nothing", 6000), ctx);
  co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(50), ctx);
  co_await co_await late.send("\r\n\r\n", ctx);
  co_await co_await late.expect("nothing here", ctx);
  EXPECT_EQ(s.server.counters().evicted.get(), 1u);
  EXPECT_EQ(co_await co_await strangers[0].drain(ctx), "");
  co_await co_await strangers[1].send("\r\n\r\n", ctx);
  co_await co_await strangers[1].expect("nothing here", ctx);
  co_return ok;
}
TEST_P(Strangers, the_oldest_large_head_makes_room_for_a_new_one) {
  with_server(strangers_heads, {.large_heads = 2, .linger = milliseconds(10)});
}

Task<> crowd_of_large_heads(Setup s, Context ctx) {
  // They come together, and each is worth a wait, not a refusal.
  std::vector<Wire> crowd;
  for (int i = 0; i < 30; ++i) crowd.push_back(co_await co_await s.dial(ctx));
  co_await co_await until_open(s, 30, ctx);
  std::string head = stopped_head("/nothing", 6000);
  for (Wire& wire : crowd) co_await co_await wire.send(head, ctx);
  co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(50), ctx);
  EXPECT_EQ(s.server.counters().parse_errors.get(), 0u);
  EXPECT_EQ(s.server.counters().evicted.get(), 0u) << "each has a second";
  // When the crowd is through, who comes last is served.
  Wire last = co_await co_await s.dial(ctx);
  co_await co_await last.send(head, ctx);
  co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(5), ctx);
  co_await co_await last.send("\r\n\r\n", ctx);
  co_await co_await last.expect("nothing here", ctx);
  EXPECT_GT(s.server.counters().evicted.get(), 0u);
  co_return ok;
}
TEST_P(Strangers, a_crowd_of_large_heads_is_not_refused) {
  with_server(crowd_of_large_heads, {.large_heads = 2, .linger = milliseconds(10)});
}

Task<> whole_large_head(Setup s, Context ctx) {
  // A complete head that is more than a small buffer is counted for as long as it is in memory.
  Wire first = co_await co_await s.dial(ctx);
  co_await co_await first.send(stopped_head("/wait", 20'000) + "\r\n\r\n", ctx);
  while (s.handler.paths.empty()) {
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(1), ctx);
  }
  Wire second = co_await co_await s.dial(ctx);
  co_await co_await second.send(stopped_head("/nothing", 20'000) + "\r\n\r\n", ctx);
  co_await co_await second.expect("503", ctx);
  s.handler.release.set();
  co_await co_await first.expect("late", ctx);
  // With the answer it is given back, by a stranger, too, whose body is still awaited.
  for (int i = 0; i < 3; ++i) {
    Wire refused = co_await co_await s.dial(ctx);
    std::string head = stopped_head("/stranger", 20'000) + "\r\nContent-Length: 9\r\n\r\n";
    co_await co_await refused.send(head + "x", ctx);
    co_await co_await refused.expect("403", ctx);
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(50), ctx);
    Wire next = co_await co_await s.dial(ctx);
    co_await co_await next.send(stopped_head("/nothing", 20'000) + "\r\n\r\n", ctx);
    co_await co_await next.expect("nothing here", ctx);
    // The rest of the body and a request behind it.
    co_await co_await refused.send("12345678" + get("/nothing"), ctx);
    co_await co_await refused.expect("nothing here", ctx);
  }
  EXPECT_EQ(s.server.counters().evicted.get(), 0u);
  co_return ok;
}
TEST_P(Strangers, a_large_head_is_counted_while_it_is_in_memory) {
  with_server(whole_large_head, {.large_heads = 1, .linger = milliseconds(10)});
}

}  // namespace
}  // namespace forebay::http
