#include "io/sync.h"

#include "io/world_test.h"

namespace forebay::io {
namespace {

// Lets what was spawned run to where it waits: with a shuffled queue one turn may be too short.
Task<> settle(Context ctx) {
  co_await co_await yield(ctx);
  co_return co_await yield(ctx);
}

class SyncTest : public WorldTest {};
FOREBAY_IN_ALL_WORLDS(SyncTest);

Task<> wait_and_count(Event& event, int& count, Context ctx) {
  co_await co_await event.wait(ctx);
  ++count;
  co_return ok;
}

Task<> events(Context ctx) {
  Event event;
  int count = 0;
  Group group(ctx);
  for (int i = 0; i < 5; ++i) group.spawn(wait_and_count(event, count, ctx));
  Result<> late = co_await event.wait(ctx.until(ctx.loop->now() + milliseconds(2)));
  EXPECT_EQ(code_of(late), Code::timeout);
  EXPECT_EQ(count, 0);
  event.set();
  EXPECT_TRUE(event.is_set());
  EXPECT_EQ(count, 0);  // nobody is resumed inside set()
  Result<> joined = co_await group.join();
  EXPECT_TRUE(joined);
  EXPECT_EQ(count, 5);
  event.set();
  co_return co_await event.wait(ctx.until({0}));  // passes without waiting
}
TEST_P(SyncTest, an_event_lets_everyone_pass) { expect_ok(events(context())); }

// An event that ends as soon as it was set: nobody looks at it again.
Task<> short_lived(Context ctx) {
  int count = 0;
  Group group(ctx);
  {
    auto event = std::make_unique<Event>();
    for (int i = 0; i < 3; ++i) group.spawn(wait_and_count(*event, count, ctx));
    co_await co_await settle(ctx);
    event->set();
  }
  co_return co_await group.join();
}
TEST_P(SyncTest, an_event_may_end_once_it_was_set) { expect_ok(short_lived(context())); }

Task<> take(Semaphore& semaphore, uint64_t count, int number, std::vector<int>& order,
            Context ctx) {
  auto permit = co_await co_await semaphore.acquire(count, ctx);
  order.push_back(number);
  co_await co_await yield(ctx);
  co_return ok;
}

Task<> fifo(Context ctx) {
  Semaphore semaphore(3);
  std::vector<int> order;
  Group group(ctx);
  {
    auto all = co_await co_await semaphore.acquire(3, ctx);
    EXPECT_EQ(semaphore.free(), 0U);
    EXPECT_FALSE(semaphore.try_acquire(1));
    // The third would fit before the second; it must not pass it.
    constexpr uint64_t kCounts[] = {1, 3, 1, 2};
    for (int i = 0; i < 4; ++i) {
      group.spawn(take(semaphore, kCounts[i], i, order, ctx));
      co_await co_await settle(ctx);
    }
  }
  EXPECT_FALSE(semaphore.try_acquire(1)) << "nobody passes those who wait";
  Result<> joined = co_await group.join();
  EXPECT_TRUE(joined);
  EXPECT_EQ(order.size(), 4U);
  EXPECT_EQ(order[0], 0);
  EXPECT_EQ(order[1], 1);
  EXPECT_EQ(semaphore.free(), 3U);
  co_return ok;
}
TEST_P(SyncTest, permits_go_first_come_first_served) { expect_ok(fifo(context())); }

Task<> want(Semaphore& semaphore, uint64_t count, Code& out, Context ctx) {
  auto permit = co_await semaphore.acquire(count, ctx);
  out = code_of(permit);
  co_return ok;
}

// The first in line wants much and gives up; those behind fit and must not wait for a release.
Task<> giving_up(Context ctx, bool by_deadline) {
  Semaphore semaphore(4);
  auto two = co_await co_await semaphore.acquire(2, ctx);
  CancelToken token;
  Code greedy = Code::internal;
  std::vector<int> order;
  Group group(ctx);
  Context patience = by_deadline ? ctx.until(ctx.loop->now() + milliseconds(4)) : ctx.under(token);
  group.spawn(want(semaphore, 3, greedy, patience));
  co_await co_await settle(ctx);
  group.spawn(take(semaphore, 1, 1, order, ctx));
  group.spawn(take(semaphore, 1, 2, order, ctx));
  co_await co_await settle(ctx);
  if (!by_deadline) {
    EXPECT_TRUE(order.empty());
  }
  token.cancel();
  Result<> joined = co_await group.join();
  EXPECT_TRUE(joined);
  EXPECT_EQ(greedy, by_deadline ? Code::timeout : Code::cancelled);
  EXPECT_EQ(order.size(), 2U);
  EXPECT_EQ(semaphore.free(), 2U);
  co_return ok;
}
TEST_P(SyncTest, who_gives_up_lets_those_behind_pass) {
  expect_ok(giving_up(context(), false));
  expect_ok(giving_up(context(), true));
}

// One token over all: each that is cancelled may hand a permit to the next, which is cancelled too.
Task<> all_cancelled(Context ctx) {
  Semaphore semaphore(2);
  CancelToken token;
  std::array<Code, 6> codes{};
  Group group(ctx);
  {
    auto one = co_await co_await semaphore.acquire(1, ctx);
    for (size_t i = 0; i < codes.size(); ++i) {
      group.spawn(want(semaphore, 1 + (i + 1) % 2, codes[i], ctx.under(token)));
    }
    co_await co_await settle(ctx);
    token.cancel();
  }
  Result<> joined = co_await group.join();
  EXPECT_TRUE(joined);
  EXPECT_EQ(semaphore.free(), 2U) << "no permit is lost on the way";
  co_return ok;
}
TEST_P(SyncTest, a_cancel_of_all_loses_no_permit) { expect_ok(all_cancelled(context())); }

Task<> limits(Context ctx) {
  Semaphore semaphore(2);
  auto all = co_await co_await semaphore.acquire(2, ctx);
  EXPECT_EQ(code_of(co_await semaphore.acquire(3, ctx)), Code::too_large);
  auto nothing = co_await semaphore.acquire(0, ctx);
  EXPECT_TRUE(nothing);
  all = Semaphore::Permit();
  auto some = semaphore.try_acquire(2);
  EXPECT_TRUE(some);
  EXPECT_EQ(semaphore.free(), 0U);
  Semaphore::Permit moved = std::move(*some);
  some.reset();
  EXPECT_EQ(semaphore.free(), 0U);
  co_return ok;
}
TEST_P(SyncTest, permits_have_a_bound_and_move) { expect_ok(limits(context())); }

Task<> end_later(Duration delay, Result<> how, Context ctx) {
  co_await co_await sleep_until(ctx.loop->now() + delay, ctx);
  co_return how;
}

Task<> groups(Context ctx) {
  Group group(ctx);
  co_await co_await group.join();  // of nothing
  group.spawn(end_later(milliseconds(3), ok, ctx));
  group.spawn(end_later(milliseconds(2), fail(Code::conflict, "second"), ctx));
  group.spawn(end_later(milliseconds(1), fail(Code::denied, "first"), ctx));
  EXPECT_EQ(group.running(), 3U);
  Result<> joined = co_await group.join();
  EXPECT_EQ(code_of(joined), Code::denied);
  EXPECT_EQ(joined ? "" : joined.error().text(), "first");
  EXPECT_EQ(group.running(), 0U);
  co_return co_await group.join();  // the error was told
}
TEST_P(SyncTest, a_group_joins_all_and_keeps_the_first_error) { expect_ok(groups(context())); }

Task<> spawn_more(Group& group, int depth, int& ended, Context ctx) {
  co_await co_await yield(ctx);
  if (depth > 0) {
    group.spawn(spawn_more(group, depth - 1, ended, ctx));
    group.spawn(spawn_more(group, depth - 1, ended, ctx));
  }
  ++ended;
  co_return ok;
}

Task<> growing_group(Context ctx) {
  int ended = 0;
  Group group(ctx);
  group.spawn(spawn_more(group, 6, ended, ctx));
  Result<> joined = co_await group.join();
  EXPECT_EQ(ended, 127);
  co_return joined;
}
TEST_P(SyncTest, a_group_waits_for_what_its_tasks_spawn) { expect_ok(growing_group(context())); }

Task<> follow(Progress& progress, uint64_t until, Context ctx) {
  uint64_t seen = 0;
  while (seen < until) {
    uint64_t now = co_await co_await progress.changed(seen, ctx);
    EXPECT_GT(now, seen);
    seen = now;
  }
  co_return ok;
}

Task<> progress(Context ctx) {
  Progress news;
  Group group(ctx);
  for (int i = 0; i < 4; ++i) group.spawn(follow(news, 10, ctx));
  Result<uint64_t> none = co_await news.changed(0, ctx.until(ctx.loop->now() + milliseconds(2)));
  EXPECT_EQ(code_of(none), Code::timeout);
  for (int i = 0; i < 10; ++i) {
    news.notify();
    if (i % 3 == 0) co_await co_await yield(ctx);
  }
  EXPECT_EQ(news.count(), 10U);
  uint64_t at_once = co_await co_await news.changed(3, ctx.until({0}));
  EXPECT_EQ(at_once, 10U);
  co_return co_await group.join();
}
TEST_P(SyncTest, progress_wakes_everyone_who_looks_again) { expect_ok(progress(context())); }

// The wait ends while the post of notify() is on its way to it: the post finds nobody.
Task<> overtaken(Context ctx) {
  for (int round = 0; round < 50; ++round) {
    auto news = std::make_unique<Progress>();
    CancelToken token;
    Code code = Code::internal;
    Group group(ctx);
    group.spawn([](Progress& watched, Code& out, Context inner) -> Task<> {
      out = code_of(co_await watched.changed(0, inner));
      co_return ok;
    }(*news, code, ctx.under(token)));
    co_await co_await settle(ctx);
    news->notify();
    token.cancel();
    Result<> joined = co_await group.join();
    EXPECT_TRUE(joined);
    EXPECT_EQ(code, Code::cancelled);
    news.reset();  // the post may still be on its way
    co_await co_await yield(ctx);
  }
  co_return ok;
}
TEST_P(SyncTest, a_cancelled_wait_for_progress_is_not_woken_twice) {
  expect_ok(overtaken(context()));
}

// --- across loops: the real engine only

struct Shared {
  Progress progress;
  std::atomic<int> followers = 0;
  std::atomic<int> wakes = 0;
  Event all_done;
};

Task<> follow_far(Shared& shared, uint64_t until, Context ctx) {
  uint64_t seen = 0;
  for (int round = 0; seen < until; ++round) {
    // Some waits end by their deadline just when news come.
    Context patience = round % 3 == 0 ? ctx : ctx.until(ctx.loop->now() + microseconds(1));
    auto now = co_await shared.progress.changed(seen, patience);
    ++shared.wakes;
    if (now) {
      EXPECT_GT(*now, seen);
      seen = *now;
    } else {
      EXPECT_EQ(code_of(now), Code::timeout);
    }
  }
  co_return ok;
}

Task<> feed(Shared& shared, uint64_t times, Context ctx) {
  for (uint64_t i = 0; i < times; ++i) {
    shared.progress.notify();
    if (i % 4 == 0) co_await co_await yield(ctx);
  }
  co_return ok;
}

TEST(ProgressTest, crosses_loops) {
  constexpr uint64_t kTimes = 5000;
  auto made = Engine::make({.loops = 2, .pool_threads = 1});
  ASSERT_TRUE(made);
  Engine& engine = **made;
  Shared shared;
  int left = 9;
  auto one_done = [&](Result<> result) {
    EXPECT_TRUE(result);
    engine.loop(0).post([&] {
      if (--left == 0) shared.all_done.set();
    });
  };
  auto context = [&](size_t index) {
    return Context{.loop = &engine.loop(index), .deadline = engine.loop(0).now() + seconds(60)};
  };
  for (size_t index : {0, 1}) {
    engine.loop(index).post([&, index] {
      for (int i = 0; i < 4; ++i) {
        start<void>(engine.loop(index), follow_far(shared, kTimes, context(index)), one_done);
      }
    });
  }
  engine.loop(1).post(
      [&] { start<void>(engine.loop(1), feed(shared, kTimes, context(1)), one_done); });
  Result<> done = engine.run_task(shared.all_done.wait(context(0)));
  EXPECT_TRUE(done);
  EXPECT_EQ(shared.progress.count(), kTimes);
  EXPECT_GT(shared.wakes, 8);
}

}  // namespace
}  // namespace forebay::io
