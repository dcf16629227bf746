#include "disk/index/unit_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <random>

#include "disk/format.h"
#include "disk/store_test.h"

namespace forebay::disk {
namespace {

void no_row(const Unit&) {}

struct World {
  explicit World(uint64_t max_units = 1000) : map(max_units) {}

  Unit large(uint64_t n, uint64_t length = 100, uint8_t disk = 0) {
    space->found(disk_bytes(length));
    auto file = std::make_shared<DataFile>(space, disk, n, disk_bytes(length), unit_id(n));
    return {.file = file, .length = length, .crcs = BlockCrcs(block_count(length), 7)};
  }
  Unit small(std::shared_ptr<DataFile> segment, uint32_t offset, uint64_t length) {
    return {.file = std::move(segment), .offset = offset, .length = length, .crcs = {7}};
  }
  bool add(uint64_t n, Admission admission = Admission::hot, uint8_t disk = 0) {
    return map.insert(unit_id(n), large(n, 100, disk), admission, no_row);
  }
  UnitMap::State find(uint64_t n, ByteRange range = {0, 1}) {
    io::FileSlice slice;
    return map.find(unit_id(n), range, Verify::start, &slice);
  }
  UnitId evict(uint8_t disk = 0) {
    auto victim = map.erase_coldest(disk, [](const UnitId&, const Unit&) {});
    return victim ? victim->first : UnitId();
  }
  std::shared_ptr<Space> space = std::make_shared<Space>(1 << 30, 0);
  UnitMap map;
};

TEST(UnitMap, finds_what_is_in_it_and_only_within_its_bytes) {
  World world;
  EXPECT_EQ(world.find(1), UnitMap::State::absent);
  EXPECT_TRUE(world.add(1));
  EXPECT_FALSE(world.add(1)) << "the first one stays";
  EXPECT_EQ(world.find(1, {0, 100}), UnitMap::State::asleep) << "no descriptor yet";
  EXPECT_EQ(world.find(1, {100, 0}), UnitMap::State::asleep);
  EXPECT_EQ(world.find(1, {0, 101}), UnitMap::State::absent);
  EXPECT_EQ(world.find(1, {101, 0}), UnitMap::State::absent);
  EXPECT_TRUE(world.map.contains(unit_id(1)));
  EXPECT_TRUE(world.map.erase(unit_id(1), UnitClass::clean, nullptr, no_row));
  EXPECT_FALSE(world.map.erase(unit_id(1), UnitClass::clean, nullptr, no_row));
  EXPECT_FALSE(world.map.contains(unit_id(1)));
}

TEST(UnitMap, evicts_in_the_order_of_use) {
  World world;
  for (uint64_t n = 1; n <= 5; ++n) world.add(n);
  world.find(2);
  world.find(1);
  world.find(2);
  EXPECT_EQ(world.evict(), unit_id(3));
  EXPECT_EQ(world.evict(), unit_id(4));
  EXPECT_EQ(world.evict(), unit_id(5));
  EXPECT_EQ(world.evict(), unit_id(1));
  EXPECT_EQ(world.evict(), unit_id(2));
  EXPECT_EQ(world.evict(), UnitId());
}

TEST(UnitMap, cold_units_go_first_unless_they_are_read) {
  World world;
  world.add(1);
  world.add(2, Admission::cold);
  world.add(3, Admission::cold);
  world.add(4);
  world.find(2);
  EXPECT_EQ(world.evict(), unit_id(3));
  EXPECT_EQ(world.evict(), unit_id(1));
  EXPECT_EQ(world.evict(), unit_id(4));
  EXPECT_EQ(world.evict(), unit_id(2));
}

TEST(UnitMap, looking_with_contains_or_get_is_no_use) {
  World world;
  world.add(1);
  world.add(2);
  EXPECT_TRUE(world.map.contains(unit_id(1)));
  EXPECT_TRUE(world.map.get(unit_id(1)));
  EXPECT_EQ(world.evict(), unit_id(1));
}

// With few units the order is exact: the reference is a plain list.
TEST(UnitMap, few_units_are_kept_in_exact_order) {
  std::mt19937_64 random(3);
  World world;
  std::list<uint64_t> model;  // hottest first
  for (int i = 0; i < 5000; ++i) {
    uint64_t n = random() % 60;
    auto there = std::ranges::find(model, n);
    switch (random() % 4) {
      case 0:
        EXPECT_EQ(world.add(n), there == model.end());
        if (there == model.end()) model.push_front(n);
        break;
      case 1:
        if (model.empty()) break;
        ASSERT_EQ(world.evict(), unit_id(model.back()));
        model.pop_back();
        break;
      default:
        EXPECT_EQ(world.find(n) != UnitMap::State::absent, there != model.end());
        if (there != model.end()) model.splice(model.begin(), model, there);
    }
  }
}

// With many, units that were used in the later half of time outlive those that were not.
TEST(UnitMap, many_units_are_kept_in_coarse_order) {
  World world(100'000);
  for (uint64_t n = 0; n < 10'000; ++n) world.add(n);
  for (uint64_t n = 0; n < 10'000; n += 2) world.find(n);
  size_t wrong = 0;
  for (int i = 0; i < 5000; ++i) {
    UnitId id = world.evict();
    for (uint64_t n = 0; n < 10'000; n += 1000) wrong += id == unit_id(n) ? 1 : 0;
  }
  EXPECT_LE(wrong, 1U);
}

TEST(UnitMap, disks_have_orders_of_their_own) {
  World world;
  world.add(1, Admission::hot, 0);
  world.add(2, Admission::hot, 1);
  world.add(3, Admission::hot, 0);
  EXPECT_EQ(world.map.coldest_disk(), 0);
  EXPECT_EQ(world.evict(1), unit_id(2));
  EXPECT_EQ(world.evict(1), UnitId());
  EXPECT_EQ(world.evict(0), unit_id(1));
  EXPECT_EQ(world.map.units(0), 1U);
  EXPECT_EQ(world.map.units(1), 0U);
}

TEST(UnitMap, a_disk_that_is_out_is_not_found_and_its_units_can_come_back_elsewhere) {
  World world;
  world.add(1, Admission::hot, 0);
  world.map.set_out(0);
  EXPECT_EQ(world.find(1), UnitMap::State::absent);
  EXPECT_FALSE(world.map.contains(unit_id(1)));
  EXPECT_FALSE(world.map.get(unit_id(1)));
  EXPECT_TRUE(world.add(1, Admission::hot, 1));
  EXPECT_EQ(world.map.get(unit_id(1))->file->disk(), 1);
  EXPECT_EQ(world.map.units(0), 0U);
}

TEST(UnitMap, keeps_the_order_of_before_after_a_restart) {
  World world;
  for (uint64_t n : {3, 1, 2}) {
    Unit unit = world.large(n);
    unit.stamp = n * 10;
    EXPECT_TRUE(world.map.insert_found(unit_id(n), std::move(unit)));
  }
  world.map.sort();
  world.add(4);
  EXPECT_EQ(world.map.get(unit_id(4))->stamp, 31U) << "later than all before";
  for (uint64_t n : {1, 2, 3, 4}) EXPECT_EQ(world.evict(), unit_id(n));
}

TEST(UnitMap, counts_what_lives_where) {
  World world;
  world.space->found(4096);
  auto segment = std::make_shared<DataFile>(world.space, 0, 9, 4096);
  auto other = std::make_shared<DataFile>(world.space, 0, 10, 4096);
  world.space->found(4096);
  Unit unit = world.small(segment, 104, 10);
  EXPECT_TRUE(world.map.insert(unit_id(1), unit, Admission::hot, no_row));
  world.map.insert(unit_id(2), world.small(segment, 200, 100), Admission::hot, no_row);
  world.add(3);
  EXPECT_EQ(segment->live, record_bytes(10) + record_bytes(100));
  EXPECT_EQ(world.map.live_in_segments(0), segment->live);
  EXPECT_EQ(world.map.live(0), segment->live + 4096);

  Unit to = world.small(other, 104, 10);
  EXPECT_FALSE(world.map.move(unit_id(2), unit, to, no_row)) << "it is not there";
  EXPECT_TRUE(world.map.move(unit_id(1), unit, to, no_row));
  EXPECT_FALSE(world.map.move(unit_id(1), unit, to, no_row));
  EXPECT_EQ(segment->live, record_bytes(100));
  EXPECT_EQ(other->live, record_bytes(10));

  size_t erased = 0;
  world.map.erase_where([&](auto& file, UnitClass) { return &file == segment.get(); },
                        [&](auto&, auto&) { ++erased; });
  EXPECT_EQ(erased, 1U);
  EXPECT_EQ(segment->live, 0U);
  EXPECT_EQ(world.map.units(0), 2U);
}

TEST(UnitMap, an_old_copy_cannot_be_erased_or_verified_in_place_of_a_new_one) {
  World world;
  world.add(1);
  Unit old = *world.map.get(unit_id(1));
  world.map.erase(unit_id(1), UnitClass::clean, &old, no_row);
  Unit fresh = world.large(1);
  fresh.unverified = true;
  world.map.insert(unit_id(1), fresh, Admission::hot, no_row);
  EXPECT_FALSE(world.map.erase(unit_id(1), UnitClass::clean, &old, no_row));
  EXPECT_FALSE(world.map.set_verified(unit_id(1), old, no_row));
  EXPECT_TRUE(world.map.get(unit_id(1))->unverified);
  EXPECT_TRUE(world.map.set_verified(unit_id(1), fresh, no_row));
  EXPECT_FALSE(world.map.get(unit_id(1))->unverified);
}

TEST(UnitMap, checksums_of_many_blocks_come_back) {
  World world;
  Unit unit = world.large(1, 3 * kBlockBytes);
  unit.crcs = {1, 2, 3};
  world.map.insert(unit_id(1), unit, Admission::hot, no_row);
  EXPECT_EQ(world.map.get(unit_id(1))->crcs, (BlockCrcs{1, 2, 3}));
}

TEST(UnitMap, tells_when_there_are_too_many) {
  World world(2);
  world.add(1);
  EXPECT_FALSE(world.map.at_bound());
  world.add(2);
  EXPECT_TRUE(world.map.at_bound());
  EXPECT_FALSE(world.map.over(0));
  world.add(3);
  EXPECT_TRUE(world.map.over(0));
  EXPECT_FALSE(world.map.over(1));
}

}  // namespace
}  // namespace forebay::disk
