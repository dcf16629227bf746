// Who is slow keeps his place while nobody wants it.
#include "http/share.h"

#include "http/world_test.h"

namespace forebay::http {
namespace {

class Fixed final : public Lag {
  void leave() override {}
};

TEST(LagTest, counts_the_time_in_which_it_is_the_clients_turn) {
  Time now{1};
  Fixed lag;
  EXPECT_EQ(lag.behind(now), Duration{});
  lag.begin_wait(now);
  now = now + seconds(3);
  EXPECT_EQ(lag.behind(now), seconds(3));
  lag.end_wait(now, Lag::kLowestRate);
  now = now + seconds(100);
  EXPECT_EQ(lag.behind(now), Duration{}) << "it is ours or the server's turn";
  lag.begin_wait(now);
  EXPECT_EQ(lag.behind(now), seconds(2));
  lag.end_wait(now, 100 * Lag::kLowestRate);
  lag.begin_wait(now);
  EXPECT_EQ(lag.behind(now + seconds(1)), seconds(1)) << "nobody is fast in advance";
  lag.end_wait(now + seconds(1), kUnknownLength);
  EXPECT_EQ(lag.behind(now), Duration{});
}

TEST(LagTest, gives_time_for_what_was_handed_over) {
  Time now{1};
  Fixed lag;
  lag.begin_wait(now, 10 * Lag::kLowestRate);
  EXPECT_EQ(lag.behind(now + seconds(15)), seconds(5));
  lag.end_wait(now + seconds(15), 10 * Lag::kLowestRate);
  lag.begin_wait(now + seconds(15), 0);
  EXPECT_EQ(lag.behind(now + seconds(15)), seconds(5));
}

TEST(ShareTest, asks_for_the_place_of_who_is_far_enough_behind) {
  auto simulation = io::Simulation::make({.seed = 1});
  io::Loop& loop = simulation->loop();
  Counter gave_way;
  Share share(loop, 1, gave_way);
  for (Duration before : {Lag::kMost - milliseconds(10), Lag::kMost}) {
    Fixed lag;
    Context ctx{.loop = &loop};
    auto held = simulation->run(share.acquire(ctx));
    ASSERT_TRUE(held);
    share.join(lag);
    lag.begin_wait(Time{loop.now().ns - before.ns});
    // In no time at all: a place that was asked for is not given back here.
    auto second = simulation->run(share.acquire(ctx.until(loop.now())));
    EXPECT_FALSE(second);
    EXPECT_EQ(lag.gave_way(), before == Lag::kMost);
  }
  EXPECT_EQ(gave_way.get(), 1U);
  EXPECT_TRUE(share.unused());
}

class SlowClients : public HttpTest {};
INSTANTIATE_TEST_SUITE_P(World, SlowClients,
                         testing::Values(WorldKind{"sim1", false, 1, 0},
                                         WorldKind{"sim2", false, 2, 0},
                                         WorldKind{"sim3", false, 3, 0}),
                         world_name);

Task<> wait(Duration time, Context ctx) {
  co_return co_await io::sleep_until(ctx.loop->now() + time, ctx);
}

// So many bytes a second, for as long as it is asked.
class Trickle final : public io::Source {
 public:
  explicit Trickle(size_t bytes) : text_(bytes, 't') {}
  Task<io::Chunk> next(Context ctx) override {
    co_await co_await wait(seconds(1), ctx);
    co_return Bytes(nullptr, as_bytes(text_));
  }

 private:
  std::string text_;
};

ClientRequest upload(Setup s, std::string path, uint64_t length, std::unique_ptr<io::Source> body) {
  ClientRequest out;
  out.method = "PUT";
  out.endpoint = s.endpoint();
  out.target = std::move(path);
  out.body = {length, std::move(body)};
  return out;
}

Task<> put(Client& client, ClientRequest request, std::vector<Error>& errors, Context ctx) {
  auto answer = co_await client.send(std::move(request), ctx);
  if (!answer) errors.push_back(std::move(answer.error()));
  co_return ok;
}

Task<> put_whole(Setup s, Client& client, Context ctx) {
  auto body = std::make_unique<Pieces>(pattern(30'000), 7000);
  auto answer = co_await client.send(upload(s, "/echo", 30'000, std::move(body)), ctx);
  if (!answer) co_return std::move(answer.error());
  std::string text = co_await co_await io::read_all(std::move(answer->body), 30'000, ctx);
  EXPECT_EQ(text, pattern(30'000));
  co_return ok;
}

Task<> writers(Setup s, Context ctx) {
  // Four of them have all that uploads may have; one is as fast as he must be.
  Client client(*ctx.loop, {.max_connections = 8});
  CancelToken enough;
  std::vector<Error> errors;
  io::Group group(ctx);
  for (size_t bytes : {1 << 10, 1 << 10, 1 << 10, 18 << 10}) {
    auto request = upload(s, "/echo", 1 << 30, std::make_unique<Trickle>(bytes));
    group.spawn(put(client, std::move(request), errors, ctx.under(enough)));
  }
  co_await co_await wait(seconds(60), ctx);
  EXPECT_TRUE(errors.empty()) << "nobody wants their places";

  Time before = ctx.loop->now();
  for (size_t i = 0; i < 3; ++i) {
    Result<> served = co_await put_whole(s, client, ctx);
    EXPECT_TRUE(served) << served.error().text();
    EXPECT_EQ(errors.size(), 1U) << "who comes next finds the place that one has left";
  }
  EXPECT_LT(ctx.loop->now() - before, seconds(1));
  for (const Error& error : errors) EXPECT_EQ(error.code(), Code::timeout);
  for (const Error& error : errors) EXPECT_EQ(error.detail(), "RequestTimeout");
  EXPECT_EQ(client.counters().gave_way.get(), 1U);
  EXPECT_EQ(client.counters().no_place.get(), 0U);

  // Five at once, for whom three places can be had.
  io::Group crowd(ctx);
  for (int i = 0; i < 5; ++i) crowd.spawn(put_whole(s, client, ctx));
  Result<> all_served = co_await crowd.join();
  EXPECT_TRUE(all_served) << all_served.error().text();
  EXPECT_EQ(errors.size(), 3U) << "not the one that is fast enough";
  enough.cancel();
  co_await co_await group.join();
  EXPECT_EQ(errors.size(), 4U);
  EXPECT_EQ(errors.back().code(), Code::cancelled) << "that is no slowness";
  co_return ok;
}
TEST_P(SlowClients, writers_give_way) { with_server(writers, {.body_timeout = seconds(300)}); }

Task<> slow_server(Setup s, Context ctx) {
  // The server reads none of four bodies: that is not their senders' fault.
  Client client(
      *ctx.loop,
      {.max_connections = 8, .place_patience = seconds(20), .progress_timeout = seconds(100)});
  CancelToken enough;
  std::vector<Error> errors;
  io::Group group(ctx);
  for (int i = 0; i < 4; ++i) {
    auto request =
        upload(s, "/wait", 9'000'000, std::make_unique<Pieces>(pattern(9'000'000), 70'000));
    group.spawn(put(client, std::move(request), errors, ctx.under(enough)));
  }
  co_await co_await wait(seconds(10), ctx);
  Result<> fifth = co_await put_whole(s, client, ctx);
  EXPECT_TRUE(!fifth && fifth.error().detail() == "SlowDown");
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(client.counters().gave_way.get(), 0U);
  enough.cancel();
  s.handler.release.set();
  co_return co_await group.join();
}
TEST_P(SlowClients, nobody_answers_for_a_slow_server) { with_server(slow_server); }

Task<ClientResponse> get_slowly(Setup s, Client& client, Context ctx,
                                const char* target = "/pattern?9000000") {
  ClientRequest request;
  request.endpoint = s.endpoint();
  request.target = target;
  request.slow_reader = true;
  co_return co_await client.send(std::move(request), ctx);
}

Task<> readers(Setup s, Context ctx) {
  Client client(*ctx.loop, {.max_connections = 8});
  std::vector<ClientResponse> all;
  for (int i = 0; i < 3; ++i) all.push_back(co_await co_await get_slowly(s, client, ctx));
  // One takes something now and then, the others nothing after the first bytes.
  io::Chunk first = co_await co_await all[0].body.source->next(ctx);
  for (int i = 0; i < 20; ++i) {
    co_await co_await wait(seconds(1), ctx);
    for (uint64_t got = 0; got < 20'000;) {
      got += io::size(co_await co_await all[1].body.source->next(ctx));
    }
  }
  all.push_back(co_await co_await get_slowly(s, client, ctx));
  co_await co_await wait(seconds(1), ctx);
  EXPECT_EQ(client.counters().gave_way.get(), 1U);
  EXPECT_EQ(client.counters().no_place.get(), 0U);
  // What it was given last is still there.
  ByteView view = std::get<Bytes>(first).view();
  EXPECT_EQ(as_text(view), pattern(view.size()));
  int broken = 0;
  for (size_t i : {0, 1, 2}) {
    auto more = co_await all[i].body.source->next(ctx);
    if (!more) ++broken;
    if (!more) EXPECT_EQ(more.error().code(), Code::unavailable);
    EXPECT_TRUE(more || i != 1) << "who reads along is left alone";
  }
  EXPECT_EQ(broken, 1);
  all.push_back(co_await co_await get_slowly(s, client, ctx));
  EXPECT_EQ(client.counters().gave_way.get(), 2U);
  co_return ok;
}
Task<> last_bytes(Setup s, Context ctx) {
  // Everything is there, and nobody has asked for more yet: who gives way then has lost nothing,
  // and his connection is nobody's any more.
  constexpr uint64_t kLength = 60'000;
  Client client(*ctx.loop, {.max_connections = 8});
  std::vector<ClientResponse> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(co_await co_await get_slowly(s, client, ctx, "/pattern?60000"));
    for (uint64_t got = 0; got < kLength;) {
      got += io::size(co_await co_await all[i].body.source->next(ctx));
    }
  }
  co_await co_await wait(seconds(20), ctx);
  for (int i = 0; i < 2; ++i) {
    all.push_back(co_await co_await get_slowly(s, client, ctx, "/pattern?60000"));
  }
  EXPECT_EQ(client.counters().gave_way.get(), 2U);
  auto end = co_await all[0].body.source->next(ctx);
  EXPECT_TRUE(end && io::size(*end) == 0);
  all.clear();
  for (int i = 0; i < 5; ++i) {
    auto again = co_await co_await get_slowly(s, client, ctx, "/pattern?60000");
    auto text = co_await co_await io::read_all(std::move(again.body), kLength, ctx);
    EXPECT_EQ(text, pattern(kLength));
  }
  co_return ok;
}
TEST_P(SlowClients, who_has_all_of_it_has_lost_nothing) {
  with_server(last_bytes, {.send_timeout = seconds(300)});
}

TEST_P(SlowClients, readers_give_way) { with_server(readers, {.send_timeout = seconds(300)}); }

}  // namespace
}  // namespace forebay::http
