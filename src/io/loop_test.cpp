#include "io/loop.h"

#include <atomic>
#include <set>

#include "io/world_test.h"

namespace forebay::io {
namespace {

TEST(AddressTest, reads_what_it_writes) {
  for (std::string text : {"127.0.0.1:80", "[::1]:9000", "origin.example:65535", "h:0"}) {
    auto address = Address::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), text);
  }
  EXPECT_EQ(Address::parse("[::1]:9000")->host, "::1");
}

TEST(AddressTest, refuses_what_is_none) {
  for (std::string text : {"", ":80", "host", "host:", "host:65536", "host:-1", "host:8x",
                           "[::1:80", "::1]:80", "[]:80", "::1:80"}) {
    EXPECT_EQ(code_of(Address::parse(text)), Code::invalid) << text;
  }
}

class LoopTest : public WorldTest {};
FOREBAY_IN_ALL_WORLDS(LoopTest);

struct Ring final : Timer {
  Ring(std::vector<int>& rings, int number) : rings_(rings), number_(number) {}
  void on_timer() override { rings_.push_back(number_); }
  std::vector<int>& rings_;
  int number_;
};

Task<> timers(Context ctx) {
  std::vector<int> rings;
  Ring one(rings, 1), two(rings, 2), three(rings, 3), never(rings, 4), past(rings, 0);
  Time now = ctx.loop->now();
  ctx.loop->add_timer(three, now + milliseconds(4));
  ctx.loop->add_timer(one, now + milliseconds(2));
  ctx.loop->add_timer(two, now + milliseconds(2));  // equal times: first set, first rung
  ctx.loop->add_timer(never, now + milliseconds(3));
  ctx.loop->add_timer(past, now);
  ctx.loop->remove_timer(never);
  ctx.loop->remove_timer(never);
  co_await co_await sleep_until(now + milliseconds(6), ctx);
  EXPECT_EQ(rings, (std::vector<int>{0, 1, 2, 3}));
  ctx.loop->add_timer(one, ctx.loop->now() + milliseconds(1));  // may be set again
  ctx.loop->remove_timer(one);
  co_await co_await sleep_until(ctx.loop->now() + milliseconds(3), ctx);
  EXPECT_EQ(rings.size(), 4U);
  co_return ok;
}
TEST_P(LoopTest, timers_ring_in_order_once) { expect_ok(timers(context())); }

Task<> cancel_soon(CancelToken& token, Context ctx) {
  co_await co_await yield(ctx);
  token.cancel();
  co_return ok;
}

Task<> sleeps(Context ctx) {
  Time start = ctx.loop->now();
  co_await co_await sleep_until(start + milliseconds(3), ctx);
  EXPECT_GE(ctx.loop->now(), start + milliseconds(3));
  co_await co_await sleep_until(start, ctx);  // past: at once

  // The caller's deadline comes first; exactly at the deadline the sleep is complete.
  Time now = ctx.loop->now();
  Result<> cut = co_await sleep_until(now + seconds(50), ctx.until(now + milliseconds(2)));
  EXPECT_EQ(code_of(cut), Code::timeout);
  EXPECT_GE(ctx.loop->now(), now + milliseconds(2));
  now = ctx.loop->now();
  Result<> just = co_await sleep_until(now + milliseconds(2), ctx.until(now + milliseconds(2)));
  EXPECT_TRUE(just);

  CancelToken token;
  Group group(ctx);
  group.spawn(cancel_soon(token, ctx));
  Result<> cancelled = co_await sleep_until(kNever, ctx.under(token));
  EXPECT_EQ(code_of(cancelled), Code::cancelled);
  co_return co_await group.join();
}
TEST_P(LoopTest, sleeps_until_its_time_its_deadline_or_a_cancel) { expect_ok(sleeps(context())); }

Task<> count_up(int& count, Context ctx) {
  for (int i = 0; i < 10; ++i) {
    ++count;
    co_await co_await yield(ctx);
  }
  co_return ok;
}

Task<> yields(Context ctx) {
  int count = 0;
  Group group(ctx);
  group.spawn(count_up(count, ctx));
  int last = 0;
  // Each turn lets the other go at most two steps ahead, and it gets there.
  for (int i = 0; i < 40; ++i) {
    co_await co_await yield(ctx);
    EXPECT_LE(count - last, 2);
    last = count;
  }
  EXPECT_EQ(count, 10);
  Result<> late = co_await yield(ctx.until(ctx.loop->now()));
  EXPECT_EQ(code_of(late), Code::timeout);
  CancelToken token;
  token.cancel();
  EXPECT_EQ(code_of(co_await yield(ctx.under(token))), Code::cancelled);
  co_return co_await group.join();
}
TEST_P(LoopTest, yield_lets_others_go_and_sees_the_deadline) { expect_ok(yields(context())); }

Task<> blocking(Context ctx) {
  int seven = co_await co_await run_blocking(ctx, []() -> Result<int> { return 7; });
  EXPECT_EQ(seven, 7);
  auto failed =
      co_await run_blocking(ctx, []() -> Result<int> { return fail(Code::conflict, "no"); });
  EXPECT_EQ(code_of(failed), Code::conflict);
  auto moved = co_await co_await run_blocking(
      ctx, [box = std::make_unique<int>(3)]() mutable -> Result<std::unique_ptr<int>> {
        return std::move(box);
      });
  EXPECT_EQ(*moved, 3);
  // Started work is not interrupted: its result is there although time and patience are over.
  CancelToken token;
  token.cancel();
  bool ran = false;
  Result<> late = co_await run_blocking(ctx.under(token).until({0}), [&]() -> Result<> {
    ran = true;
    return ok;
  });
  EXPECT_TRUE(late && ran);
  EXPECT_GE(ctx.loop->stats().offloads, 4U);
  co_return ok;
}
TEST_P(LoopTest, run_blocking_gives_results_and_errors) { expect_ok(blocking(context())); }

Task<> add_blocking(std::atomic<int>& sum, int value, Context ctx) {
  co_return co_await run_blocking(ctx, [&sum, value]() -> Result<> {
    sum += value;
    return ok;
  });
}

Task<> many_blocking(Context ctx) {
  std::atomic<int> sum = 0;
  Group group(ctx);
  for (int i = 1; i <= 100; ++i) group.spawn(add_blocking(sum, i, ctx));
  Result<> joined = co_await group.join();
  EXPECT_TRUE(joined);
  EXPECT_EQ(sum, 5050);
  co_return ok;
}
TEST_P(LoopTest, blocking_calls_go_side_by_side) { expect_ok(many_blocking(context())); }

Task<> posts(Context ctx) {
  std::vector<int> order;
  Event last;
  for (int i = 0; i < 5; ++i) ctx.loop->post([&order, i] { order.push_back(i); });
  ctx.loop->post([&] { last.set(); });
  EXPECT_TRUE(order.empty());
  co_await co_await last.wait(ctx);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
  co_return ok;
}
TEST_P(LoopTest, posts_run_later_in_order) { expect_ok(posts(context())); }

TEST_P(LoopTest, randomness_does_not_repeat) {
  std::set<uint64_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(loop().random());
  EXPECT_EQ(seen.size(), 200U);
  std::array<std::byte, 37> one{}, two{};
  loop().random_bytes(one);
  loop().random_bytes(two);
  EXPECT_NE(one, two);
}

TEST_P(LoopTest, clocks_go_on) {
  Time before = loop().now();
  WallTime wall = loop().wall_now();
  expect_ok(sleep_until(before + milliseconds(5), context()));
  EXPECT_GE(loop().now(), before + milliseconds(5));
  EXPECT_GT(loop().wall_now(), wall);
  EXPECT_GT(wall.seconds(), 1'700'000'000);
}

}  // namespace
}  // namespace forebay::io
