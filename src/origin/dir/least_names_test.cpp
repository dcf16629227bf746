#include "origin/dir/least_names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace forebay::origin {
namespace {

struct Seen {
  std::vector<std::string> names;
  size_t passes = 0;
  uint64_t most = 0;  ///< bytes held at any time
};

/// Passes through a folder of files until all are taken; `others`: what the folders above hold.
Seen take_all(const std::vector<std::string>& folder, uint64_t others) {
  uint64_t held = others;
  Seen out;
  {
    LeastNames least(held);
    do {
      least.begin();
      for (std::string name : folder) {
        if (least.may_want(name) && !least.taken(name)) least.offer({name, false});
        out.most = std::max(out.most, held - others);
      }
      while (auto entry = least.take()) out.names.push_back(std::move(entry->name));
    } while (++out.passes < 1000 && least.more());
  }
  EXPECT_EQ(held, others) << "what was held is given back";
  return out;
}

/// So many names of 20 bytes, in no order, and in theirs.
std::vector<std::string> some(size_t count) {
  std::vector<std::string> out;
  for (size_t i = 0; i < count; ++i) {
    std::string digits = std::to_string(i * 7919 % count);  // 7919 is prime
    out.push_back(std::string(20 - digits.size(), '0') + digits);
  }
  return out;
}
constexpr uint64_t kEach = 20 + LeastNames::kOverhead;

TEST(LeastNames, hold_no_more_than_there_is_room_for) {
  for (uint64_t others : {uint64_t(0), LeastNames::kMostHeld / 2, 2 * LeastNames::kMostHeld}) {
    uint64_t left = LeastNames::kMostHeld - std::min(LeastNames::kMostHeld, others);
    uint64_t room = std::max(LeastNames::kLeastRoom, left / 2);
    std::vector<std::string> names = some(10'000);
    Seen seen = take_all(names, others);
    std::sort(names.begin(), names.end());
    EXPECT_EQ(seen.names, names);
    EXPECT_LE(seen.most, room + kEach) << "one is dropped for each that comes beyond the room";
    size_t each = room / kEach;
    EXPECT_EQ(seen.passes, (names.size() + each - 1) / each);
  }
}

TEST(LeastNames, what_has_room_takes_one_pass) {
  size_t fit = LeastNames::kMostHeld / 2 / kEach;
  EXPECT_EQ(take_all(some(fit), 0).passes, 1U);
  EXPECT_EQ(take_all(some(fit + 1), 0).passes, 2U);
}

TEST(LeastNames, a_name_longer_than_the_room_is_kept_alone) {
  std::vector<std::string> names = {std::string(5000, 'b'), std::string(5000, 'a')};
  Seen seen = take_all(names, LeastNames::kMostHeld);
  EXPECT_EQ(seen.names, (std::vector<std::string>{names[1], names[0]}));
  EXPECT_EQ(seen.passes, 2U);
}

TEST(LeastNames, a_folder_is_wanted_after_the_file_of_its_name) {
  uint64_t held = 0;
  LeastNames least(held);
  least.begin();
  least.offer({"a!", false});
  ASSERT_EQ(least.take()->name, "a!");
  std::string name = "a";
  EXPECT_TRUE(least.may_want(name)) << "a/ comes after a!";
  EXPECT_EQ(name, "a");
  EXPECT_TRUE(least.taken("a"));
  EXPECT_FALSE(least.taken("a/"));
  least.offer({"a/", true});
  EXPECT_TRUE(least.take()->folder);
  EXPECT_FALSE(least.may_want(name));
}

}  // namespace
}  // namespace forebay::origin
