#include "io/engine.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <set>
#include <thread>

#include "io/stream.h"
#include "io/sync.h"
#include "io/world_test.h"

namespace forebay::io {
namespace {

std::unique_ptr<Engine> make_engine(unsigned loops) {
  auto engine = Engine::make({.loops = loops, .pool_threads = 2});
  EXPECT_TRUE(engine);
  return std::move(*engine);
}

Context context(Engine& engine, size_t index = 0) {
  Loop& loop = engine.loop(index);
  return {.loop = &loop, .deadline = loop.now() + seconds(60)};
}

TEST(EngineTest, has_the_loops_that_were_asked_for) {
  EXPECT_EQ(make_engine(3)->loops(), 3U);
  EXPECT_GE(make_engine(0)->loops(), 1U);
  EXPECT_TRUE(Engine::make({.loops = 1, .pool_threads = 1, .congestion = "no such one"}));
}

TEST(EngineTest, runs_again_and_again) {
  auto engine = make_engine(2);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(engine->run_task(yield(context(*engine))));
}

TEST(EngineTest, signals_are_told_on_loop_0) {
  auto engine = make_engine(2);
  std::thread::id here = std::this_thread::get_id();
  int heard = 0;
  Event done;
  ASSERT_TRUE(engine->on_signal(SIGUSR1, [&] {
    EXPECT_EQ(std::this_thread::get_id(), here);
    ++heard;
    done.set();
  }));
  engine->loop(1).post([] { ::kill(::getpid(), SIGUSR1); });
  EXPECT_TRUE(engine->run_task(done.wait(context(*engine))));
  EXPECT_EQ(heard, 1);
}

// A thread that takes its first steps with signals open would take this one, and die of it.
TEST(EngineTest, a_signal_right_after_the_start_is_told_too) {
  for (int round = 0; round < 20; ++round) {
    auto engine = Engine::make({.loops = 1, .pool_threads = 32});
    ASSERT_TRUE(engine);
    Event done;
    ASSERT_TRUE((*engine)->on_signal(SIGUSR1, [&] { done.set(); }));
    for (int i = 0; i < 32; ++i) (*engine)->loop(0).offload(nullptr, [] {}, [] {});
    ::kill(::getpid(), SIGUSR1);
    EXPECT_TRUE((*engine)->run_task(done.wait(context(**engine))));
  }
}

// Each loop runs its posts in order, on its own thread, whoever sends them.
TEST(EngineTest, posts_come_from_any_thread) {
  auto engine = make_engine(2);
  constexpr int kPosts = 10'000;
  struct Seen {
    std::array<int, 2> last{-1, -1};
    std::set<std::thread::id> threads;
  };
  std::array<Seen, 2> seen;
  std::atomic<int> left = 2 * 2 * kPosts;
  std::vector<std::jthread> senders;
  for (size_t sender = 0; sender < 2; ++sender) {
    senders.emplace_back([&, sender] {
      for (int i = 0; i < kPosts; ++i) {
        for (size_t target = 0; target < 2; ++target) {
          engine->loop(target).post([&, sender, target, i] {
            EXPECT_EQ(seen[target].last[sender], i - 1);
            seen[target].last[sender] = i;
            seen[target].threads.insert(std::this_thread::get_id());
            if (--left == 0) engine->stop();
          });
        }
      }
    });
  }
  engine->run();
  EXPECT_EQ(left, 0);
  for (auto& one : seen) EXPECT_EQ(one.threads.size(), 1U);
}

Task<> accept_all(Listener& listener, std::atomic<int>& mine, std::atomic<int>& left, Context ctx) {
  while (left > 0) {
    auto stream = co_await accept(listener, ctx.until(ctx.loop->now() + milliseconds(5)));
    if (!stream) continue;
    ++mine;
    --left;
  }
  co_return ok;
}

Task<> connect_all(Address to, int count, Context ctx) {
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < count; ++i) {
    streams.push_back(co_await co_await ctx.loop->connect(to, ctx));
  }
  co_return ok;
}

TEST(EngineTest, loops_share_an_address) {
  auto engine = make_engine(2);
  constexpr int kClients = 80;
  std::array<std::unique_ptr<Listener>, 2> listeners;
  listeners[0] = std::move(*engine->loop(0).listen({"127.0.0.1", 0}));
  listeners[1] = std::move(*engine->loop(1).listen(listeners[0]->address(), Sharing::beside));
  std::array<std::atomic<int>, 2> accepted{};
  std::atomic<int> left = kClients;
  std::atomic<int> running = 3;
  auto one_done = [&](Result<> result) {
    EXPECT_TRUE(result);
    if (--running == 0) engine->stop();
  };
  for (size_t i = 0; i < 2; ++i) {
    engine->loop(i).post([&, i] {
      start<void>(engine->loop(i),
                  accept_all(*listeners[i], accepted[i], left, context(*engine, i)), one_done);
    });
  }
  engine->loop(0).post([&] {
    start<void>(engine->loop(0), connect_all(listeners[0]->address(), kClients, context(*engine)),
                one_done);
  });
  engine->run();
  EXPECT_EQ(accepted[0] + accepted[1], kClients);
  EXPECT_GT(accepted[0], 0);
  EXPECT_GT(accepted[1], 0);
}

Task<> block(std::atomic<int>& running, std::atomic<int>& most, Context ctx) {
  co_return co_await run_blocking(ctx, [&]() -> Result<> {
    int now = ++running;
    int seen = most;
    while (seen < now && !most.compare_exchange_weak(seen, now)) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    --running;
    return ok;
  });
}

Task<> block_all(std::atomic<int>& most, Context ctx) {
  std::atomic<int> running = 0;
  Group group(ctx);
  for (int i = 0; i < 20; ++i) group.spawn(block(running, most, ctx));
  co_return co_await group.join();
}

TEST(EngineTest, the_pool_bounds_what_blocks) {
  auto engine = make_engine(1);
  std::atomic<int> most = 0;
  EXPECT_TRUE(engine->run_task(block_all(most, context(*engine))));
  EXPECT_LE(most, 2);
  EXPECT_GE(most, 1);
}

// Two ends of a connection that no Stream knows of.
struct ForeignPair {
  ForeignPair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0); }
  ~ForeignPair() {
    for (int end : ends) close_end(end);
  }
  static void close_end(int& end) {
    if (end >= 0) ::close(end);
    end = -1;
  }
  /// Writes until the kernel takes no more.
  void fill() const {
    std::array<char, 4096> bytes{};
    while (::write(ends[0], bytes.data(), bytes.size()) > 0) {
    }
  }
  int ends[2] = {-1, -1};
};

Task<> write_soon(int fd, Context ctx) {
  co_await co_await sleep_until(ctx.loop->now() + milliseconds(3), ctx);
  EXPECT_EQ(::write(fd, "x", 1), 1);
  co_return ok;
}

Task<> drain_soon(int fd, Context ctx) {
  co_await co_await sleep_until(ctx.loop->now() + milliseconds(3), ctx);
  std::array<char, 4096> bytes;
  while (::read(fd, bytes.data(), bytes.size()) > 0) {
  }
  co_return ok;
}

Task<> wait_for_descriptors(Context ctx) {
  ForeignPair pair;
  auto ready = [&] [[clang::coro_wrapper]] (Readiness readiness, Context within) {
    return ctx.loop->until_ready(pair.ends[0], readiness, within);
  };
  auto soon = [&] { return ctx.until(ctx.loop->now() + milliseconds(2)); };
  // An end that nobody has written to can be written and not read.
  co_await co_await ready(Readiness::writable, ctx);
  co_await co_await ready(Readiness::either, ctx);
  EXPECT_EQ(code_of(co_await ready(Readiness::readable, soon())), Code::timeout);
  CancelToken token;
  token.cancel();
  EXPECT_EQ(code_of(co_await ready(Readiness::readable, ctx.under(token))), Code::cancelled);

  Group group(ctx);
  group.spawn(write_soon(pair.ends[1], ctx));
  co_await co_await ready(Readiness::readable, ctx);
  // It stays so until somebody reads.
  co_await co_await ready(Readiness::readable, ctx);
  char byte = 0;
  EXPECT_EQ(::read(pair.ends[0], &byte, 1), 1);
  EXPECT_EQ(code_of(co_await ready(Readiness::readable, soon())), Code::timeout);

  pair.fill();
  EXPECT_EQ(code_of(co_await ready(Readiness::writable, soon())), Code::timeout);
  EXPECT_EQ(code_of(co_await ready(Readiness::either, soon())), Code::timeout);
  group.spawn(drain_soon(pair.ends[1], ctx));
  co_await co_await ready(Readiness::writable, ctx);

  // The peer's end is news, and so is a number that is given anew after a close.
  ForeignPair::close_end(pair.ends[1]);
  co_await co_await ready(Readiness::readable, ctx);
  int number = pair.ends[0];
  ForeignPair::close_end(pair.ends[0]);
  EXPECT_FALSE(co_await ctx.loop->until_ready(number, Readiness::readable, ctx));
  ForeignPair other;
  EXPECT_EQ(other.ends[0], number);
  co_await co_await ctx.loop->until_ready(other.ends[0], Readiness::writable, ctx);
  co_return co_await group.join();
}

TEST(EngineTest, waits_for_descriptors_of_others) {
  auto engine = make_engine(1);
  Result<> result = engine->run_task(wait_for_descriptors(context(*engine)));
  EXPECT_TRUE(result) << result.error().text();
}

}  // namespace
}  // namespace forebay::io
