#include <gtest/gtest.h>

#include "io/sim/machine_test.h"

namespace forebay::io::sim {
namespace {

using Set = std::set<std::string>;

TEST(SimDiskTest, what_was_synced_stays) {
  auto seen = outcomes([](Machine& m) {
    std::string text = pattern(10'000, 1);
    m.write("f", text, true);
    m.sync("");
    m.lose_power();
    return m.read("f") == text ? "there" : "lost";
  });
  EXPECT_EQ(keys(seen), Set{"there"});
}

TEST(SimDiskTest, names_need_a_sync_of_their_folder) {
  auto seen = outcomes([](Machine& m) {
    m.write("f", "synced", true);
    m.lose_power();
    return m.read("f");
  });
  EXPECT_EQ(keys(seen), (Set{"not_found", "synced"}));
  EXPECT_GT(seen["synced"], kSeeds / 10);
  EXPECT_GT(seen["not_found"], kSeeds / 10);
}

TEST(SimDiskTest, a_folder_that_goes_takes_all_with_it) {
  auto seen = outcomes([](Machine& m) {
    EXPECT_TRUE(m.data->make_directory("d"));
    m.write("d/f", "synced", true);
    m.sync("d");  // but not the folder's own name
    m.lose_power();
    return m.read("d/f");
  });
  EXPECT_EQ(keys(seen), (Set{"not_found", "synced"}));
  seen = outcomes([](Machine& m) {
    EXPECT_TRUE(m.data->make_directory("d"));
    m.sync("");
    m.write("d/f", "synced", true);
    m.sync("d");
    m.lose_power();
    return m.read("d/f");
  });
  EXPECT_EQ(keys(seen), Set{"synced"});
}

// Old and new bytes mix by sectors; nothing else appears.
TEST(SimDiskTest, unsynced_data_is_kept_dropped_or_torn) {
  auto seen = outcomes([](Machine& m) {
    std::string old(40 * kSector, 'o');
    std::string fresh(40 * kSector, 'n');
    m.write("f", old, true);
    m.sync("");
    m.write("f", fresh, false);
    m.lose_power();
    std::string now = m.read("f");
    EXPECT_EQ(now.size(), old.size());
    if (now == old) return "dropped";
    if (now == fresh) return "kept";
    for (size_t at = 0; at < now.size(); at += kSector) {
      std::string sector = now.substr(at, kSector);
      EXPECT_TRUE(sector == old.substr(at, kSector) || sector == fresh.substr(at, kSector));
    }
    std::string head = now.substr(0, 4096);
    bool torn = head.find('o') != std::string::npos && head.find('n') != std::string::npos;
    return torn ? "torn" : "mixed";
  });
  EXPECT_EQ(keys(seen), (Set{"dropped", "kept", "mixed", "torn"}));
}

TEST(SimDiskTest, growth_and_cuts_need_a_sync_too) {
  auto grown = outcomes([](Machine& m) {
    m.write("f", std::string(5000, 'a'), true);
    m.sync("");
    EXPECT_TRUE(m.open("f")->write_at(5000, as_bytes(std::string(20'000, 'b'))));
    m.lose_power();
    std::string now = m.read("f");
    EXPECT_GE(now.size(), 5000U);
    EXPECT_LE(now.size(), 25'000U);
    EXPECT_EQ(now.substr(0, 5000), std::string(5000, 'a')) << "the durable part of the page";
    EXPECT_EQ(now.find_first_not_of(std::string("ab\0", 3)), std::string::npos);
    return now.size() == 5000 ? "old" : now.size() == 25'000 ? "new" : "between";
  });
  EXPECT_EQ(keys(grown), (Set{"between", "new", "old"}));

  auto cut = outcomes([](Machine& m) {
    m.write("f", std::string(20'000, 'a'), true);
    m.sync("");
    EXPECT_TRUE(m.open("f")->truncate(100));
    m.lose_power();
    size_t size = m.read("f").size();
    return size == 20'000 ? "old" : size == 100 ? "new" : "between";
  });
  EXPECT_EQ(keys(cut), (Set{"between", "new", "old"}));
}

TEST(SimDiskTest, a_rename_is_all_or_nothing) {
  auto seen = outcomes([](Machine& m) {
    EXPECT_TRUE(m.data->make_directory("tmp"));
    m.write("f", "old", true);
    m.write("tmp/f", "new", true);
    m.sync("");
    m.sync("tmp");
    EXPECT_TRUE(m.data->rename("tmp/f", "f", false));
    m.lose_power();
    return m.read("f") + " " + m.read("tmp/f");
  });
  EXPECT_EQ(keys(seen), (Set{"new not_found", "old new"}));
  // A sync of either folder makes it durable.
  for (std::string folder : {"", "tmp"}) {
    seen = outcomes([folder](Machine& m) {
      EXPECT_TRUE(m.data->make_directory("tmp"));
      m.write("f", "old", true);
      m.write("tmp/f", "new", true);
      m.sync("");
      EXPECT_TRUE(m.data->rename("tmp/f", "f", false));
      m.sync(folder);
      m.lose_power();
      return m.read("f") + " " + m.read("tmp/f");
    });
    EXPECT_EQ(keys(seen), Set{"new not_found"}) << folder;
  }
}

// The common mistake: the name is durable, the bytes are not.
TEST(SimDiskTest, a_durable_name_says_nothing_about_bytes) {
  auto seen = outcomes([](Machine& m) {
    m.write("tmp", std::string(8192, 'x'), false);
    EXPECT_TRUE(m.data->rename("tmp", "f", false));
    m.sync("");
    m.lose_power();
    std::string now = m.read("f");
    EXPECT_NE(now, "not_found");
    return now.empty() ? "empty" : now == std::string(8192, 'x') ? "whole" : "damaged";
  });
  EXPECT_EQ(keys(seen), (Set{"damaged", "empty", "whole"}));
}

TEST(SimDiskTest, names_of_one_folder_keep_their_order) {
  auto seen = outcomes([](Machine& m) {
    for (char letter : std::string("abc")) m.write(std::string(1, letter), "", true);
    EXPECT_TRUE(m.data->remove("a"));
    m.lose_power();
    std::string out;
    for (char letter : std::string("abc")) {
      if (m.data->stat(std::string(1, letter))) out += letter;
    }
    return out;
  });
  EXPECT_EQ(keys(seen), (Set{"", "a", "ab", "abc", "bc"}));
}

TEST(SimDiskTest, a_removed_file_may_come_back_until_its_folder_is_synced) {
  auto seen = outcomes([](Machine& m) {
    m.write("f", "durable", true);
    m.sync("");
    m.write("f", "changed", false);
    EXPECT_TRUE(m.data->remove("f"));
    m.lose_power();
    return m.read("f");
  });
  EXPECT_EQ(keys(seen), (Set{"durable", "not_found"}));
  seen = outcomes([](Machine& m) {
    m.write("f", "durable", true);
    EXPECT_TRUE(m.data->remove("f"));
    m.sync("");
    m.lose_power();
    return m.read("f");
  });
  EXPECT_EQ(keys(seen), Set{"not_found"});
}

TEST(SimDiskTest, attributes_are_durable_with_their_file) {
  auto seen = outcomes([](Machine& m) {
    m.write("f", "x", true);
    m.sync("");
    EXPECT_TRUE(m.data->set_attribute("f", "user.a", "1"));
    EXPECT_TRUE(m.open("f")->sync_all());
    EXPECT_TRUE(m.data->set_attribute("f", "user.a", "2"));
    EXPECT_TRUE(m.open("f")->sync());
    m.lose_power();
    return *m.data->attribute("f", "user.a");
  });
  EXPECT_EQ(keys(seen), (Set{"1", "2"}));
}

// Two power losses: what the first one left is durable, and stays.
TEST(SimDiskTest, recovery_is_durable) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Machine m(seed);
    m.write("a", pattern(20'000, 1), true);
    m.write("b", pattern(20'000, 2), false);
    m.sync("");
    m.write("c", pattern(20'000, 3), false);
    m.lose_power();
    std::string before = m.read("a") + "|" + m.read("b") + "|" + m.read("c");
    m.lose_power();
    EXPECT_EQ(m.read("a") + "|" + m.read("b") + "|" + m.read("c"), before) << "seed " << seed;
  }
}

TEST(SimDiskTest, handles_die_with_their_process) {
  for (bool power : {true, false}) {
    Machine m(3);
    m.write("f", "before", true);
    m.sync("");
    auto file = m.open("f");
    auto directory = m.data;
    power ? m.simulation->power_loss() : m.simulation->kill();
    std::array<std::byte, 8> buffer;
    EXPECT_EQ(file->try_read_at(0, buffer), -EIO);
    EXPECT_EQ(code_of(file->read_at(0, buffer)), Code::corrupt);
    EXPECT_EQ(file->write_at(0, as_bytes("AFTER!")).error().detail(), "EIO");
    EXPECT_EQ(code_of(file->truncate(0)), Code::corrupt);
    EXPECT_EQ(code_of(file->allocate(10'000)), Code::corrupt);
    EXPECT_EQ(code_of(file->sync()), Code::corrupt);
    EXPECT_EQ(code_of(file->stat()), Code::corrupt);
    EXPECT_EQ(code_of(directory->open("g", OpenMode::create)), Code::corrupt);
    EXPECT_EQ(code_of(directory->remove("f")), Code::corrupt);
    EXPECT_EQ(code_of(directory->rename("f", "g", false)), Code::corrupt);
    EXPECT_EQ(code_of(directory->make_directory("d")), Code::corrupt);
    EXPECT_EQ(code_of(directory->set_attribute("f", "user.a", "")), Code::corrupt);
    EXPECT_EQ(code_of(directory->list("")), Code::corrupt);
    EXPECT_EQ(code_of(directory->sync("")), Code::corrupt);
    EXPECT_EQ(code_of(directory->space()), Code::corrupt);
    m.boot();
    EXPECT_EQ(m.read("f"), "before");
    EXPECT_EQ(m.data->list("")->size(), 1U);
  }
}

TEST(SimDiskTest, a_killed_process_leaves_what_it_wrote) {
  Machine m(5);
  m.write("f", "unsynced", false);
  EXPECT_TRUE(m.data->make_directory("d"));
  m.simulation->kill();
  m.boot();
  EXPECT_EQ(m.read("f"), "unsynced");
  EXPECT_TRUE(m.data->stat("d"));
}

Task<> write_in_pool(std::shared_ptr<File> file, Result<>& out, Context ctx) {
  out = co_await run_blocking(ctx, [&] { return file->write_at(0, as_bytes("late")); });
  co_return ok;
}

TEST(SimDiskTest, a_call_still_under_way_finds_its_handle_dead) {
  Machine m(7);
  m.write("f", "before", true);
  m.sync("");
  Result<> wrote = ok;
  Loop& loop = m.simulation->loop();
  bool ended = false;
  start<void>(loop, write_in_pool(m.open("f"), wrote, {.loop = &loop}),
              [&](Result<>) { ended = true; });
  ASSERT_TRUE(m.simulation->step());  // it has gone to the pool
  ASSERT_FALSE(ended);
  m.simulation->power_loss();
  m.simulation->settle();
  EXPECT_TRUE(ended);
  EXPECT_EQ(code_of(wrote), Code::corrupt);
  m.boot();
  EXPECT_EQ(m.read("f"), "before");
}

}  // namespace
}  // namespace forebay::io::sim
