#include "place/placement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "place/members_test.h"
#include "place/weigh.h"

namespace forebay::place {
namespace {

// The candidates of one slot, with all members weighed.
std::vector<uint16_t> candidates_of(const Map& map, uint32_t slot) {
  Chooser chooser(map);
  std::vector<Weighed> scratch(chooser.zones());
  std::vector<uint16_t> out(chooser.width());
  chooser.choose(slot, chooser.active(), scratch, out);
  return out;
}

MapRef map_of(std::vector<Member> members, uint64_t version = 1) {
  auto map = Map::make(version, std::move(members));
  EXPECT_TRUE(map);
  return *map;
}

std::vector<uint16_t> row(const Table& table, uint32_t slot) {
  auto span = table.candidates(slot);
  return {span.begin(), span.end()};
}

// Owned slots by member's name.
std::map<std::string, uint32_t> shares(const Table& table) {
  std::map<std::string, uint32_t> out;
  for (uint32_t slot = 0; slot < kSlots; ++slot) {
    ++out[table.map().members()[static_cast<size_t>(table.owner(slot))].name];
  }
  return out;
}

// Said in another way: all members sorted by cost, the first of each zone first.
std::vector<uint16_t> sorted_out(const Map& map, uint32_t slot) {
  std::vector<std::pair<uint64_t, uint16_t>> all;
  for (size_t i = 0; i < map.members().size(); ++i) {
    const Member& member = map.members()[i];
    if (member.state != MemberState::active) continue;
    all.emplace_back(Weight(member.disk, member.weight).cost(slot), i);
  }
  std::ranges::sort(all);
  std::set<std::string> zones;
  std::vector<uint16_t> out, others;
  for (const auto& [cost, member] : all) {
    (zones.insert(map.members()[member].zone).second ? out : others).push_back(member);
  }
  out.insert(out.end(), others.begin(), others.end());
  out.resize(std::min(out.size(), kCandidates));
  return out;
}

TEST(Candidates, AreThoseOfTheFormat) {
  std::vector<Member> members;
  for (auto [disk, weight, zone] :
       std::initializer_list<std::tuple<std::string, uint32_t, std::string>>{
           {"00000000000000000000000000000001", 100, "a"},
           {"00000000000000000000000000000002", 100, "a"},
           {"00000000000000000000000000000003", 200, "b"},
           {"fedcba98765432100123456789abcdef", 50, "c"}}) {
    Member member = some_member(members.size());
    member.disk = disk;
    member.weight = weight;
    member.zone = zone;
    members.push_back(member);
  }
  Weight weight(members[2].disk, 200);
  EXPECT_EQ(weight.cost(0), 332'078'340'575'146U);
  EXPECT_EQ(weight.cost(864'109), 144'387'354'208'185U);
  MapRef map = map_of(members);
  using Row = std::vector<uint16_t>;
  EXPECT_EQ(candidates_of(*map, 0), (Row{2, 3, 0, 1}));
  EXPECT_EQ(candidates_of(*map, 584'537), (Row{2, 1, 3, 0}));
  EXPECT_EQ(candidates_of(*map, 864'109), (Row{2, 1, 3, 0}));
  EXPECT_EQ(candidates_of(*map, kSlots - 1), (Row{0, 2, 3, 1}));
}

TEST(Candidates, OfEachZoneTheFirstThenTheOthers) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    std::vector<Member> members = some_members(1 + random() % 20);
    for (Member& member : members) {
      member.zone = std::string(random() % 4, 'z');
      member.weight = 1 + random() % 300;
      if (random() % 8 == 0) member.state = static_cast<MemberState>(random() % 5);
    }
    MapRef map = map_of(members);
    for (int i = 0; i < 20; ++i) {
      uint32_t slot = random() % kSlots;
      ASSERT_EQ(candidates_of(*map, slot), sorted_out(*map, slot)) << "slot " << slot;
    }
  }
}

TEST(Table, OfNobodyHasNoOwner) {
  std::vector<Member> members = some_members(2);
  members[0].state = MemberState::joining;
  members[1].state = MemberState::down;
  TableRef table = Table::build(map_of(members));
  EXPECT_TRUE(table->candidates(0).empty());
  EXPECT_EQ(table->owner(kSlots - 1), -1);
  members[0].state = MemberState::active;
  table = table->next(map_of(members));
  EXPECT_EQ(table->owner(0), table->map().find(members[0].disk));
  table = table->next(map_of({}));
  EXPECT_EQ(table->owner(0), -1);
}

TEST(Table, SharesAreAsWeightsSay) {
  std::vector<Member> members = some_members(3);
  members[2].weight = 200;
  auto held = shares(*Table::build(map_of(members)));
  EXPECT_NEAR(held["n0"], kSlots / 4.0, kSlots / 4.0 * 0.01);
  EXPECT_NEAR(held["n1"], kSlots / 4.0, kSlots / 4.0 * 0.01);
  EXPECT_NEAR(held["n2"], kSlots / 2.0, kSlots / 2.0 * 0.01);
}

// What a joining member gets comes from all others alike, and nothing moves between those.
TEST(Table, ANewcomerTakesItsShareAndNothingElseMoves) {
  std::vector<Member> members = some_members(4);
  MapRef three = map_of({members[0], members[1], members[2]}), four = map_of(members);
  TableRef before = Table::build(three), after = before->next(four);
  int newcomer = four->find(members[3].disk);
  uint32_t moved = 0;
  for (uint32_t slot = 0; slot < kSlots; ++slot) {
    int owner = after->owner(slot);
    if (owner == newcomer) {
      ++moved;
    } else {
      const Member& old = three->members()[static_cast<size_t>(before->owner(slot))];
      ASSERT_EQ(four->find(old.disk), owner);
    }
  }
  EXPECT_NEAR(moved, kSlots / 4.0, kSlots / 4.0 * 0.01);
}

TEST(Table, TheNextOneIsAsIfItWereBuilt) {
  std::mt19937 random(5);
  std::vector<Member> pool = some_members(16);
  for (size_t i = 0; i < pool.size(); ++i) pool[i].zone = i % 3 == 0 ? "" : i % 2 == 0 ? "x" : "y";
  std::vector<Member> members(pool.begin(), pool.begin() + 12);
  TableRef table = Table::build(map_of(members));
  for (uint64_t version = 2; version < 12; ++version) {
    for (uint32_t changes = 1 + random() % 2; changes > 0; --changes) {
      size_t one = random() % pool.size();
      auto found = std::ranges::find(members, pool[one].disk, &Member::disk);
      if (found == members.end()) {
        members.push_back(pool[one]);
      } else if (uint32_t what = random() % 6; what < 2) {
        members.erase(found);
      } else if (what == 2) {
        found->weight = 1 + random() % 200;
      } else if (what == 3) {
        found->zone = found->zone == "x" ? "y" : "x";
      } else if (what == 4) {
        found->state = static_cast<MemberState>(random() % 5);
      } else {
        ++found->nonce;  // which moves nothing
      }
    }
    MapRef map = map_of(members, version);
    table = table->next(map);
    for (uint32_t slot = random() % 97; slot < kSlots; slot += 97) {
      ASSERT_EQ(row(*table, slot), candidates_of(*map, slot)) << version << " slot " << slot;
    }
  }
}

TEST(Placement, IsTheSameWeighedAndByTable) {
  std::vector<Member> members = some_members(Placement::kWeighed + 3);
  for (size_t i = 0; i < members.size(); ++i) members[i].zone = std::string(i % 5, 'z');
  std::vector<Member> few(members.begin(), members.begin() + Placement::kWeighed);
  PlacementRef last;
  for (MapRef map : {map_of(few), map_of(members, 2), map_of(few, 3), map_of({}, 4)}) {
    last = Placement::make(map, last.get());
    for (uint32_t slot = 0; slot < kSlots; slot += 1013) {
      Candidates found = last->candidates(slot);
      std::vector<uint16_t> expected = candidates_of(*map, slot);
      ASSERT_TRUE(std::ranges::equal(found, expected));
      ASSERT_EQ(last->owner(slot), expected.empty() ? -1 : expected[0]);
    }
  }
}

TEST(HomeSlot, TheFirstUnitIsWhereItsKeyIsDecided) {
  UnitId unit{{0xab, 0xcd, 0xef, 0xff}};
  EXPECT_EQ(home_slot(17, unit, 0), 17);
  EXPECT_EQ(home_slot(17, unit, 1), 0xabcde);
  EXPECT_EQ(home_slot(17, UnitId{{0xff, 0xff, 0xff}}, 1 << 20), kSlots - 1);
}

}  // namespace
}  // namespace forebay::place
