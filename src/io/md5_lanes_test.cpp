#include "io/md5_lanes.h"

#include <random>

#include "base/encoding.h"
#include "io/world_test.h"

namespace forebay::io {
namespace {

class Md5LanesTest : public WorldTest {};
FOREBAY_IN_ALL_WORLDS(Md5LanesTest);

std::string text_of(size_t length, uint32_t seed) {
  std::mt19937 random(seed);
  std::string text(length, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

std::string alone(std::string_view text) {
  Md5 sum;
  sum.update(as_bytes(text));
  return to_hex(sum.digest());
}

// A body that comes in pieces.
Task<> body(Md5Lanes& lanes, std::string text, size_t piece, Context ctx) {
  Md5 sum;
  for (size_t at = 0; at < text.size(); at += piece) {
    co_await co_await lanes.update(
        sum, as_bytes(text).subspan(at, std::min(piece, text.size() - at)), ctx);
  }
  EXPECT_EQ(to_hex(sum.digest()), alone(text));
  co_return ok;
}

Task<> many(Md5Lanes& lanes, size_t bodies, Context ctx) {
  Group group(ctx);
  for (size_t i = 0; i < bodies; ++i) {
    group.spawn(body(lanes, text_of(300'000 + i * 7777, static_cast<uint32_t>(i)), 70'000, ctx));
  }
  co_return co_await group.join();
}

TEST_P(Md5LanesTest, every_body_gets_its_own_sum) {
  for (size_t bodies : {1, 2, 16, 17, 40}) {
    Md5Lanes lanes;
    expect_ok(many(lanes, bodies, context()));
    EXPECT_GE(lanes.stats().pieces, bodies * 4);
    EXPECT_LE(lanes.stats().pieces, lanes.stats().runs * Md5::kLanes);
  }
}

// What is here together goes together: with sixteen bodies at a time far fewer runs than pieces.
TEST_P(Md5LanesTest, bodies_share_runs) {
  Md5Lanes lanes;
  expect_ok(many(lanes, Md5::kLanes, context()));
  EXPECT_LE(lanes.stats().runs * 3, lanes.stats().pieces);
}

TEST_P(Md5LanesTest, few_bytes_are_reckoned_at_once) {
  Md5Lanes lanes;
  expect_ok(body(lanes, text_of(Md5Lanes::kLeast * 2, 1), Md5Lanes::kLeast - 1, context()));
  EXPECT_EQ(lanes.stats().runs, 0U);
  expect_ok(body(lanes, text_of(Md5Lanes::kLeast * 2, 1), Md5Lanes::kLeast, context()));
  EXPECT_EQ(lanes.stats().runs, 2U);
}

// Whoever owns the bytes may not go before they were read.
Task<> hurried(Md5Lanes& lanes, Context ctx) {
  CancelToken cancel;
  Context late = ctx.until(Time{});
  late.cancel = &cancel;
  cancel.cancel();
  co_return co_await body(lanes, text_of(200'000, 3), 100'000, late);
}
TEST_P(Md5LanesTest, a_deadline_and_a_cancel_cut_nothing_short) {
  Md5Lanes lanes;
  expect_ok(hurried(lanes, context()));
  EXPECT_EQ(lanes.stats().pieces, 2U);
}

// Bodies of several loops meet in one run; under the thread sanitizer this is what it looks at.
TEST(Md5LanesThreads, bodies_of_several_loops) {
  auto made = Engine::make({.loops = 3, .pool_threads = 4});
  ASSERT_TRUE(made);
  Engine& engine = **made;
  Md5Lanes lanes;
  Event all_done;
  int left = 3;
  auto context = [&](size_t index) { return Context{.loop = &engine.loop(index)}; };
  for (size_t index : {0, 1, 2}) {
    engine.loop(index).post([&, index] {
      start<void>(engine.loop(index), many(lanes, 9, context(index)), [&](Result<> ended) {
        EXPECT_TRUE(ended);
        engine.loop(0).post([&] {
          if (--left == 0) all_done.set();
        });
      });
    });
  }
  Result<> done = engine.run_task(all_done.wait(context(0)));
  EXPECT_TRUE(done);
  EXPECT_GT(lanes.stats().pieces, lanes.stats().runs);
}

}  // namespace
}  // namespace forebay::io
