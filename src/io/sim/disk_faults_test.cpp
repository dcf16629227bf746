#include <gtest/gtest.h>

#include "io/sim/machine_test.h"

namespace forebay::io::sim {
namespace {

using Set = std::set<std::string>;

TEST(SimDiskFaultsTest, space_ends_and_comes_back) {
  constexpr size_t kPage = 4096;
  Machine m(SimOptions{.seed = 1, .short_io = 0, .disk_bytes = 10 * kPage});
  auto file = m.open("f");
  EXPECT_TRUE(file->write_at(0, as_bytes(std::string(6 * kPage, 'x'))));
  EXPECT_EQ(m.data->space()->free, 4 * kPage);
  Result<> over = file->write_at(6 * kPage, as_bytes(std::string(4 * kPage + 1, 'y')));
  EXPECT_EQ(code_of(over), Code::busy);
  EXPECT_EQ(over.error().detail(), "ENOSPC");
  EXPECT_TRUE(file->truncate(6 * kPage));
  EXPECT_TRUE(file->write_at(0, as_bytes("in place needs none")));

  auto reserved = m.open("r");
  EXPECT_EQ(code_of(reserved->allocate(4 * kPage + 1)), Code::busy);
  EXPECT_EQ(reserved->stat()->size, 0U);
  EXPECT_TRUE(reserved->allocate(4 * kPage));
  EXPECT_EQ(code_of(file->write_at(6 * kPage, as_bytes("z"))), Code::busy);
  EXPECT_TRUE(reserved->write_at(0, as_bytes(std::string(4 * kPage, 'r'))));

  // An unlinked file holds its space while it is open.
  EXPECT_TRUE(m.data->remove("f"));
  EXPECT_EQ(m.data->space()->free, 0U);
  file.reset();
  EXPECT_EQ(m.data->space()->free, 6 * kPage);
  EXPECT_TRUE(m.open("g")->allocate(6 * kPage));
  m.simulation->options().disk_bytes = 20 * kPage;  // may grow while it runs
  EXPECT_EQ(m.data->space()->free, 10 * kPage);
  m.write("h", "fits now", false);
}

TEST(SimDiskFaultsTest, a_bad_disk_fails_every_call_and_breaks_no_rule) {
  Machine m(2);
  m.write("f", "whole", true);
  m.sync("");
  auto file = m.open("f");
  m.simulation->options().disk_error = 1;
  std::array<std::byte, 8> buffer;
  EXPECT_EQ(file->read_at(0, buffer).error().detail(), "EIO");
  EXPECT_EQ(file->try_read_at(0, buffer), -EIO);
  EXPECT_EQ(code_of(file->sync()), Code::corrupt);
  EXPECT_EQ(code_of(file->stat()), Code::corrupt);
  EXPECT_EQ(code_of(m.data->open("f", OpenMode::read)), Code::corrupt);
  EXPECT_EQ(code_of(m.data->list("")), Code::corrupt);
  EXPECT_EQ(code_of(m.data->remove("f")), Code::corrupt);
  m.simulation->options().disk_error = 0;
  EXPECT_EQ(m.read("f"), "whole");
}

// As in Linux: a failed sync is told once; a later one that succeeds does not mean those bytes.
TEST(SimDiskFaultsTest, a_failed_sync_is_not_mended_by_the_next) {
  auto seen = outcomes([](Machine& m) {
    m.write("f", std::string(kSector, 'o'), true);
    m.sync("");
    auto file = m.open("f");
    EXPECT_TRUE(file->write_at(0, as_bytes(std::string(kSector, 'n'))));
    m.simulation->options().disk_error = 1;
    EXPECT_FALSE(file->sync());
    m.simulation->options().disk_error = 0;
    EXPECT_TRUE(file->sync());
    m.lose_power();
    return m.read("f").substr(0, 1);
  });
  EXPECT_EQ(keys(seen), (Set{"n", "o"}));
  seen = outcomes([](Machine& m) {
    auto file = m.open("f");
    m.sync("");
    EXPECT_TRUE(file->write_at(0, as_bytes("n")));
    m.simulation->options().disk_error = 1;
    EXPECT_FALSE(file->sync());
    m.simulation->options().disk_error = 0;
    EXPECT_TRUE(file->write_at(0, as_bytes("n")));  // written again, it counts again
    EXPECT_TRUE(file->sync());
    m.lose_power();
    return m.read("f");
  });
  EXPECT_EQ(keys(seen), Set{"n"});
}

TEST(SimDiskFaultsTest, very_many_unsynced_names_do_not_pile_up) {
  Machine m(4);
  constexpr int kFiles = 20'000;
  for (int i = 0; i < kFiles; ++i) {
    std::string path = std::to_string(i);
    m.write(path, "x", false);
    if (i >= 10) {
      EXPECT_TRUE(m.data->remove(std::to_string(i - 10)));
    }
  }
  EXPECT_EQ(m.data->list("")->size(), 10U);
  m.lose_power();
  EXPECT_LE(m.data->list("")->size(), 11U);  // some moment of the way
}

// Against a plain model: random calls, read back after each.
TEST(SimDiskFaultsTest, contents_follow_a_plain_model) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Machine m(seed);
    Loop& loop = m.simulation->loop();
    auto file = m.open("f");
    std::string model;
    for (int i = 0; i < 300; ++i) {
      uint64_t at = loop.random() % 30'000;
      switch (loop.random() % 5) {
        case 0:
          EXPECT_TRUE(file->truncate(at));
          model.resize(at);
          break;
        case 1: EXPECT_TRUE(file->sync()); break;
        case 2:
          EXPECT_TRUE(file->allocate(at));
          model.resize(std::max<size_t>(model.size(), at));
          break;
        default: {
          std::string text = pattern(1 + loop.random() % 9000, i);
          EXPECT_TRUE(file->write_at(at, as_bytes(text)));
          model.resize(std::max(model.size(), at + text.size()));
          model.replace(at, text.size(), text);
        }
      }
    }
    EXPECT_TRUE(m.read("f") == model) << "seed " << seed;
    EXPECT_TRUE(file->sync());
    m.sync("");
    m.lose_power();
    EXPECT_TRUE(m.read("f") == model) << "seed " << seed;
  }
}

}  // namespace
}  // namespace forebay::io::sim
