// What one `dir` origin holds up when its folder hangs, or is slow to walk: itself, and no other.
#include <gtest/gtest.h>

#include "io/sim.h"
#include "io/sync.h"
#include "origin/dir/dir.h"
#include "testkit/origin_contract.h"

namespace forebay::origin {
namespace {

using testkit::body_of;
using testkit::key_of;

class DirLanes : public testing::Test {
 protected:
  std::unique_ptr<Origin> open(const std::string& path) {
    DirOptions options{.path = path, .create = true};
    add_dir_lanes(options, world_->loop());
    walks_ = options.walks;
    return make_dir_origin(std::move(options));
  }
  Context ctx() { return {.loop = &world_->loop(), .deadline = kNever}; }
  static Task<> put(Origin& origin, std::string key, Context ctx) {
    auto made = co_await origin.put(key_of(key), {}, body_of("text"), ctx);
    if (!made) co_return std::move(made.error());
    co_return ok;
  }
  static Task<> head(Origin& origin, std::string key, int& refused, Context ctx) {
    auto found = co_await origin.head(key_of(key), {}, ctx);
    if (!found && found.error().detail() == "SlowDown") ++refused;
    co_return ok;
  }
  static Task<> list(Origin& origin, int& listed, Context ctx) {
    auto found = co_await origin.list({}, ctx);
    if (found) ++listed;
    co_return ok;
  }

  std::unique_ptr<io::Simulation> world_ = io::Simulation::make({.seed = 7});
  std::shared_ptr<io::Lane> walks_;
};

TEST_F(DirLanes, a_folder_that_hangs_is_refused_after_a_while_and_holds_up_no_other) {
  auto hung = open("/net/a");
  auto good = open("/net/b");
  constexpr int kReaders = 100;
  int refused = 0;
  auto body = [&](Context ctx) -> Task<> {
    co_await co_await put(*hung, "k", ctx);
    world_->options().hung = {"the folder /net/a"};
    io::Group group(ctx);
    for (int i = 0; i < kReaders; ++i) group.spawn(head(*hung, "k", refused, ctx));
    Time begun = ctx.loop->now();
    for (int i = 0; i < 20; ++i) co_await co_await put(*good, "k" + std::to_string(i), ctx);
    EXPECT_EQ(refused, 0) << "the other folder waited for this one";
    co_await co_await io::sleep_until(begun + seconds(40), ctx);
    EXPECT_EQ(refused, kReaders - 8) << "all but those that have begun";
    int at_once = 0;
    Time then = ctx.loop->now();
    co_await co_await head(*hung, "k", at_once, ctx);
    EXPECT_EQ(at_once, 1);
    EXPECT_LT(ctx.loop->now() - then, seconds(1)) << "nobody waits for what has long been stuck";
    world_->options().hung.clear();
    co_await co_await group.join();
    auto found = co_await hung->head(key_of("k"), {}, ctx);
    EXPECT_TRUE(found) << "it is back";
    co_return ok;
  };
  auto done = world_->run(body(ctx()));
  EXPECT_TRUE(done) << done.error().text();
}

TEST_F(DirLanes, walks_hold_up_walks_only) {
  auto origin = open("/data/a");
  int listed = 0;
  auto body = [&](Context ctx) -> Task<> {
    co_await co_await put(*origin, "k", ctx);
    io::Group group(ctx);
    for (int i = 0; i < 64; ++i) group.spawn(list(*origin, listed, ctx));
    co_await co_await io::yield(ctx);
    EXPECT_EQ(walks_->stats(ctx.loop->now()).running, 2U);
    int refused = 0;
    co_await co_await head(*origin, "k", refused, ctx);
    EXPECT_LT(listed, 16) << "a head waited for most of the lists";
    co_return co_await group.join();
  };
  auto done = world_->run(body(ctx()));
  EXPECT_TRUE(done) << done.error().text();
  EXPECT_EQ(listed, 64);
}

}  // namespace
}  // namespace forebay::origin
