#include <gtest/gtest.h>

#include <set>

#include "io/sim/content.h"
#include "io/sim/world.h"
#include "io/world_test.h"

namespace forebay::io::sim {
namespace {

TEST(DiceTest, a_seed_gives_its_sequence) {
  Dice one(7), same(7), other(8);
  bool differ = false;
  for (int i = 0; i < 100; ++i) {
    uint64_t drawn = one.draw();
    EXPECT_EQ(drawn, same.draw());
    differ |= drawn != other.draw();
  }
  EXPECT_TRUE(differ);
}

TEST(DiceTest, stays_within_bounds_and_reaches_them) {
  Dice dice(1);
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(dice.below(6));
  EXPECT_EQ(seen, (std::set<uint64_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(dice.below(0), 0U);
  EXPECT_EQ(dice.below(1), 0U);
  std::set<size_t> parts;
  for (int i = 0; i < 1000; ++i) parts.insert(dice.part_of(3));
  EXPECT_EQ(parts, (std::set<size_t>{1, 2, 3}));
  EXPECT_EQ(dice.part_of(1), 1U);
  std::set<int64_t> times;
  for (int i = 0; i < 1000; ++i) times.insert(dice.up_to({2}).ns);
  EXPECT_EQ(times, (std::set<int64_t>{0, 1, 2}));
  EXPECT_EQ(dice.up_to({0}).ns, 0);
}

TEST(DiceTest, chances_come_true_as_often_as_they_should) {
  Dice dice(3);
  Dice untouched(3);
  EXPECT_FALSE(dice.chance(0));
  EXPECT_TRUE(dice.chance(1));
  EXPECT_EQ(dice.draw(), untouched.draw()) << "what is certain needs no throw";
  int hits = 0;
  for (int i = 0; i < 10'000; ++i) hits += dice.chance(0.3) ? 1 : 0;
  EXPECT_GT(hits, 2800);
  EXPECT_LT(hits, 3200);
}

TEST(WorldTest, events_happen_in_order_of_time_then_of_scheduling) {
  World world(1);
  std::vector<int> order;
  world.after({20}, [&] { order.push_back(3); });
  world.after({10}, [&] { order.push_back(1); });
  world.after({10}, [&] { order.push_back(2); });
  Time start = world.now;
  EXPECT_EQ(world.next_event(), start + Duration{10});
  world.fire_due();
  EXPECT_TRUE(order.empty());
  world.now = start + Duration{10};
  world.fire_due();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  world.now = start + Duration{30};
  world.fire_due();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(world.next_event(), kNever);
}

TEST(WorldTest, an_event_that_schedules_itself_does_not_stop_the_world) {
  World world(1);
  int times = 0;
  std::function<void()> again = [&] {
    ++times;
    world.after({0}, again);
  };
  again();
  world.fire_due();
  EXPECT_EQ(times, 2);
  world.end();
  world.after({0}, again);
  EXPECT_EQ(world.next_event(), kNever);
}

std::string text_of(const Content& content) {
  std::string out(content.size(), '?');
  EXPECT_EQ(content.read(0, std::as_writable_bytes(std::span(out))), out.size());
  return out;
}

TEST(ContentTest, a_full_disk_takes_what_fits) {
  Blocks blocks{.used = 0, .total = 3 * kPageBytes};
  Content content(blocks);
  std::string text = pattern(4 * kPageBytes, 1);
  EXPECT_EQ(content.write(100, as_bytes(text)), 3 * kPageBytes - 100);
  EXPECT_EQ(content.size(), 3 * kPageBytes);
  EXPECT_EQ(text_of(content), std::string(100, '\0') + text.substr(0, 3 * kPageBytes - 100));
  EXPECT_EQ(blocks.used, blocks.total);
  content.resize(kPageBytes + 1);
  EXPECT_EQ(blocks.used, 2 * kPageBytes);
  content.resize(0);
  EXPECT_EQ(blocks.used, 0U);
}

TEST(ContentTest, what_goes_gives_its_blocks_back) {
  Blocks blocks{.used = 0, .total = 10 * kPageBytes};
  {
    Content content(blocks);
    EXPECT_TRUE(content.allocate(3 * kPageBytes));
    EXPECT_FALSE(content.allocate(11 * kPageBytes));
    EXPECT_EQ(content.size(), 3 * kPageBytes);
    EXPECT_EQ(content.allocated(), 3 * kPageBytes);
  }
  EXPECT_EQ(blocks.used, 0U);
  Content synced(blocks);
  EXPECT_EQ(synced.write(0, as_bytes("durable")), 7U);
  synced.sync();
  EXPECT_EQ(synced.write(0, as_bytes("changed, and longer")), 19U);
  synced.abandon();
  EXPECT_EQ(blocks.used, 0U);
  EXPECT_EQ(text_of(synced), "durable");
}

TEST(ContentTest, a_reservation_holds_no_bytes_after_a_power_loss) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Blocks blocks{.used = 0, .total = 10 * kPageBytes};
    Content content(blocks);
    Dice dice(seed);
    EXPECT_TRUE(content.allocate(5 * kPageBytes));
    EXPECT_EQ(content.write(0, as_bytes("x")), 1U);
    content.sync();
    content.lose_power(dice);
    EXPECT_EQ(text_of(content), "x" + std::string(5 * kPageBytes - 1, '\0'));
    EXPECT_EQ(blocks.used, kPageBytes);
  }
}

// Whatever was written since the last sync, in whatever steps: a sector is as durable or as now.
TEST(ContentTest, every_sector_is_old_or_new) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Blocks blocks{.used = 0, .total = 1 << 30};
    Content content(blocks);
    Dice dice(seed);
    content.write(0, as_bytes(pattern(5 * kPageBytes, seed)));
    content.sync();
    std::string durable = text_of(content);
    for (int i = 0; i < 10; ++i) {
      content.write(dice.below(6 * kPageBytes), as_bytes(pattern(1 + dice.below(9000), i)));
      if (dice.chance(0.2)) content.resize(dice.below(6 * kPageBytes));
    }
    std::string now = text_of(content);
    content.lose_power(dice);
    std::string left = text_of(content);
    EXPECT_GE(left.size(), std::min(now.size(), durable.size()));
    EXPECT_LE(left.size(), std::max(now.size(), durable.size()));
    now.resize(8 * kPageBytes);
    durable.resize(8 * kPageBytes);
    for (size_t at = 0; at < left.size(); at += kSectorBytes) {
      size_t length = std::min(kSectorBytes, left.size() - at);
      EXPECT_TRUE(left.compare(at, length, now, at, length) == 0 ||
                  left.compare(at, length, durable, at, length) == 0)
          << "seed " << seed << " at " << at;
    }
  }
}

}  // namespace
}  // namespace forebay::io::sim
