// Disks whose folder, or a part of it, goes away while they are used.
#include <gtest/gtest.h>

#include "disk/real_store_test.h"
#include "disk/sim_store_test.h"

namespace forebay::disk {
namespace {

constexpr Duration kSoon = milliseconds(2500);

// Removes a folder and all below it, as rm -r would, names in any order.
void remove_tree(io::Directory& root, const std::string& path) {
  auto entries = root.list(path);
  if (!entries) return;
  for (auto& entry : *entries) {
    std::string name = path + "/" + entry.name;
    if (entry.kind == io::FileStat::Kind::directory) {
      remove_tree(root, name);
    } else {
      EXPECT_TRUE(root.remove(name));
    }
  }
  EXPECT_TRUE(root.remove(path));
}

struct Lost : SimWorld {
  explicit Lost(uint64_t seed, uint64_t capacity = 64 << 20) : SimWorld(seed, 100) {
    options().disks[0].capacity = capacity;
    open();
    root_ = sim().loop().open_directory("/", false).value();
  }
  void wait() { EXPECT_TRUE(run(io::sleep_until(sim().loop().now() + kSoon, ctx()))); }
  void fill_some() {
    for (uint64_t n = 0; n < 20; ++n) {
      Result<> done = n % 2 == 0 ? run(put_unit(store(), unit_id(n), length_of(n), ctx()))
                                 : run(fill_unit(store(), unit_id(n), length_of(n), 4096, ctx()));
      EXPECT_TRUE(done) << done.error().text();
    }
  }
  std::shared_ptr<io::Directory> root_;
};

class LostPart : public testing::TestWithParam<const char*> {};

TEST_P(LostPart, is_made_again_and_said) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Lost world(seed);
    world.start(0);
    world.fill_some();
    uint64_t used = world.stats().used;
    auto slice = world.store()->find(unit_id(1), {0, 100}).slice;
    std::string part = GetParam();
    if (part == "/forebay-disk") {
      ASSERT_TRUE(world.root_->remove("cache" + part));
    } else {
      remove_tree(*world.root_, "cache" + part);
    }
    world.wait();
    DiskStats stats = world.stats();
    EXPECT_TRUE(stats.healthy) << stats.trouble;
    EXPECT_EQ(stats.lost, 1U);
    EXPECT_EQ(stats.trouble, "");
    EXPECT_LE(stats.used, used + stats.segment_bytes);
    if (slice.file != nullptr) {
      EXPECT_EQ(*world.run(read_slice(slice, world.ctx())), content_of(unit_id(1), {0, 100}))
          << "who holds a slice goes on";
      slice = {};
    }
    world.check_all();
    for (uint64_t n = 0; n < 20; ++n) world.store()->remove(unit_id(n));
    world.fill_some();
    EXPECT_EQ(world.check_all(), 20U);
    world.wait();
    EXPECT_EQ(world.stats().lost, 1U) << "all is there again";
    world.close();
    world.open();
    EXPECT_EQ(world.check_all(), 20U) << "and lasts";
    EXPECT_EQ(world.stats().rows_dropped, 0U);
    if (testing::Test::HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Disk, LostPart,
                         testing::Values("", "/new", "/segments", "/units", "/forebay-disk"));

TEST(LostDisk, with_something_else_in_its_place_stays_out_and_says_why) {
  Lost world(1);
  world.start(0);
  world.fill_some();
  remove_tree(*world.root_, "cache");
  ASSERT_TRUE(world.root_->open("cache", io::OpenMode::create_new));
  world.wait();
  EXPECT_FALSE(world.stats().healthy);
  EXPECT_NE(world.stats().trouble, "");
  EXPECT_TRUE(world.stats().returns);
  EXPECT_EQ(world.stats().lost, 1U) << "once, not at every look";
  EXPECT_EQ(world.store()->reserve(unit_id(0), 1).error().code(), Code::unavailable);
  ASSERT_TRUE(world.root_->remove("cache"));
  ASSERT_TRUE(world.root_->make_directory("cache/photos"));
  world.wait();
  EXPECT_FALSE(world.stats().healthy);
  EXPECT_NE(world.stats().trouble.find("photos"), std::string::npos) << world.stats().trouble;
  remove_tree(*world.root_, "cache");
  world.wait();
  EXPECT_TRUE(world.stats().healthy) << world.stats().trouble;
  EXPECT_FALSE(world.stats().returns) << "it is here";
  world.fill_some();
  EXPECT_EQ(world.check_all(), 20U);
}

TEST(LostDisk, behind_another_folder_is_not_taken_for_it) {
  Lost world(1);
  world.start(0);
  world.fill_some();
  ASSERT_TRUE(world.root_->rename("cache", "aside", true));
  ASSERT_TRUE(world.root_->make_directory("cache"));
  world.wait();
  EXPECT_TRUE(world.stats().healthy) << world.stats().trouble;
  EXPECT_EQ(world.stats().lost, 1U);
  EXPECT_EQ(world.stats().units, 0U);
  EXPECT_TRUE(world.root_->stat("cache/forebay-disk"));
  world.fill_some();
  EXPECT_EQ(world.check_all(), 20U);
  EXPECT_FALSE(world.root_->list("cache/units")->empty()) << "in the folder of that name";
}

// Readers, writers, eviction and recycling go on while it happens, at any moment.
TEST(LostDisk, in_the_middle_of_everything_costs_units_and_no_wrong_byte) {
  uint64_t lost = 0;
  const char* parts[] = {"", "/new", "/segments", "/units"};
  for (uint64_t seed = 1; seed <= seeds(32); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Lost world(seed, 8 << 20);
    world.start(6);
    for (int round = 0; round < 2; ++round) {
      world.steps(500 + world.random(1500));
      remove_tree(*world.root_, std::string("cache") + parts[world.random(4)]);
      world.steps(1000);
      world.wait();
    }
    EXPECT_TRUE(world.stats().healthy) << world.stats().trouble;
    lost += world.stats().lost;
    if (seed % 2 == 0) {
      world.kill();
      world.open();
    }
    world.check_all();
    world.close();
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GE(lost, seeds(48));
}

class LostReal : public RealStore {
 protected:
  /// What the evictor does when it next comes by.
  void pass() {
    EXPECT_TRUE(run(io::sleep_until(engine_->loop(0).now() + milliseconds(1100), ctx())));
    EXPECT_TRUE(run(store_->evict(ctx())));
  }
  std::string path() { return options_.disks[0].path; }
};

TEST_F(LostReal, an_index_that_is_removed_is_begun_anew) {
  open();
  for (uint64_t n = 0; n < 10; ++n) ASSERT_TRUE(fill(n, 100'000));
  for (uint64_t n = 10; n < 20; ++n) ASSERT_TRUE(put(n, 1000));
  commit_rows();
  std::filesystem::remove_all(path() + "/index");
  pass();
  EXPECT_EQ(stats().lost, 1U);
  EXPECT_TRUE(stats().healthy) << stats().trouble;
  for (uint64_t n = 0; n < 10; ++n) ASSERT_TRUE(fill(n, 100'000));
  restart();
  for (uint64_t n = 0; n < 10; ++n) EXPECT_TRUE(good(n, {0, 100'000}));
}

TEST_F(LostReal, a_folder_that_is_removed_is_made_anew) {
  open();
  for (uint64_t n = 0; n < 10; ++n) ASSERT_TRUE(fill(n, 100'000));
  std::filesystem::remove_all(path());
  pass();
  EXPECT_EQ(stats().lost, 1U);
  EXPECT_TRUE(stats().healthy) << stats().trouble;
  EXPECT_EQ(stats().used, 0U);
  for (uint64_t n = 0; n < 10; ++n) ASSERT_TRUE(fill(n, 100'000));
  restart();
  for (uint64_t n = 0; n < 10; ++n) EXPECT_TRUE(good(n, {0, 100'000}));
}

// As below a mount point whose disk is gone.
TEST_F(LostReal, nothing_is_made_on_another_file_system) {
  namespace fs = std::filesystem;
  struct stat here, there;
  ASSERT_EQ(::stat(folder_.path().c_str(), &here), 0);
  ASSERT_EQ(::stat("/proc", &there), 0);
  ASSERT_NE(here.st_dev, there.st_dev);
  fs::create_directory(folder_.path() + "/disk");
  fs::create_directory_symlink(folder_.path() + "/disk", folder_.path() + "/mount");
  options_.disks[0].path = folder_.path() + "/mount/a";
  open();
  fs::remove(folder_.path() + "/mount");
  fs::create_directory_symlink("/proc", folder_.path() + "/mount");
  pass();
  EXPECT_FALSE(stats().healthy);
  EXPECT_NE(stats().trouble.find("file system"), std::string::npos) << stats().trouble;
  fs::remove(folder_.path() + "/mount");
  fs::create_directory_symlink(folder_.path() + "/disk", folder_.path() + "/mount");
  pass();
  EXPECT_TRUE(stats().healthy) << stats().trouble;
  EXPECT_TRUE(fill(1, 1000));
}

TEST_F(LostReal, a_folder_that_was_somebody_elses_is_taken_once_it_is_not) {
  namespace fs = std::filesystem;
  std::string second = folder_.path() + "/second";
  fs::create_directories(second + "/photos");
  options_.disks.push_back({.path = second, .capacity = 64 << 20});
  open();
  EXPECT_TRUE(stats(0).healthy);
  for (int looks = 0; looks < 2; ++looks) {
    EXPECT_FALSE(stats(1).healthy);
    EXPECT_NE(stats(1).trouble.find("photos"), std::string::npos) << stats(1).trouble;
    pass();
  }
  fs::remove(second + "/photos");
  pass();
  EXPECT_TRUE(stats(1).healthy) << stats(1).trouble;
}

}  // namespace
}  // namespace forebay::disk
