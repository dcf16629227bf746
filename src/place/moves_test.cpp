#include "place/moves.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "place/members_test.h"

namespace forebay::place {
namespace {

PlacementRef placement_of(std::vector<Member> members) {
  auto map = Map::make(1, std::move(members));
  EXPECT_TRUE(map);
  return Placement::make(*map, nullptr);
}

// Who is to hold a slot, by disk.
std::set<std::string> holders(const Placement& placement, uint32_t slot, size_t copies) {
  std::set<std::string> out;
  Candidates all = placement.candidates(slot);
  for (uint16_t one : all.first(copies)) {
    out.insert(placement.map().members()[one].disk);
  }
  return out;
}

TEST(SlotSet, HoldsWhatIsAdded) {
  SlotSet one, other;
  for (uint32_t slot : {0U, 63U, 64U, kSlots - 1}) one.add(slot);
  other.add(63);
  other.add(65);
  EXPECT_EQ(one.count(), 4);
  EXPECT_TRUE(one.has(kSlots - 1));
  EXPECT_FALSE(one.has(65));
  SlotSet left = one.without(other);
  EXPECT_EQ(left.count(), 3);
  EXPECT_FALSE(left.has(63));
  EXPECT_TRUE(left.has(64));
}

TEST(Owned, EverySlotIsSomebodys) {
  std::vector<Member> members = some_members(5);
  PlacementRef placement = placement_of(members);
  uint32_t all = 0;
  for (const Member& member : members) {
    SlotSet mine = owned(*placement, member.disk);
    EXPECT_GT(mine.count(), 0);
    all += mine.count();
  }
  EXPECT_EQ(all, kSlots);
  EXPECT_EQ(owned(*placement, some_member(9).disk).count(), 0);
}

TEST(Owned, WhatOneLosesAnotherGains) {
  std::vector<Member> members = some_members(4);
  PlacementRef before = placement_of({members[0], members[1], members[2]});
  PlacementRef after = placement_of({members[0], members[1], members[3]});
  uint32_t lost = 0, gained = 0;
  for (const Member& member : members) {
    SlotSet had = owned(*before, member.disk), has = owned(*after, member.disk);
    lost += had.without(has).count();
    gained += has.without(had).count();
  }
  EXPECT_EQ(lost, gained);
  EXPECT_GE(lost, owned(*before, members[2].disk).count());
}

TEST(Moves, AreWhatIsMissing) {
  std::vector<Member> members = some_members(6);
  PlacementRef before = placement_of({members[0], members[1], members[2], members[3]});
  PlacementRef after = placement_of({members[1], members[2], members[3], members[4], members[5]});
  for (size_t copies : {2, 20}) {
    std::vector<Move> all = moves(*before, *after, copies);
    EXPECT_TRUE(std::ranges::is_sorted(all, {}, &Move::slot));
    auto next = all.begin();
    for (uint32_t slot = 0; slot < kSlots; slot += 31) {
      while (next != all.end() && next->slot < slot) ++next;
      std::set<std::string> there = holders(*before, slot, copies), added;
      for (; next != all.end() && next->slot == slot; ++next) {
        added.insert(after->map().members()[next->to].disk);
      }
      for (const std::string& disk : added) ASSERT_FALSE(there.contains(disk)) << slot;
      there.insert(added.begin(), added.end());
      for (const std::string& disk : holders(*after, slot, copies)) {
        ASSERT_TRUE(there.contains(disk)) << slot;
        added.erase(disk);
      }
      ASSERT_TRUE(added.empty()) << slot << ": more than is wanted";
    }
  }
}

TEST(Moves, OfTheSameMapAreNone) {
  PlacementRef placement = placement_of(some_members(3));
  EXPECT_TRUE(moves(*placement, *placement, 2).empty());
}

TEST(Moves, AFourthMemberGetsItsShareOfAllCopies) {
  std::vector<Member> members = some_members(4);
  PlacementRef before = placement_of({members[0], members[1], members[2]}),
               after = placement_of(members);
  std::vector<Move> all = moves(*before, *after, 2);
  EXPECT_NEAR(static_cast<double>(all.size()), kSlots * 2 / 4.0, kSlots * 2 / 4.0 * 0.01);
  int fourth = after->map().find(members[3].disk);
  for (const Move& move : all) ASSERT_EQ(move.to, fourth);
}

}  // namespace
}  // namespace forebay::place
