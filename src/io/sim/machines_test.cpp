// Several machines in one world.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "io/sim.h"
#include "io/stream.h"
#include "io/sync.h"
#include "io/world_test.h"

namespace forebay::io {
namespace {

constexpr uint16_t kPort = 7000;

std::unique_ptr<Simulation> machines(size_t count, uint64_t seed = 1) {
  return Simulation::make({.seed = seed, .machines = count});
}
Context at(Simulation& world, size_t number) { return {.loop = &world.machine(number).loop()}; }
Address of(Simulation& world, size_t number) { return {world.machine(number).address(), kPort}; }

Context soon(Context ctx, Duration within) { return ctx.until(ctx.loop->now() + within); }

/// A stream from machine 0 to machine 1, and its other end.
struct Wire {
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Stream> near, far;

  explicit Wire(Simulation& world) {
    auto opened = world.machine(1).loop().listen({"0.0.0.0", kPort});
    EXPECT_TRUE(opened);
    listener = std::move(*opened);
    EXPECT_TRUE(world.run(connect(world)));
  }
  Task<> connect(Simulation& world) {
    near = co_await co_await at(world, 0).loop->connect(of(world, 1), at(world, 0));
    far = co_await co_await accept(*listener, at(world, 1));
    co_return ok;
  }
};

/// What a task came to, while the world goes on.
template <class T>
struct Outcome {
  std::optional<Result<T>> result;
  void begin(Loop& loop, Task<T> task) {
    start<T>(loop, std::move(task), [this](Result<T> r) { result.emplace(std::move(r)); });
  }
};

void let_pass(Simulation& world, Duration time) {
  Context ctx = at(world, 0);
  EXPECT_TRUE(world.run(sleep_until(ctx.loop->now() + time, ctx)));
}

TEST(MachinesTest, each_has_its_address_and_ports) {
  auto world = machines(2);
  auto here = world->machine(0).loop().listen({"0.0.0.0", kPort});
  auto there = world->machine(1).loop().listen({"0.0.0.0", kPort});
  auto local = world->machine(1).loop().listen({"127.0.0.1", kPort + 1});
  ASSERT_TRUE(here && there && local);
  EXPECT_FALSE(world->machine(1).loop().listen({"0.0.0.0", kPort}));
  EXPECT_EQ(world->machine(1).address(), "10.0.0.2");

  Context ctx = at(*world, 0);
  auto stream = world->run(ctx.loop->connect(of(*world, 1), ctx));
  ASSERT_TRUE(stream);
  EXPECT_EQ((*stream)->peer(), of(*world, 1));
  auto taken = world->run(accept(**there, at(*world, 1)));
  ASSERT_TRUE(taken);
  EXPECT_EQ((*taken)->peer().host, "10.0.0.1");
  int error = 0;
  EXPECT_EQ((*here)->try_accept(&error), nullptr);
  EXPECT_FALSE(world->run(ctx.loop->connect({"127.0.0.1", kPort + 1}, ctx)));
  EXPECT_FALSE(world->run(ctx.loop->connect({"10.0.0.2", kPort + 1}, ctx)));
  Context other = at(*world, 1);
  EXPECT_TRUE(world->run(other.loop->connect({"127.0.0.1", kPort + 1}, other)));
}

TEST(MachinesTest, what_is_sent_over_a_cut_arrives_when_it_is_whole) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    auto world = machines(3, seed);
    Wire wire(*world);
    world->cut(1, 0, true);
    world->cut(0, 2, true);
    ASSERT_TRUE(world->run(write_text(*wire.near, "hello", at(*world, 0))));
    wire.near.reset();
    Outcome<std::string> heard;
    heard.begin(*at(*world, 1).loop, read_to_end(*wire.far, at(*world, 1)));
    let_pass(*world, seconds(5));
    EXPECT_FALSE(heard.result);
    world->cut(0, 1, false);
    let_pass(*world, seconds(1));
    ASSERT_TRUE(heard.result && *heard.result);
    EXPECT_EQ(**heard.result, "hello");
  }
}

TEST(MachinesTest, who_connects_over_a_cut_waits) {
  auto world = machines(2);
  auto listener = world->machine(1).loop().listen({"0.0.0.0", kPort});
  world->cut(0, 1, true);
  Context ctx = at(*world, 0);
  auto late = world->run(ctx.loop->connect(of(*world, 1), soon(ctx, seconds(3))));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Code::timeout);
  Outcome<std::unique_ptr<Stream>> waits;
  waits.begin(*ctx.loop, ctx.loop->connect(of(*world, 1), ctx));
  let_pass(*world, seconds(2));
  EXPECT_FALSE(waits.result);
  world->cut(0, 1, false);
  let_pass(*world, seconds(1));
  EXPECT_TRUE(waits.result && *waits.result);
}

TEST(MachinesTest, nothing_runs_on_one_that_is_stopped) {
  auto world = machines(2);
  Wire wire(*world);
  Outcome<std::string> heard;
  heard.begin(*at(*world, 1).loop, read_to_end(*wire.far, at(*world, 1)));
  Outcome<void> slept;
  Context there = at(*world, 1);
  slept.begin(*there.loop, sleep_until(there.loop->now() + seconds(1), there));
  let_pass(*world, milliseconds(10));
  world->machine(1).pause();
  ASSERT_TRUE(world->run(write_text(*wire.near, "hello", at(*world, 0))));
  wire.near.reset();
  Time before = there.loop->now();
  let_pass(*world, seconds(10));
  EXPECT_FALSE(heard.result || slept.result);
  EXPECT_GE(there.loop->now(), before + seconds(10)) << "its clock goes on";
  world->machine(1).resume();
  let_pass(*world, seconds(1));
  EXPECT_TRUE(slept.result && *slept.result);
  ASSERT_TRUE(heard.result && *heard.result);
  EXPECT_EQ(**heard.result, "hello");
}

TEST(MachinesTest, clocks_drift_and_wall_clocks_are_set) {
  auto world = machines(3);
  world->machine(0).drift(1.01);
  world->machine(1).drift(0.99);
  Time start = world->machine(2).loop().now();
  Time fast = world->machine(0).loop().now(), slow = world->machine(1).loop().now();
  Context ctx = at(*world, 2);
  ASSERT_TRUE(world->run(sleep_until(start + seconds(100), ctx)));
  auto passed = [&](size_t number, Time since) {
    return (world->machine(number).loop().now() - since).ns / 1e9;
  };
  double truly = passed(2, start);
  EXPECT_GE(truly, 100);
  EXPECT_NEAR(passed(0, fast), truly * 1.01, 1e-6);
  EXPECT_NEAR(passed(1, slow), truly * 0.99, 1e-6);
  // Who sleeps wakes by the clock that it slept by.
  for (size_t number : {0, 1, 2}) {
    Context own = at(*world, number);
    Time due = own.loop->now() + seconds(10);
    ASSERT_TRUE(world->run(sleep_until(due, own)));
    EXPECT_GE(own.loop->now(), due);
    EXPECT_LT(own.loop->now(), due + milliseconds(1));
  }
  WallTime wall = world->machine(0).loop().wall_now();
  Time boot = world->machine(0).loop().now();
  world->machine(0).jump(seconds(-3600));
  EXPECT_EQ(world->machine(0).loop().wall_now().ns, wall.ns - seconds(3600).ns);
  EXPECT_EQ(world->machine(0).loop().now(), boot);
}

TEST(MachinesTest, who_was_connected_to_a_killed_process_is_told) {
  auto world = machines(2);
  Wire wire(*world);
  Outcome<std::string> near, far;
  near.begin(*at(*world, 0).loop, read_to_end(*wire.near, at(*world, 0)));
  far.begin(*at(*world, 1).loop, read_to_end(*wire.far, at(*world, 1)));
  let_pass(*world, milliseconds(50));
  world->machine(1).kill();
  let_pass(*world, seconds(1));
  ASSERT_TRUE(near.result && far.result);
  EXPECT_FALSE(*near.result);
  EXPECT_FALSE(*far.result) << "what is left of it reaches nobody";
  EXPECT_FALSE(world->run(write_text(*wire.far, "ghost", at(*world, 1))));
  Context ctx = at(*world, 0);
  EXPECT_FALSE(world->run(ctx.loop->connect(of(*world, 1), ctx)));
  auto anew = world->machine(1).loop().listen({"0.0.0.0", kPort});
  ASSERT_TRUE(anew);
  EXPECT_TRUE(world->run(ctx.loop->connect(of(*world, 1), ctx)));
}

TEST(MachinesTest, a_machine_without_power_says_nothing) {
  auto world = machines(2);
  Wire wire(*world);
  world->machine(1).power_loss();
  Context ctx = at(*world, 0);
  auto heard = world->run(read_to_end(*wire.near, soon(ctx, seconds(10))));
  ASSERT_FALSE(heard);
  EXPECT_EQ(heard.error().code(), Code::timeout);
  // What is sent to it once it is up again it does not know.
  (void)world->run(write_text(*wire.near, "there?", ctx));
  heard = world->run(read_to_end(*wire.near, soon(ctx, seconds(10))));
  ASSERT_FALSE(heard);
  EXPECT_NE(heard.error().code(), Code::timeout);
}

Task<> keep(std::string text, Context ctx) {
  co_return co_await run_blocking(ctx, [&]() -> Result<> {
    auto folder = ctx.loop->open_directory("/data", true);
    if (!folder) return std::move(folder.error());
    auto file = (*folder)->open("file", OpenMode::create);
    if (!file) return std::move(file.error());
    return (*file)->write_at(0, as_bytes(text));
  });
}

Task<uint64_t> kept(Context ctx) {
  co_return co_await run_blocking(ctx, [&]() -> Result<uint64_t> {
    auto folder = ctx.loop->open_directory("/data", true);
    if (!folder) return std::move(folder.error());
    auto file = (*folder)->open("file", OpenMode::read);
    if (!file) return std::move(file.error());
    return (*file)->stat()->size;
  });
}

TEST(MachinesTest, each_has_its_disk_and_its_luck) {
  auto world = machines(2);
  ASSERT_TRUE(world->run(keep("one", at(*world, 0))));
  ASSERT_TRUE(world->run(keep("three", at(*world, 1))));
  world->machine(0).kill();
  EXPECT_EQ(*world->run(kept(at(*world, 0))), 3U);
  EXPECT_EQ(*world->run(kept(at(*world, 1))), 5U);
  world->machine(1).options().disk_error = 1;
  EXPECT_TRUE(world->run(kept(at(*world, 0))));
  EXPECT_FALSE(world->run(kept(at(*world, 1))));
}

TEST(MachinesTest, a_seed_decides_everything) {
  auto run = [](uint64_t seed) {
    auto world = machines(3, seed);
    Wire wire(*world);
    world->machine(1).drift(1.001);
    Outcome<std::string> heard;
    heard.begin(*at(*world, 1).loop, read_to_end(*wire.far, at(*world, 1)));
    EXPECT_TRUE(world->run(write_text(*wire.near, pattern(50'000, 1), at(*world, 0))));
    wire.near.reset();
    let_pass(*world, seconds(1));
    EXPECT_TRUE(heard.result && *heard.result);
    return world->digest();
  };
  for (uint64_t seed = 1; seed <= 20; ++seed) EXPECT_EQ(run(seed), run(seed)) << seed;
  EXPECT_NE(run(1), run(2));
}

}  // namespace
}  // namespace forebay::io
