#include <gtest/gtest.h>

#include <set>

#include "io/sim.h"
#include "io/stream.h"
#include "io/sync.h"
#include "io/world_test.h"

namespace forebay::io {
namespace {

using Trace = std::vector<std::string>;

void note(Trace& trace, Context ctx, std::string what) {
  trace.push_back(std::to_string(ctx.loop->now().ns) + " " + std::move(what));
}

Task<> serve(Listener& listener, Trace& trace, Context ctx) {
  auto stream = co_await co_await accept(listener, ctx);
  std::vector<std::byte> buffer(4096);
  while (true) {
    size_t count = co_await co_await Read(*stream, buffer, ctx);
    note(trace, ctx, "read " + std::to_string(count));
    if (count == 0) co_return ok;
  }
}

Task<> talk(Address to, Trace& trace, Context ctx) {
  auto stream = co_await co_await ctx.loop->connect(to, ctx);
  for (int i = 0; i < 5; ++i) {
    co_await co_await write_text(*stream, pattern(1 + ctx.loop->random() % 9000, 1), ctx);
    note(trace, ctx, "wrote");
  }
  co_return ok;
}

Task<> store(int number, Trace& trace, Context ctx) {
  co_return co_await run_blocking(ctx, [&, number]() -> Result<> {
    auto directory = ctx.loop->open_directory("/data", true);
    if (!directory) return std::move(directory.error());
    auto file = (*directory)->open(std::to_string(number % 3), OpenMode::create);
    if (!file) return std::move(file.error());
    note(trace, ctx, "inode " + std::to_string((*file)->stat()->inode));
    return (*file)->write_at(0, as_bytes("x"));
  });
}

Task<> program(Trace& trace, Context ctx) {
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 0; i < 4; ++i) listeners.push_back(co_await ctx.loop->listen({"127.0.0.1", 0}));
  Group group(ctx);
  for (int i = 0; i < 4; ++i) {
    group.spawn(serve(*listeners[i], trace, ctx));
    group.spawn(talk(listeners[i]->address(), trace, ctx));
    group.spawn(store(i, trace, ctx));
  }
  co_return co_await group.join();
}

struct History {
  Trace trace;
  uint64_t digest = 0;
};

History run_program(uint64_t seed, bool shuffle = true) {
  auto simulation = Simulation::make({.seed = seed, .shuffle = shuffle});
  History out;
  Result<> result = simulation->run(program(out.trace, {.loop = &simulation->loop()}));
  EXPECT_TRUE(result);
  out.digest = simulation->digest();
  return out;
}

TEST(SimulationTest, a_seed_decides_everything) {
  std::set<uint64_t> digests;
  std::set<Trace> traces;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    History once = run_program(seed);
    History again = run_program(seed);
    EXPECT_EQ(once.trace, again.trace) << "seed " << seed;
    EXPECT_EQ(once.digest, again.digest) << "seed " << seed;
    digests.insert(once.digest);
    traces.insert(once.trace);
  }
  EXPECT_EQ(digests.size(), 50U);
  EXPECT_EQ(traces.size(), 50U);
}

Task<> mark(std::vector<int>& order, int number, Context ctx) {
  order.push_back(number);
  co_return co_await yield(ctx);
}

Task<> mark_all(std::vector<int>& order, Context ctx) {
  Group group(ctx);
  for (int i = 0; i < 5; ++i) group.spawn(mark(order, i, ctx));
  co_return co_await group.join();
}

TEST(SimulationTest, the_run_queue_is_shuffled_unless_told_otherwise) {
  std::set<std::vector<int>> orders;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    for (bool shuffle : {true, false}) {
      auto simulation = Simulation::make({.seed = seed, .shuffle = shuffle});
      std::vector<int> order;
      EXPECT_TRUE(simulation->run(mark_all(order, {.loop = &simulation->loop()})));
      if (shuffle) {
        orders.insert(order);
      } else {
        EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
      }
    }
  }
  EXPECT_GT(orders.size(), 40U);  // of 120
}

TEST(SimulationTest, time_is_free_and_starts_at_a_fixed_date) {
  auto simulation = Simulation::make({});
  Loop& loop = simulation->loop();
  EXPECT_EQ(loop.wall_now().seconds(), 1'767'225'600);
  Time before = loop.now();
  EXPECT_TRUE(simulation->run(sleep_until(before + seconds(3000), {.loop = &loop})));
  EXPECT_GE(loop.now(), before + seconds(3000));
  EXPECT_EQ(loop.wall_now().seconds(), 1'767'228'600);
  EXPECT_FALSE(simulation->step());  // nothing is left to happen
}

// A loop that only looks at the clock gets to its time.
Task<> poll_clock(Time until, Context ctx) {
  while (ctx.loop->now() < until) co_await co_await yield(ctx);
  co_return ok;
}

TEST(SimulationTest, busy_steps_take_time) {
  auto simulation = Simulation::make({});
  Loop& loop = simulation->loop();
  EXPECT_TRUE(simulation->run(poll_clock(loop.now() + milliseconds(5), {.loop = &loop})));
}

TEST(SimulationTest, settle_runs_what_is_left) {
  auto simulation = Simulation::make({});
  Loop& loop = simulation->loop();
  int done = 0;
  start<void>(loop, sleep_until(loop.now() + seconds(5), {.loop = &loop}),
              [&](Result<>) { ++done; });
  loop.post([&] { ++done; });
  simulation->settle();
  EXPECT_EQ(done, 2);
}

Task<> push(Stream& stream, std::string text, Code& code, Context ctx) {
  Result<> wrote = co_await write_text(stream, std::move(text), ctx);
  code = code_of(wrote);
  stream.shutdown_write();
  co_return ok;
}

struct Torn {
  bool connected = false;
  bool whole = false;
  Code writer = Code::internal;
};

Task<Torn> through_resets(Context ctx) {
  Torn out;
  Result<Pair> pair = co_await connect_pair(ctx);
  if (!pair) {
    EXPECT_EQ(code_of(pair), Code::unavailable);
    co_return out;
  }
  out.connected = true;
  std::string text = pattern(200'000, 8);
  Group group(ctx);
  group.spawn(push(*pair->client, text, out.writer, ctx));
  std::string got;
  std::vector<std::byte> buffer(9000);
  Result<size_t> count = 1;
  while (count && *count > 0) {
    count = co_await Read(*pair->server, buffer, ctx);
    if (count) got.append(as_text(ByteView(buffer).first(*count)));
  }
  Result<> joined = co_await group.join();
  co_await std::move(joined);
  EXPECT_TRUE(text.starts_with(got)) << "nothing but what was sent, in order";
  out.whole = count && *count == 0;
  // An orderly end is the whole; anything else is an error that says so.
  EXPECT_EQ(out.whole, got.size() == text.size() && count);
  EXPECT_EQ(code_of(count), out.whole ? Code::internal : Code::unavailable);
  co_return out;
}

TEST(SimulationTest, resets_cut_streams_but_never_look_like_an_end) {
  int whole = 0, cut = 0, unconnected = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    auto simulation = Simulation::make({.seed = seed, .reset = 0.01});
    auto result = simulation->run(through_resets({.loop = &simulation->loop()}));
    ASSERT_TRUE(result) << "seed " << seed << ": " << result.error().text();
    ++(!result->connected ? unconnected : result->whole ? whole : cut);
  }
  EXPECT_GT(whole, 20);
  EXPECT_GT(cut, 20);
  EXPECT_GT(unconnected, 0);
}

Task<> wildcard(Context ctx) {
  auto any = co_await ctx.loop->listen({"0.0.0.0", 8080});
  auto one = co_await ctx.loop->listen({"10.0.0.1", 9090});
  EXPECT_TRUE(co_await ctx.loop->connect({"10.0.0.7", 8080}, ctx));
  EXPECT_TRUE(co_await ctx.loop->connect({"10.0.0.1", 9090}, ctx));
  EXPECT_EQ(code_of(co_await ctx.loop->connect({"10.0.0.2", 9090}, ctx)), Code::unavailable);
  auto name = co_await co_await ctx.loop->resolve("bucket.origin.localhost", 8080, ctx);
  EXPECT_EQ(name, (std::vector<Address>{{"127.0.0.1", 8080}}));
  co_return ok;
}

TEST(SimulationTest, the_network_has_many_hosts) {
  auto simulation = Simulation::make({});
  EXPECT_TRUE(simulation->run(wildcard({.loop = &simulation->loop()})));
}

Task<> hold_forever(Context ctx, bool& there) {
  Pair pair = co_await co_await connect_pair(ctx);
  there = true;
  std::byte one;
  co_await co_await Read(*pair.client, {&one, 1}, ctx);
  co_return ok;
}

// Tests wind down by cancel and settle(); then nothing is left over (asan looks for leaks).
TEST(SimulationTest, a_world_may_end_early) {
  auto simulation = Simulation::make({});
  CancelToken token;
  bool there = false;
  Code code = Code::internal;
  start<void>(simulation->loop(),
              hold_forever({.loop = &simulation->loop(), .cancel = &token}, there),
              [&](Result<> result) { code = code_of(result); });
  while (!there) ASSERT_TRUE(simulation->step());
  token.cancel();
  simulation->settle();
  EXPECT_EQ(code, Code::cancelled);
}

TEST(SimulationTest, knows_no_descriptor_of_the_machine) {
  auto simulation = Simulation::make({});
  Loop& loop = simulation->loop();
  Result<> refused = simulation->run(loop.until_ready(0, Readiness::either, {.loop = &loop}));
  EXPECT_EQ(code_of(refused), Code::invalid);
}

}  // namespace
}  // namespace forebay::io
