#include "cluster/records.h"

#include <gtest/gtest.h>

namespace forebay::cluster {
namespace {

using place::Map;
using place::Member;
using place::MemberState;

Member member(char letter, uint64_t nonce = 1, MemberState state = MemberState::active) {
  return {.disk = std::string(32, letter),
          .nonce = nonce,
          .name = std::string("node-") + letter,
          .peer = "10.0.0.1:7070",
          .zone = "",
          .state = state};
}

TEST(Presence, ComesBackAsItWas) {
  Presence there{.lease = UINT64_MAX, .put = 9, .member = member('a', 7)};
  auto again = Presence::parse(there.dump());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->lease, UINT64_MAX);
  EXPECT_EQ(again->put, 9);
  EXPECT_EQ(again->member, there.member);
  EXPECT_NE((Presence{.lease = 1, .put = 1, .member = member('a')}.dump()),
            (Presence{.lease = 1, .put = 2, .member = member('a')}.dump()));
}

TEST(Confirmation, ComesBackAsItWas) {
  Confirmation said{.nonce = UINT64_MAX, .version = 3, .left = true};
  auto again = Confirmation::parse(said.dump());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->nonce, UINT64_MAX);
  EXPECT_EQ(again->version, 3);
  EXPECT_TRUE(again->left);
}

TEST(MapState, ComesBackAsItWas) {
  auto again = MapState::parse(MapState{.active = 3, .proposed = UINT64_MAX}.dump());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->active, 3);
  EXPECT_EQ(again->proposed, UINT64_MAX);
  for (std::string_view row : {"", "{}", R"({"active":1})", R"({"active":2,"proposed":1})",
                               R"({"active":1,"proposed":1,"x":1})"}) {
    EXPECT_EQ(MapState::parse(row).error().code(), Code::invalid) << row;
  }
}

TEST(Records, WhatIsNotUnderstoodIsRefused) {
  for (std::string_view row :
       {"", "{}", "[]", R"({"nonce":1,"version":2})", R"({"nonce":1,"version":2,"left":0})",
        R"({"nonce":-1,"version":2,"left":true})",
        R"({"nonce":1,"version":2,"left":true,"x":1})"}) {
    EXPECT_EQ(Confirmation::parse(row).error().code(), Code::invalid) << row;
  }
  std::string inner = place::dump(member('a'));
  EXPECT_TRUE(Presence::parse(R"({"lease":1,"put":2,"member":)" + inner + "}"));
  for (const std::string& row :
       std::vector<std::string>{"", "{}", R"({"lease":1,"put":2,"member":{}})",
                                R"({"lease":1,"put":2})", R"({"lease":1,"member":)" + inner + "}",
                                R"({"lease":-1,"put":2,"member":)" + inner + "}",
                                R"({"lease":1,"put":2,"x":1,"member":)" + inner + "}"}) {
    EXPECT_EQ(Presence::parse(row).error().code(), Code::invalid) << row;
  }
}

TEST(NextMap, TheFirstHasWhoIsThere) {
  auto map = next_map(nullptr, {member('a'), member('b', 1, MemberState::joining)});
  ASSERT_TRUE(map && *map);
  EXPECT_EQ((*map)->version(), 1);
  EXPECT_EQ((*map)->members(), (std::vector{member('a'), member('b', 1, MemberState::joining)}));
}

TEST(NextMap, FollowsWhoComesGoesAndStartsAnew) {
  auto last = *Map::make(4, {member('a'), member('b'), member('c', 1, MemberState::maintenance),
                             member('d', 1, MemberState::leaving)});
  auto map = next_map(last.get(), {member('b', 2), member('e')});
  ASSERT_TRUE(map && *map);
  EXPECT_EQ((*map)->version(), 5);
  EXPECT_EQ((*map)->members(), (std::vector{member('a', 1, MemberState::down), member('b', 2),
                                            member('c', 1, MemberState::maintenance),
                                            member('d', 1, MemberState::leaving), member('e')}));
}

TEST(NextMap, IsNoneWhereNothingChanged) {
  auto last = *Map::make(4, {member('a'), member('b', 1, MemberState::down)});
  auto map = next_map(last.get(), {member('a')});
  ASSERT_TRUE(map);
  EXPECT_EQ(*map, nullptr);
}

TEST(NextMap, ATakenNameEndsNothing) {
  auto last = *Map::make(1, {member('a'), member('b')});
  Member renamed = member('a', 2);
  renamed.name = member('b').name;
  auto map = next_map(last.get(), {renamed, member('b')});
  ASSERT_TRUE(map && *map);
  EXPECT_EQ((*map)->members(), (std::vector{member('a', 2), member('b')}));
  renamed.name = "other";
  map = next_map(last.get(), {renamed, member('b')});
  ASSERT_TRUE(map && *map);
  EXPECT_EQ((*map)->members()[0].name, "other");
}

TEST(NextMap, ANewDiskTakesTheNameOfOneThatIsDown) {
  auto last = *Map::make(1, {member('a'), member('b', 1, MemberState::down)});
  Member anew = member('c');
  anew.name = member('b').name;
  auto map = next_map(last.get(), {member('a'), anew});
  ASSERT_TRUE(map && *map);
  EXPECT_EQ((*map)->members(), (std::vector{member('a'), anew}));
}

TEST(NextMap, ATakenNameAndOneTooManyWait) {
  Member twin = member('b');
  twin.name = member('a').name;
  auto last = *Map::make(1, {member('a')});
  auto map = next_map(last.get(), {member('a'), twin});
  ASSERT_TRUE(map);
  EXPECT_EQ(*map, nullptr);

  std::vector<Member> many;
  for (size_t i = 0; i < Map::kMaxMembers + 1; ++i) {
    Member one = member('a');
    one.name = "n" + std::to_string(i);
    one.disk = std::to_string(10'000 + i) + std::string(27, '0');
    many.push_back(one);
  }
  map = next_map(nullptr, many);
  ASSERT_TRUE(map && *map);
  EXPECT_EQ((*map)->members().size(), Map::kMaxMembers);
}

}  // namespace
}  // namespace forebay::cluster
