#include "io/world_test.h"

namespace forebay::io {
namespace {

class ListenerTest : public WorldTest {};
FOREBAY_IN_ALL_WORLDS(ListenerTest);

TEST_P(ListenerTest, port_0_picks_a_free_one) {
  auto one = loop().listen({"127.0.0.1", 0});
  auto two = loop().listen({"127.0.0.1", 0});
  ASSERT_TRUE(one && two);
  EXPECT_NE((*one)->address().port, 0);
  EXPECT_NE((*one)->address().port, (*two)->address().port);
  EXPECT_EQ((*one)->address().host, "127.0.0.1");
  auto named = loop().listen({"localhost", 0});
  EXPECT_EQ(code_of(named), Code::invalid);
}

TEST_P(ListenerTest, an_address_that_is_taken) {
  auto one = loop().listen({"127.0.0.1", 0});
  ASSERT_TRUE(one);
  Address address = (*one)->address();
  auto two = loop().listen(address);
  EXPECT_EQ(code_of(two), Code::exists);
  EXPECT_TRUE(loop().listen(address, Sharing::beside));
  EXPECT_EQ(code_of(loop().listen(address)), Code::exists);
  one->reset();
  EXPECT_TRUE(loop().listen(address));
}

Task<> greet(std::vector<std::unique_ptr<Listener>>& listeners, size_t which, Context ctx,
             size_t& served, size_t wanted, CancelToken& enough) {
  while (served < wanted) {
    auto stream = co_await accept(*listeners[which], ctx.under(enough));
    if (!stream) break;
    Result<> wrote = co_await write_text(**stream, std::to_string(which), ctx);
    EXPECT_TRUE(wrote);
    if (++served == wanted) enough.cancel();
  }
  co_return ok;
}

// Streams that were connected before the listener heard of them are not lost.
Task<> several(Context ctx) {
  constexpr size_t kClients = 60;
  std::vector<std::unique_ptr<Listener>> listeners;
  listeners.push_back(co_await ctx.loop->listen({"127.0.0.1", 0}));
  listeners.push_back(co_await ctx.loop->listen(listeners[0]->address(), Sharing::beside));
  std::vector<std::unique_ptr<Stream>> clients;
  for (size_t i = 0; i < kClients; ++i) {
    clients.push_back(co_await co_await ctx.loop->connect(listeners[0]->address(), ctx));
  }
  CancelToken enough;
  size_t served = 0;
  Group group(ctx);
  for (size_t i = 0; i < 2; ++i) {
    group.spawn(greet(listeners, i, ctx, served, kClients, enough));
  }
  Result<> joined = co_await group.join();
  co_await std::move(joined);
  EXPECT_EQ(served, kClients);
  size_t by_first = 0;
  for (auto& client : clients) {
    std::string greeting = co_await co_await read_to_end(*client, ctx);
    by_first += greeting == "0" ? 1 : 0;
  }
  EXPECT_GT(by_first, 0U);
  EXPECT_LT(by_first, kClients);
  co_return ok;
}
TEST_P(ListenerTest, several_share_an_address) { expect_ok(several(context())); }

Task<> connect_later(Address to, Context ctx, std::unique_ptr<Stream>& out) {
  co_await co_await sleep_until(ctx.loop->now() + milliseconds(5), ctx);
  out = co_await co_await ctx.loop->connect(to, ctx);
  co_return ok;
}

Task<> waiting(Context ctx) {
  auto listener = co_await ctx.loop->listen({"127.0.0.1", 0});
  Context soon = ctx.until(ctx.loop->now() + milliseconds(10));
  auto none = co_await accept(*listener, soon);
  EXPECT_EQ(code_of(none), Code::timeout);
  std::unique_ptr<Stream> client;
  Group group(ctx);
  group.spawn(connect_later(listener->address(), ctx, client));
  auto server = co_await accept(*listener, ctx);
  EXPECT_TRUE(server);
  Result<> joined = co_await group.join();
  co_await std::move(joined);
  EXPECT_NE(client, nullptr);
  co_return ok;
}
TEST_P(ListenerTest, accept_waits_and_times_out) { expect_ok(waiting(context())); }

Task<> gone(Context ctx) {
  std::unique_ptr<Stream> client;
  {
    auto listener = co_await ctx.loop->listen({"127.0.0.1", 0});
    client = co_await co_await ctx.loop->connect(listener->address(), ctx);
  }
  std::array<std::byte, 8> buffer;
  Result<size_t> got = co_await Read(*client, buffer, ctx);
  EXPECT_EQ(code_of(got), Code::unavailable);
  co_return ok;
}
TEST_P(ListenerTest, a_listener_that_goes_resets_who_was_not_accepted) {
  expect_ok(gone(context()));
}

}  // namespace
}  // namespace forebay::io
