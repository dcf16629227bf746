#include "object/kept/kept_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace forebay::object {
namespace {

constexpr auto kNobody = [](std::string_view, const KeptTable::Found&) {};

std::string row_in(KeptTable& table, std::string_view name) {
  auto at = table.find(name);
  return at ? std::string(at->row) : "nothing";
}

TEST(KeptTable, the_last_row_of_a_name_is_found) {
  KeptTable table;
  EXPECT_EQ(row_in(table, "a"), "nothing");
  table.put("a", "1", false);
  table.put("b", "2", true);
  table.put("a", "3", false);
  EXPECT_EQ(row_in(table, "a"), "3");
  EXPECT_EQ(row_in(table, "b"), "2");
  EXPECT_EQ(table.size(), 2U);
  EXPECT_TRUE(table.erase("a"));
  EXPECT_FALSE(table.erase("a"));
  EXPECT_EQ(row_in(table, "a"), "nothing");
  EXPECT_EQ(row_in(table, "b"), "2");
  table.put("", "", false);
  EXPECT_EQ(row_in(table, ""), "");
}

TEST(KeptTable, it_tells_what_was_found_before_and_what_is_kept) {
  KeptTable table;
  table.put("a", "1", false);
  EXPECT_FALSE(table.find("a")->again);
  EXPECT_TRUE(table.find("a")->again);
  EXPECT_FALSE(table.find("a")->kept);
  table.set_kept("a");
  EXPECT_TRUE(table.find("a")->kept);
  table.set_kept("nobody");
  table.put("a", "2", false);
  EXPECT_FALSE(table.find("a")->kept) << "another row";
}

TEST(KeptTable, what_nobody_finds_goes_first) {
  KeptTable table;
  auto name = [](int i) { return "key" + std::to_string(i); };
  for (int i = 0; i < 100; ++i) table.put(name(i), "row", i == 1);
  for (int i = 0; i < 100; i += 2) EXPECT_TRUE(table.find(name(i)));
  size_t most = table.bytes() / 4 * 3;
  std::map<std::string, bool> gone;
  table.trim(most, 1000, [&](std::string_view one, const KeptTable::Found& row) {
    EXPECT_EQ(row.row, "row");
    gone[std::string(one)] = row.kept;
  });
  EXPECT_LE(table.bytes(), most);
  EXPECT_EQ(gone.size() + table.size(), 100U);
  EXPECT_TRUE(gone.at("key1"));
  for (int i = 0; i < 100; i += 2) EXPECT_TRUE(table.contains(name(i))) << i;
}

TEST(KeptTable, it_looks_at_no_more_than_it_is_told) {
  KeptTable table;
  for (int i = 0; i < 100; ++i) table.put(std::to_string(i), "row", false);
  table.trim(0, 10, kNobody);
  EXPECT_EQ(table.size(), 90U);
  for (int i = 0; i < 100; ++i) (void)table.find(std::to_string(i));
  table.trim(0, 90, kNobody);
  EXPECT_EQ(table.size(), 90U) << "all were found: each has another round";
  table.trim(0, 90, kNobody);
  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(table.bytes(), 0U);
}

TEST(KeptTable, it_says_what_a_map_says) {
  std::mt19937 dice(7);
  KeptTable table;
  std::map<std::string, std::string> model;
  size_t most = 0;
  for (int step = 0; step < 50'000; ++step) {
    std::string name = std::to_string(dice() % 300);
    std::string row(dice() % 100, static_cast<char>('a' + dice() % 26));
    switch (dice() % 5) {
      case 0:
      case 1:
        table.put(name, row, false);
        model[name] = row;
        break;
      case 2: EXPECT_EQ(table.erase(name), model.erase(name) == 1); break;
      case 3:
        table.trim(5000, 4, [&](std::string_view gone, const KeptTable::Found&) {
          EXPECT_EQ(model.erase(std::string(gone)), 1U);
        });
        break;
      default: {
        auto there = model.find(name);
        ASSERT_EQ(row_in(table, name), there == model.end() ? "nothing" : there->second);
      }
    }
    ASSERT_EQ(table.size(), model.size());
    most = std::max(most, table.bytes());
  }
  EXPECT_LT(most, 20'000U);
}

}  // namespace
}  // namespace forebay::object
