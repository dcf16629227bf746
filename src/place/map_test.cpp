#include "place/map.h"

#include <gtest/gtest.h>

#include "meta/store.h"
#include "place/members_test.h"

namespace forebay::place {
namespace {

// A row with `member`'s text in place of an ordinary member's.
std::string row_with(std::string_view member) {
  return R"({"version":3,"members":[)" + std::string(member) + "]}";
}

constexpr std::string_view kMember =
    R"({"name":"a","disk":"0123456789abcdef0123456789abcdef","nonce":18446744073709551615,)"
    R"("peer":"10.0.0.1:7070","zone":"r1","weight":65535,"wire":2,"state":"leaving"})";

std::string replaced(std::string_view what, std::string_view with) {
  std::string text(kMember);
  size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

TEST(Map, ARowComesBackAsItWas) {
  auto map = Map::parse(row_with(kMember));
  ASSERT_TRUE(map);
  const Member& member = (*map)->members().at(0);
  EXPECT_EQ((*map)->version(), 3);
  EXPECT_EQ(member, (Member{.disk = "0123456789abcdef0123456789abcdef",
                            .nonce = UINT64_MAX,
                            .name = "a",
                            .peer = "10.0.0.1:7070",
                            .zone = "r1",
                            .weight = 65'535,
                            .state = MemberState::leaving,
                            .wire = 2}));
  auto again = Map::parse((*map)->dump());
  ASSERT_TRUE(again);
  EXPECT_EQ(**again, **map);
}

TEST(Map, AMemberHasARowOfItsOwn) {
  auto member = parse_member(kMember);
  ASSERT_TRUE(member);
  EXPECT_EQ(*member, (*Map::parse(row_with(kMember)))->members()[0]);
  EXPECT_EQ(*parse_member(dump(*member)), *member);
  EXPECT_EQ(parse_member(replaced(":7070", ":0")).error().code(), Code::invalid);
  EXPECT_EQ(parse_member(replaced("{", R"({"later":1,)")).error().code(), Code::invalid);
  EXPECT_EQ(parse_member("").error().code(), Code::invalid);
}

TEST(Map, StandsByDiskWhateverTheOrder) {
  std::vector<Member> members = some_members(3);
  std::vector<Member> turned(members.rbegin(), members.rend());
  auto one = Map::make(1, members), other = Map::make(1, turned);
  ASSERT_TRUE(one && other);
  EXPECT_EQ(**one, **other);
  for (const Member& member : members) {
    int at = (*one)->find(member.disk);
    ASSERT_GE(at, 0);
    EXPECT_EQ((*one)->members()[static_cast<size_t>(at)], member);
  }
  EXPECT_EQ((*one)->find("ffffffffffffffffffffffffffffffff"), -1);
  EXPECT_EQ((*one)->find(""), -1);
}

TEST(Map, EveryStateHasAName) {
  for (std::string_view state : {"joining", "active", "maintenance", "leaving", "down"}) {
    auto map = Map::parse(row_with(replaced("leaving", state)));
    ASSERT_TRUE(map) << state;
    EXPECT_EQ(name((*map)->members()[0].state), state);
  }
}

TEST(Map, WireIsWhatAllUnderstand) {
  std::vector<Member> members = some_members(3);
  members[0].wire = 4;
  members[1].wire = 2;
  members[2].wire = 3;
  EXPECT_EQ((*Map::make(1, members))->wire(), 2);
  EXPECT_EQ((*Map::make(1, {}))->wire(), 1);
}

TEST(Map, WhatIsNotUnderstoodIsRefused) {
  const std::string long_name(Member::kMaxNameBytes + 1, 'n');
  const std::vector<std::string> rows = {
      "",
      "[]",
      "{}",
      R"({"version":1})",
      R"({"version":-1,"members":[]})",
      R"({"version":1,"members":{}})",
      R"({"version":1,"members":[],"more":1})",
      row_with("7"),
      row_with(replaced("\"name\":\"a\"", "\"name\":\"\"")),
      row_with(replaced("\"name\":\"a\"", "\"name\":\"a b\"")),
      row_with(replaced("\"name\":\"a\"", "\"name\":\"" + long_name + "\"")),
      row_with(replaced("\"name\":\"a\"", "\"called\":\"a\"")),
      row_with(replaced("{", R"({"later":1,)")),
      row_with(replaced("0123456789abcdef\"", "0123456789abcde\"")),
      row_with(replaced("0123456789abcdef\"", "0123456789ABCDEF\"")),
      row_with(replaced("18446744073709551615", "18446744073709551616")),
      row_with(replaced("18446744073709551615", "-1")),
      row_with(replaced(":7070", "")),
      row_with(replaced(":7070", ":0")),
      row_with(replaced(":7070", ":65536")),
      row_with(replaced(":7070", ":7070 ")),
      row_with(replaced("10.0.0.1:", ":")),
      row_with(replaced("10.0.0.1:", "10.0 0.1:")),
      row_with(replaced("\"r1\"", "\"r/1\"")),
      row_with(replaced("65535", "65536")),
      row_with(replaced("65535", "0")),
      row_with(replaced("65535", "4294967297")),
      row_with(replaced("\"wire\":2", "\"wire\":0")),
      row_with(replaced("leaving", "gone")),
      row_with(replaced("\"leaving\"", "3")),
  };
  for (const std::string& row : rows) {
    auto map = Map::parse(row);
    EXPECT_FALSE(map) << row;
    if (!map) EXPECT_EQ(map.error().code(), Code::invalid) << row;
  }
}

TEST(Map, NoTwoAreTheSame) {
  std::vector<Member> members = some_members(2);
  members[1].disk = members[0].disk;
  EXPECT_EQ(Map::make(1, members).error().code(), Code::invalid);
  members = some_members(2);
  members[1].name = members[0].name;
  EXPECT_EQ(Map::make(1, members).error().code(), Code::invalid);
}

TEST(Map, TheLargestFitsARow) {
  std::vector<Member> members = some_members(Map::kMaxMembers);
  size_t number = 1000;
  for (Member& member : members) {
    member.nonce = UINT64_MAX;
    member.name = std::to_string(number++) + std::string(Member::kMaxNameBytes - 4, 'n');
    member.peer = std::string(Member::kMaxNameBytes - 6, '1') + ":65535";
    member.zone = std::string(Member::kMaxNameBytes, 'z');
    member.weight = Member::kMaxWeight;
    member.state = MemberState::maintenance;
    member.wire = UINT32_MAX;
  }
  auto map = Map::make(UINT64_MAX, members);
  ASSERT_TRUE(map) << map.error().text();
  std::string row = (*map)->dump();
  EXPECT_LE(row.size() + meta::kMaxKeyBytes, meta::kMaxTxnBytes);
  auto again = Map::parse(row);
  ASSERT_TRUE(again);
  EXPECT_EQ(**again, **map);

  members.push_back(some_members(Map::kMaxMembers + 1).back());
  members.back().name = "one-more";
  EXPECT_EQ(Map::make(1, members).error().code(), Code::too_large);
}

}  // namespace
}  // namespace forebay::place
