#include "http/client.h"

#include "http/world_test.h"
#include "testkit/seeds.h"

namespace forebay::http {
namespace {

class ClientTest : public HttpTest {};
FOREBAY_IN_ALL_WORLDS(ClientTest);

ClientRequest request(const Endpoint& endpoint, std::string target, std::string method = "GET") {
  ClientRequest out;
  out.method = std::move(method);
  out.endpoint = endpoint;
  out.target = std::move(target);
  return out;
}

// Sends and reads the whole body.
struct Whole {
  int status = 0;
  std::string body;
  bool reused = false;
};
Task<Whole> fetch(Client& client, ClientRequest asked, Context ctx) {
  ClientResponse response = co_await co_await client.send(std::move(asked), ctx);
  Whole out{response.status, {}, response.reused};
  bool known = response.body.length != kUnknownLength;
  uint64_t length = response.body.length;
  if (!known) response.body.length = 0;  // read_all looks at its limit first
  out.body = co_await co_await io::read_all(std::move(response.body), 1 << 30, ctx);
  EXPECT_TRUE(!known || out.body.size() == length);
  co_return out;
}

Task<> pooling(Setup s, Context ctx) {
  Client client(*ctx.loop);
  for (int i = 0; i < 5; ++i) {
    Whole got = co_await co_await fetch(client, request(s.endpoint(), "/pattern?50000"), ctx);
    EXPECT_EQ(got.body, pattern(50000));
    EXPECT_EQ(got.reused, i > 0);
  }
  Whole chunked = co_await co_await fetch(client, request(s.endpoint(), "/chunked?50000"), ctx);
  EXPECT_EQ(chunked.body, pattern(50000));
  Whole after = co_await co_await fetch(client, request(s.endpoint(), "/nothing"), ctx);
  EXPECT_TRUE(after.reused) << "chunked bodies end cleanly too";
  EXPECT_EQ(after.status, 404);
  EXPECT_EQ(client.counters().connects.get(), 1u);
  EXPECT_EQ(client.counters().reused.get(), 6u);
  EXPECT_EQ(client.counters().idle.get(), 1u);
  client.close_idle();
  EXPECT_EQ(client.counters().open.get(), 0u);
  co_return ok;
}
TEST_P(ClientTest, reuses_connections) { with_server(pooling); }

Task<> no_bodies(Setup s, Context ctx) {
  Client client(*ctx.loop);
  ClientResponse head =
      co_await co_await client.send(request(s.endpoint(), "/head?77", "HEAD"), ctx);
  EXPECT_EQ(head.content_length, 77u);
  EXPECT_EQ(head.body.length, 0u);
  EXPECT_EQ(head.body.source, nullptr);
  EXPECT_EQ(head.header("x-METHOD"), "HEAD");
  ClientResponse moved = std::move(head);
  EXPECT_EQ(moved.header("x-method"), "HEAD") << "views survive a move";
  for (std::string status : {"204", "304"}) {
    ClientResponse none =
        co_await co_await client.send(request(s.endpoint(), "/status?" + status), ctx);
    EXPECT_EQ(none.body.source, nullptr);
  }
  EXPECT_EQ(client.counters().connects.get(), 1u);
  co_return ok;
}
TEST_P(ClientTest, knows_responses_without_bodies) { with_server(no_bodies); }

Task<> uploads(Setup s, Context ctx) {
  Client client(*ctx.loop);
  for (bool expect : {false, true}) {
    for (size_t size : {0u, 1u, 5000u, 700000u}) {
      ClientRequest put = request(s.endpoint(), "/echo", "PUT");
      put.body = {size, std::make_unique<Pieces>(pattern(size), 6000)};
      put.expect_continue = expect;
      Whole got = co_await co_await fetch(client, std::move(put), ctx);
      EXPECT_EQ(got.status, 200);
      EXPECT_EQ(got.body, pattern(size));
    }
    ClientRequest post = request(s.endpoint(), "/echo", "POST");
    post.body = {kUnknownLength, std::make_unique<Pieces>(pattern(30000), 6000)};
    post.expect_continue = expect;
    Whole got = co_await co_await fetch(client, std::move(post), ctx);
    EXPECT_EQ(got.body, pattern(30000));
  }
  EXPECT_EQ(client.counters().connects.get(), 1u);
  // A server that does not want the body says so before it was sent.
  ClientRequest refused = request(s.endpoint(), "/unread", "PUT");
  refused.body = {1 << 20, std::make_unique<Pieces>("", 1, fail(Code::internal, "was pulled"))};
  refused.expect_continue = true;
  Whole got = co_await co_await fetch(client, std::move(refused), ctx);
  EXPECT_EQ(got.status, 403);
  co_return ok;
}
TEST_P(ClientTest, uploads) { with_server(uploads); }

Task<> bad_sources(Setup s, Context ctx) {
  Client client(*ctx.loop);
  ClientRequest put = request(s.endpoint(), "/echo", "PUT");
  put.body = {100, std::make_unique<Pieces>("abc", 3, fail(Code::corrupt, "bad block"))};
  Result<ClientResponse> response = co_await client.send(std::move(put), ctx);
  EXPECT_FALSE(response);
  if (!response) EXPECT_EQ(response.error().text(), "bad block");
  for (uint64_t length : {2u, 4u}) {
    ClientRequest wrong = request(s.endpoint(), "/echo", "PUT");
    wrong.body = {length, std::make_unique<Pieces>("abc", 3)};
    Result<ClientResponse> answer = co_await client.send(std::move(wrong), ctx);
    EXPECT_FALSE(answer) << length;
    if (!answer) EXPECT_EQ(answer.error().code(), Code::internal);
  }
  EXPECT_EQ(client.counters().idle.get(), 0u) << "none of these can be used again";
  co_return ok;
}
TEST_P(ClientTest, passes_on_errors_of_its_bodies) { with_server(bad_sources); }

Task<> short_body(Setup s, Context ctx) {
  Client client(*ctx.loop);
  Result<Whole> got = co_await fetch(client, request(s.endpoint(), "/short?30000"), ctx);
  EXPECT_FALSE(got);
  if (!got) EXPECT_EQ(got.error().code(), Code::unavailable);
  EXPECT_EQ(client.counters().open.get(), 0u);
  co_return ok;
}
TEST_P(ClientTest, notices_short_bodies) { with_server(short_body); }

Task<> abandoned(Setup s, Context ctx) {
  std::unique_ptr<io::Source> outlives;
  {
    Client client(*ctx.loop);
    {
      ClientResponse response =
          co_await co_await client.send(request(s.endpoint(), "/pattern?1000000"), ctx);
      io::Chunk chunk = co_await co_await response.body.source->next(ctx);
      EXPECT_GT(io::size(chunk), 0u);
    }
    EXPECT_EQ(client.counters().open.get(), 0u) << "half read: closed";
    ClientResponse response =
        co_await co_await client.send(request(s.endpoint(), "/pattern?100000"), ctx);
    outlives = std::move(response.body.source);
  }
  uint64_t length = 0;
  while (true) {
    io::Chunk chunk = co_await co_await outlives->next(ctx);
    if (io::size(chunk) == 0) break;
    length += io::size(chunk);
  }
  EXPECT_EQ(length, 100000u);
  co_return ok;
}
TEST_P(ClientTest, bodies_may_be_dropped_or_outlive_their_client) { with_server(abandoned); }

Task<> read_fully(Client& client, Endpoint endpoint, Context ctx) {
  Whole got = co_await co_await fetch(client, request(endpoint, "/pattern?30000"), ctx);
  EXPECT_EQ(got.body, pattern(30000));
  co_return ok;
}

Task<> bounded(Setup s, Context ctx) {
  Client client(*ctx.loop, {.max_connections = 3, .max_idle = 2, .large_buffers = 1});
  io::Group group(ctx);
  for (int i = 0; i < 20; ++i) group.spawn(read_fully(client, s.endpoint(), ctx));
  Result<> joined = co_await group.join();
  EXPECT_TRUE(joined) << joined.error().text();
  EXPECT_LE(client.counters().connects.get(), 20u);
  EXPECT_EQ(client.counters().idle.get(), 2u);
  EXPECT_EQ(client.counters().open.get(), 2u);
  EXPECT_EQ(client.counters().requests.get(), 20u);
  co_return ok;
}
TEST_P(ClientTest, keeps_its_bounds) { with_server(bounded, {.max_connections = 3}); }

// A body that does not come.
class Silent final : public io::Source {
 public:
  Task<io::Chunk> next(Context ctx) override {
    co_await co_await io::sleep_until(kNever, ctx);
    co_return Bytes();
  }
};

Task<> upload(Client& client, Endpoint endpoint, Context ctx) {
  ClientRequest put = request(std::move(endpoint), "/nothing");
  put.method = "PUT";
  put.body = {10, std::make_unique<Silent>()};
  auto answer = co_await client.send(std::move(put), ctx);
  if (!answer) co_return std::move(answer.error());
  co_return ok;
}

ClientRequest slow_one(Setup s) {
  ClientRequest out = request(s.endpoint(), "/pattern?9000000");
  out.slow_reader = true;
  return out;
}

Task<> slow_clients(Setup s, Context ctx) {
  Client client(*ctx.loop, {.max_connections = 8, .place_patience = milliseconds(50)});
  CancelToken enough;
  io::Group group(ctx);
  for (int i = 0; i < 4; ++i) group.spawn(upload(client, s.endpoint(), ctx.under(enough)));
  co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(20), ctx);
  Result<> fifth = co_await upload(client, s.endpoint(), ctx);
  EXPECT_TRUE(!fifth && fifth.error().code() == Code::busy);
  if (!fifth) EXPECT_EQ(fifth.error().detail(), "SlowDown");
  EXPECT_EQ(client.counters().no_place.get(), 1U);

  // Nor do answers that nobody reads take what is left.
  std::vector<ClientResponse> unread;
  for (int i = 0; i < 3; ++i) unread.push_back(co_await co_await client.send(slow_one(s), ctx));
  auto fourth = co_await client.send(slow_one(s), ctx);
  EXPECT_TRUE(!fourth && fourth.error().code() == Code::busy);
  if (!fourth) EXPECT_EQ(fourth.error().detail(), "SlowDown");
  EXPECT_EQ(client.counters().no_place.get(), 2U);
  co_await co_await read_fully(client, s.endpoint(), ctx);
  unread.pop_back();
  unread.push_back(co_await co_await client.send(slow_one(s), ctx));
  enough.cancel();
  Result<> ended = co_await group.join();
  EXPECT_TRUE(!ended && ended.error().code() == Code::cancelled);
  co_return ok;
}
TEST_P(ClientTest, slow_clients_leave_places_to_others) { with_server(slow_clients); }

Task<> spare(Setup s, Context ctx) {
  Client client(*ctx.loop, {.max_connections = 4});
  auto asked = [&] {
    ClientRequest out = request(s.endpoint(), "/nothing");
    out.spare = true;
    return out;
  };
  auto refused = [&](const Result<ClientResponse>& answer) {
    return !answer && answer.error().code() == Code::busy && answer.error().detail() == kNoSpare;
  };
  EXPECT_TRUE(refused(co_await client.send(asked(), ctx))) << "where that is nobody knows";
  std::vector<ClientResponse> open;
  for (int i = 0; i < 2; ++i) {
    open.push_back(co_await co_await client.send(request(s.endpoint(), "/pattern?9000000"), ctx));
  }
  EXPECT_EQ((co_await co_await fetch(client, asked(), ctx)).status, 404) << "a new one";
  EXPECT_EQ(client.counters().connects.get(), 3U);
  EXPECT_TRUE((co_await co_await fetch(client, asked(), ctx)).reused);
  open.push_back(co_await co_await client.send(request(s.endpoint(), "/pattern?9000000"), ctx));
  EXPECT_TRUE(refused(co_await client.send(asked(), ctx))) << "three of four are taken";
  open.pop_back();
  EXPECT_EQ((co_await co_await fetch(client, asked(), ctx)).status, 404);
  co_return ok;
}
TEST_P(ClientTest, spares_what_half_of_the_places_leave) { with_server(spare); }

Task<> stale(Setup s, Context ctx) {
  Client client(*ctx.loop);
  Whole got = co_await co_await fetch(client, request(s.endpoint(), "/nothing"), ctx);
  // The server's idle timeout passes, then ours would have kept it.
  co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(150), ctx);
  got = co_await co_await fetch(client, request(s.endpoint(), "/nothing"), ctx);
  EXPECT_EQ(got.status, 404);
  EXPECT_EQ(client.counters().connects.get(), 2u);
  // And one that has been idle for longer than we allow closes by itself.
  Client brief(*ctx.loop, {.idle_timeout = milliseconds(10)});
  got = co_await co_await fetch(brief, request(s.endpoint(), "/nothing"), ctx);
  EXPECT_EQ(brief.counters().idle.get(), 1u);
  co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(30), ctx);
  EXPECT_EQ(brief.counters().idle.get(), 0u);
  EXPECT_EQ(brief.counters().open.get(), 0u);
  co_return ok;
}
TEST_P(ClientTest, does_not_trust_old_connections) {
  with_server(stale, {.idle_timeout = milliseconds(100)});
}

Task<> refused(Context ctx) {
  Client client(*ctx.loop);
  Endpoint nobody{false, "127.0.0.1", 1};
  Result<ClientResponse> response = co_await client.send(request(nobody, "/"), ctx);
  EXPECT_FALSE(response);
  if (!response) EXPECT_EQ(response.error().code(), Code::unavailable);
  EXPECT_EQ(client.counters().connect_errors.get(), 1u);
  Endpoint secure{true, "127.0.0.1", 1};
  response = co_await client.send(request(secure, "/"), ctx);
  EXPECT_FALSE(response);
  if (!response) EXPECT_EQ(response.error().code(), Code::invalid);
  for (std::string target : {"", "/a b", "/a\r\nX: y"}) {
    response = co_await client.send(request(nobody, target), ctx);
    EXPECT_TRUE(!response && response.error().code() == Code::invalid) << target;
  }
  co_return ok;
}
TEST_P(ClientTest, says_why_it_cannot_send) {
  World world(GetParam());
  EXPECT_TRUE(world.run(refused(world.context())));
}

struct Tally {
  uint64_t good = 0;
  uint64_t broken = 0;
};
Tally tally;  // over all seeds

Task<> random_world(Setup s, Context ctx) {
  Client client(*ctx.loop);
  s.handler.file = s.world.file("random", pattern(200000));
  for (int i = 0; i < 60; ++i) {
    bool file = i % 2 == 0;
    ClientRequest asked = request(s.endpoint(), file ? "/file?1000" : "/chunked?60000");
    Result<Whole> got = co_await fetch(client, std::move(asked), ctx);
    if (got) {
      ++tally.good;
      EXPECT_EQ(got->body, file ? pattern(200000).substr(1000) : pattern(60000));
    } else {
      ++tally.broken;
      EXPECT_EQ(got.error().code(), Code::unavailable) << got.error().text();
    }
  }
  co_return ok;
}

TEST(ClientInAHostileWorld, gets_the_whole_or_an_error) {
  tally = {};
  for (uint64_t seed = 1; seed <= testkit::seeds(200); ++seed) {
    World world({"sim", false, seed, 0.003});
    Result<> result = world.run(with_server(world, {}, random_world, world.context()));
    EXPECT_TRUE(result) << "seed " << seed << ": " << result.error().text();
  }
  EXPECT_GT(tally.good, testkit::seeds(200));
  EXPECT_GT(tally.broken, testkit::seeds(200)) << "the world was too kind to prove anything";
}

TEST(Endpoint, is_read_from_urls) {
  auto good = Endpoint::parse("http://host");
  ASSERT_TRUE(good);
  EXPECT_EQ(*good, (Endpoint{false, "host", 80}));
  EXPECT_EQ(good->authority(), "host");
  EXPECT_EQ(*Endpoint::parse("HTTPS://s3.example.com/"), (Endpoint{true, "s3.example.com", 443}));
  EXPECT_EQ(Endpoint::parse("https://h:9000")->authority(), "h:9000");
  EXPECT_EQ(*Endpoint::parse("http://[::1]:8080"), (Endpoint{false, "::1", 8080}));
  EXPECT_EQ(Endpoint::parse("http://[::1]:8080")->authority(), "[::1]:8080");
  for (std::string_view bad :
       {"", "host", "ftp://h", "http://", "http://h:", "http://h:0", "http://h:65536", "http://h:x",
        "http://h/path", "http://u@h", "http://[::1", "http://[::1]x", "http://h h"}) {
    EXPECT_FALSE(Endpoint::parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace forebay::http
