#include "unit/spread.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/bytes.h"

namespace forebay::unit {
namespace {

// Streams of one unit, moved by hand through time. Rates are bytes a second.
struct World {
  struct Lane {
    Spread::Stream stream;
    uint64_t left = 0;
    Time begins;
  };
  Spread& spread;
  double each = 10e6;  // of a connection
  double link = 1e12;  // of all
  double disk = 1;     // the part of the time that a stream waits for the origin
  Duration first_byte{};
  Time now{seconds(1).ns};
  std::vector<Lane> lanes = {};
  size_t most = 0;  // that there were at once

  void add(uint64_t bytes, Duration first) {
    lanes.push_back({{.looked = now + first, .first_byte = first_byte}, bytes, now + first});
  }
  uint32_t streams() const { return static_cast<uint32_t>(lanes.size()); }
  // One unit, from its start to its end; how long it took.
  Duration unit(uint64_t bytes) {
    Time begun = now;
    uint32_t shares = spread.at_start({bytes, 1, 2 * kMiB}, now);
    for (uint32_t i = 0; i < shares; ++i) add(bytes / shares, {});
    most = 0;
    while (!lanes.empty()) step();
    return now - begun;
  }
  void step() {
    constexpr Duration kStep = milliseconds(5);
    now = now + kStep;
    auto at_work = std::ranges::count_if(lanes, [&](const Lane& l) { return l.begins < now; });
    double rate = std::min(each, link / static_cast<double>(std::max<int64_t>(at_work, 1)));
    auto bytes = static_cast<uint64_t>(rate * kStep.seconds());
    auto waited = nanoseconds(static_cast<int64_t>(static_cast<double>(kStep.ns) * disk));
    for (size_t i = 0; i < lanes.size(); ++i) {
      if (lanes[i].begins >= now || lanes[i].left == 0) continue;
      uint64_t count = std::min(bytes, lanes[i].left);
      lanes[i].left -= count;
      spread.came(lanes[i].stream, count, waited, now);
      if (!lanes[i].stream.due(now)) continue;
      uint64_t left = lanes[i].left;
      uint32_t shares = spread.look(lanes[i].stream, {left, streams(), 2 * kMiB}, now);
      EXPECT_GE(shares, 1U);
      for (uint32_t k = 1; k < shares; ++k) add(left / shares, first_byte);
      lanes[i].left -= left / shares * (shares - 1);
    }
    std::erase_if(lanes, [](const Lane& lane) { return lane.left == 0; });
    most = std::max(most, lanes.size());
  }
};

TEST(SpreadTest, where_connections_are_limited_it_doubles_to_the_most) {
  Spread spread;
  World world{.spread = spread};
  Duration took = world.unit(128 * kMiB);  // 13.4 s for one
  EXPECT_LT(took, seconds(3));
  EXPECT_EQ(spread.paid(), Spread::kMost);
  EXPECT_EQ(world.most, Spread::kMost) << "and no more";
  EXPECT_EQ(spread.at_start({128 * kMiB, 1, 2 * kMiB}, world.now), Spread::kMost);
  EXPECT_LT(world.unit(128 * kMiB), milliseconds(1900));
  EXPECT_EQ(spread.at_start({128 * kMiB, 6, 2 * kMiB}, world.now), 2U) << "others are there";
  EXPECT_EQ(spread.at_start({128 * kMiB, Spread::kMost, 2 * kMiB}, world.now), 1U);
  EXPECT_EQ(spread.at_start({5 * kMiB, 1, 2 * kMiB}, world.now), 2U) << "as many as are worth it";
  EXPECT_EQ(spread.at_start({0, 1, 2 * kMiB}, world.now), 1U);
}

TEST(SpreadTest, where_the_link_is_the_limit_one_trial_is_lost_and_remembered) {
  Spread spread;
  World world{.spread = spread, .each = 1e9, .link = 10e6};
  world.unit(128 * kMiB);
  EXPECT_EQ(spread.paid(), 1U);
  EXPECT_EQ(world.most, 2U);
  world.unit(128 * kMiB);
  EXPECT_EQ(world.most, 1U);
  world.now = world.now + Spread::kAgain;
  world.unit(128 * kMiB);
  EXPECT_EQ(world.most, 2U) << "after some time it is tried again";
}

TEST(SpreadTest, it_stops_at_the_number_that_pays) {
  Spread spread;
  World world{.spread = spread, .each = 10e6, .link = 42e6};
  world.unit(256 * kMiB);
  EXPECT_EQ(spread.paid(), 4U);
  EXPECT_EQ(world.most, 8U) << "tried";
  world.unit(256 * kMiB);
  EXPECT_EQ(world.most, 4U);
}

TEST(SpreadTest, what_takes_little_time_is_left_to_one) {
  Spread spread;
  World world{.spread = spread, .each = 1e9};
  world.unit(128 * kMiB);
  EXPECT_EQ(world.most, 1U);
  world.each = 10e6;
  world.unit(3 * kMiB);  // slow, but too small for two
  EXPECT_EQ(world.most, 1U);
  // What a first byte costs is not won back.
  world.first_byte = milliseconds(400);
  world.unit(10 * kMiB);
  EXPECT_EQ(world.most, 1U);
  world.first_byte = milliseconds(50);
  world.unit(10 * kMiB);
  EXPECT_EQ(world.most, 2U);
}

TEST(SpreadTest, an_origin_that_has_become_fast_is_asked_once_again) {
  Spread spread;
  World world{.spread = spread};
  world.unit(128 * kMiB);
  world.each = 2e9;
  for (int i = 0; i < 2; ++i) {
    world.unit(128 * kMiB);
    world.now = world.now + Spread::kLook;
  }
  world.unit(128 * kMiB);
  EXPECT_EQ(world.most, 1U);
  EXPECT_EQ(spread.paid(), Spread::kMost);
}

TEST(SpreadTest, a_slow_disk_is_no_slow_origin) {
  Spread spread;
  World world{.spread = spread, .disk = 0.01};
  EXPECT_GT(world.unit(128 * kMiB), seconds(10));
  EXPECT_EQ(world.most, 1U);
}

TEST(SpreadTest, a_trial_that_tells_nothing_ends) {
  Spread spread;
  World world{.spread = spread};
  Spread::Stream stream{.looked = world.now};
  uint32_t shares = 1;
  int looks = 0;
  auto pass = [&](int steps) {
    for (int i = 0; i < steps; ++i) {
      world.now = world.now + milliseconds(10);
      spread.came(stream, 100'000, milliseconds(10), world.now);
      if (!stream.due(world.now)) continue;
      shares = spread.look(stream, {100 * kMiB, 1, 2 * kMiB}, world.now);
      ++looks;
      if (shares > 1) return;
    }
  };
  pass(100);
  EXPECT_EQ(shares, 2U);
  EXPECT_LE(looks, 2);
  // There was no permit: it stays alone, and asks in vain from then on.
  for (int i = 0; i < 40; ++i) pass(10);
  EXPECT_EQ(shares, 1U);
  EXPECT_EQ(spread.paid(), 1U);
  world.now = world.now + Spread::kAgain;
  pass(100);
  EXPECT_EQ(shares, 2U);
}

TEST(SpreadTest, an_origin_that_gives_more_than_was_asked_is_asked_once) {
  Spread spread;
  World world{.spread = spread};
  world.unit(128 * kMiB);
  spread.one_only(world.now);
  EXPECT_EQ(spread.at_start({128 * kMiB, 1, 2 * kMiB}, world.now), 1U);
  world.unit(128 * kMiB);
  EXPECT_EQ(world.most, 1U);
}

}  // namespace
}  // namespace forebay::unit
