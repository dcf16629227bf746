// What a Store makes of the folders it finds: restarts, deaths, strangers, rot.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "disk/format.h"
#include "disk/real_store_test.h"
#include "disk/sim_store_test.h"
#include "io/body.h"

namespace forebay::disk {
namespace {

class StoreOpen : public RealStore {
 protected:
  /// Two large and two small units, committed, and the machine started anew.
  void fill_and_reboot() {
    open();
    ASSERT_TRUE(fill(1, 3 * kMiB));
    ASSERT_TRUE(fill(2, 100'000));
    ASSERT_TRUE(put(3, 5000));
    ASSERT_TRUE(put(4, 6000));
    ASSERT_TRUE(run(store_->close(ctx())));
    kill();
    options_.boot_id = "boot two";
  }
};

TEST_F(StoreOpen, everything_is_there_after_a_restart) {
  open();
  for (uint64_t n = 0; n < 20; ++n) ASSERT_TRUE(fill(n, 70'000 + n));
  for (uint64_t n = 100; n < 200; ++n) ASSERT_TRUE(put(n, n));
  DiskStats before = stats();
  restart();
  EXPECT_EQ(stats().units, 120U);
  EXPECT_EQ(stats().live, before.live);
  EXPECT_EQ(stats().used, before.used);
  EXPECT_EQ(stats().rows_dropped + stats().files_removed, 0U);
  for (uint64_t n = 0; n < 20; ++n) EXPECT_TRUE(good(n, {0, 70'000 + n}));
  for (uint64_t n = 100; n < 200; ++n) EXPECT_TRUE(good(n, {0, n}));
  EXPECT_EQ(stats().verified, 0U) << "the boot is the same";
  EXPECT_TRUE(put(300, 10)) << "into a new segment";
  EXPECT_EQ(files("segments").size(), 2U);
}

TEST_F(StoreOpen, rows_committed_survive_a_kill_and_others_leave_no_trace) {
  open();
  ASSERT_TRUE(fill(1, 100'000));
  ASSERT_TRUE(put(2, 500));
  commit_rows();
  ASSERT_TRUE(fill(3, 100'000));
  ASSERT_TRUE(put(4, 500));
  auto reserved = store_->reserve(unit_id(5), kMiB);
  auto writer = *run(store_->create(unit_id(5), kMiB, std::move(*reserved), Admission::hot, ctx()));
  EXPECT_EQ(files("new").size(), 1U);
  writer.reset();
  kill();
  open();
  EXPECT_TRUE(good(1, {0, 100'000}));
  EXPECT_TRUE(good(2, {0, 500}));
  for (uint64_t n : {3, 4, 5}) EXPECT_EQ(code_of_reading(n, {0, 1}), Code::not_found);
  EXPECT_EQ(files("units").size(), 1U);
  EXPECT_EQ(files("new").size(), 0U);
  EXPECT_EQ(stats().files_removed, 2U);
}

TEST_F(StoreOpen, rows_without_data_are_dropped) {
  open();
  ASSERT_TRUE(fill(1, 100'000));
  ASSERT_TRUE(put(2, 500));
  ASSERT_TRUE(fill(3, 100'000));
  ASSERT_TRUE(run(store_->close(ctx())));
  kill();
  std::filesystem::remove(files("segments")[0]);
  for (auto& file : files("units")) {
    if (file.filename().string().starts_with(unit_id(1).hex())) std::filesystem::remove(file);
  }
  open();
  EXPECT_EQ(stats().rows_dropped, 2U);
  EXPECT_FALSE(store_->contains(unit_id(1)));
  EXPECT_FALSE(store_->contains(unit_id(2)));
  EXPECT_TRUE(good(3, {0, 100'000}));
  kill();
  open();
  EXPECT_EQ(stats().rows_dropped, 0U) << "dropped once and for all";
}

TEST_F(StoreOpen, a_file_too_short_for_its_unit_is_never_served) {
  open();
  ASSERT_TRUE(fill(1, 100'000));
  ASSERT_TRUE(run(store_->close(ctx())));
  kill();
  std::filesystem::resize_file(files("units")[0], 99'999);
  open();
  EXPECT_EQ(code_of_reading(1, {0, 10}), Code::not_found);
  EXPECT_FALSE(store_->contains(unit_id(1)));
}

TEST_F(StoreOpen, a_segment_of_another_disk_or_number_is_removed) {
  open();
  ASSERT_TRUE(put(1, 500));
  ASSERT_TRUE(run(store_->close(ctx())));
  kill();
  auto segment = files("segments")[0];
  auto stranger = segment;
  stranger.replace_filename("00000000000000aa");
  std::filesystem::copy_file(segment, stranger);
  flip_byte(segment, 20);  // its header
  open();
  EXPECT_EQ(files("segments").size(), 0U);
  EXPECT_EQ(stats().files_removed, 2U);
  EXPECT_EQ(stats().rows_dropped, 1U);
}

TEST_F(StoreOpen, after_a_reboot_units_are_verified_once_before_they_are_served) {
  fill_and_reboot();
  open();
  EXPECT_EQ(store_->find(unit_id(1), {0, 1}).state, Found::State::asleep);
  EXPECT_EQ(store_->find(unit_id(3), {0, 1}).state, Found::State::asleep);
  EXPECT_TRUE(good(1, {5, 10}));
  EXPECT_TRUE(good(3, {0, 5000}));
  EXPECT_EQ(stats().verified, 2U);
  EXPECT_EQ(store_->find(unit_id(1), {0, 1}).state, Found::State::ready);
  EXPECT_EQ(store_->find(unit_id(3), {0, 1}).state, Found::State::ready);
  restart();
  EXPECT_TRUE(good(1, {0, 3 * kMiB}));
  EXPECT_EQ(stats().verified, 0U) << "their rows are renewed";
  EXPECT_TRUE(good(4, {0, 6000}));
  EXPECT_EQ(stats().verified, 1U) << "this one's was not";
}

TEST_F(StoreOpen, rot_is_found_before_it_is_served) {
  fill_and_reboot();
  for (auto& file : files("units")) flip_byte(file, 99'999);
  auto segment = files("segments")[0];
  flip_byte(segment, kSegmentHeaderBytes + kRecordHeaderBytes);       // unit 3: its data
  flip_byte(segment, kSegmentHeaderBytes + record_bytes(5000) + 10);  // unit 4: its header
  open();
  for (uint64_t n : {1, 2, 3, 4}) {
    EXPECT_EQ(code_of_reading(n, {0, 1}), Code::corrupt) << n;
    EXPECT_EQ(code_of_reading(n, {0, 1}), Code::not_found) << n;
  }
  EXPECT_EQ(stats().verify_failures, 4U);
  EXPECT_TRUE(stats().healthy) << "rot is no failed call";
  kill();
  open();
  EXPECT_EQ(stats().units, 0U) << "the rows went at once";
}

TEST_F(StoreOpen, a_file_that_was_cut_short_is_dropped_when_a_reader_has_met_it) {
  open();
  ASSERT_TRUE(fill(1, 3 * kMiB));
  ASSERT_TRUE(fill(2, 100'000));
  ASSERT_TRUE(put(3, 5000));
  for (const char* folder : {"units", "segments"}) {
    for (auto& file : files(folder)) std::filesystem::resize_file(file, 50'000);
  }
  std::filesystem::resize_file(files("segments")[0], kSegmentHeaderBytes + 100);
  for (uint64_t n : {1, 2, 3}) {
    Found found = store_->find(unit_id(n), {0, n == 3 ? 5000U : 100'000U});
    ASSERT_EQ(found.state, Found::State::ready) << "nobody knows yet";
    auto read = run(io::read_all(io::Body::of(std::move(found.slice)), kMiB, ctx()));
    EXPECT_EQ(read.error().code(), Code::corrupt) << n;
    EXPECT_EQ(store_->find(unit_id(n), {0, 1}).state, Found::State::asleep) << n;
    EXPECT_EQ(code_of_reading(n, {0, 1}), Code::not_found) << n;
    EXPECT_FALSE(store_->contains(unit_id(n))) << n;
  }
  EXPECT_EQ(stats().verify_failures, 3U);
  EXPECT_TRUE(stats().healthy);
  ASSERT_TRUE(fill(1, 3 * kMiB));
  EXPECT_TRUE(good(1, {0, 3 * kMiB})) << "it can be fetched again";
}

TEST_F(StoreOpen, verify_always_reads_the_blocks_of_the_range_each_time) {
  open();
  ASSERT_TRUE(fill(1, 3 * kMiB));
  ASSERT_TRUE(put(2, 5000));
  EXPECT_EQ(store_->find(unit_id(1), {0, 1}, Verify::always).state, Found::State::asleep);
  EXPECT_TRUE(good(1, {10, 10}, Verify::always));
  EXPECT_TRUE(good(2, {10, 10}, Verify::always));
  flip_byte(files("units")[0], 2 * kMiB + 5);
  EXPECT_TRUE(good(1, {2 * kMiB - 10, 10}, Verify::always)) << "another block";
  EXPECT_EQ(code_of_reading(1, {2 * kMiB - 10, 11}, Verify::always), Code::corrupt);
  EXPECT_FALSE(store_->contains(unit_id(1)));
}

Task<> read_together(std::shared_ptr<Store> store, UnitId id, Context ctx) {
  io::Group group(ctx);
  auto one = [](std::shared_ptr<Store> s, UnitId unit, Context c) -> Task<> {
    auto bytes = co_await co_await read_unit(s, unit, {0, 1000}, c);
    EXPECT_EQ(bytes, content_of(unit, {0, 1000}));
    co_return ok;
  };
  for (int i = 0; i < 20; ++i) group.spawn(one(store, id, ctx));
  co_return co_await group.join();
}

TEST_F(StoreOpen, readers_share_one_verification) {
  fill_and_reboot();
  open();
  EXPECT_TRUE(run(read_together(store_, unit_id(1), ctx())));
  EXPECT_EQ(stats().verified, 1U);
}

// The readers' steps in every order: one may still open the file when the first has verified.
TEST(StoreOpenSim, readers_share_one_verification) {
  uint64_t asleep = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimWorld world(seed);
    world.open();
    ASSERT_TRUE(world.run(fill_unit(world.store(), unit_id(1), 9000, 4096, world.ctx())));
    world.close();
    world.reboot();
    world.open();
    asleep += world.store()->find(unit_id(1), {0, 1}).state == Found::State::asleep ? 1 : 0;
    ASSERT_TRUE(world.run(read_together(world.store(), unit_id(1), world.ctx())));
    EXPECT_EQ(world.stats().verified, 1U);
    world.close();
    if (HasFailure()) return;
  }
  EXPECT_EQ(asleep, 200U);
}

TEST_F(StoreOpen, the_scrubber_finds_rot_and_verifies_what_must_be) {
  fill_and_reboot();
  for (auto& file : files("units")) {
    if (file.filename().string().starts_with(unit_id(2).hex())) flip_byte(file, 5);
  }
  open();
  EXPECT_TRUE(run(store_->scrub(0, ctx())));
  EXPECT_EQ(stats().verify_failures, 1U);
  EXPECT_EQ(stats().units, 3U);
  EXPECT_EQ(store_->find(unit_id(1), {0, 1}).state, Found::State::ready);
  EXPECT_EQ(store_->find(unit_id(3), {0, 1}).state, Found::State::ready);
}

TEST_F(StoreOpen, a_folder_with_other_things_is_refused_and_left_alone) {
  std::filesystem::create_directories(folder_.path() + "/a/units");
  std::ofstream(folder_.path() + "/a/units/thesis.txt") << "mine";
  auto store = run(Store::open(options_, ctx()));
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code(), Code::invalid);
  EXPECT_TRUE(std::filesystem::exists(folder_.path() + "/a/units/thesis.txt"));
}

TEST_F(StoreOpen, a_disk_of_a_later_format_is_refused) {
  open();
  restart();
  kill();
  std::ofstream(folder_.path() + "/a/forebay-disk")
      << "forebay disk\nformat 2\nid 00112233445566778899aabbccddeeff\n";
  EXPECT_EQ(run(Store::open(options_, ctx())).error().code(), Code::invalid);
}

TEST_F(StoreOpen, a_row_of_a_later_build_stops_the_disk_and_deletes_nothing) {
  open();
  ASSERT_TRUE(fill(1, 100'000));
  ASSERT_TRUE(run(store_->close(ctx())));
  kill();
  {
    auto index = open_rocks_index(folder_.path() + "/a/index", 1 << 30);
    std::vector<Change> batch{{UnitId{}, std::string("\x03\x01 of tomorrow")}};
    ASSERT_TRUE((*index)->apply(batch));
  }
  EXPECT_EQ(run(Store::open(options_, ctx())).error().code(), Code::invalid);
  EXPECT_EQ(files("units").size(), 1U);
}

TEST_F(StoreOpen, one_disk_that_cannot_be_opened_does_not_stop_the_others) {
  options_.disks.push_back({.path = folder_.path() + "/b", .capacity = 64 << 20});
  std::ofstream(folder_.path() + "/b") << "a file in its place";
  open();
  EXPECT_TRUE(stats(0).healthy);
  EXPECT_FALSE(stats(1).healthy);
  for (uint64_t n = 0; n < 20; ++n) EXPECT_TRUE(put(n, 100));
  EXPECT_EQ(stats(0).units, 20U);
}

TEST_F(StoreOpen, more_rows_than_the_bound_are_not_loaded) {
  open();
  for (uint64_t n = 0; n < 30; ++n) ASSERT_TRUE(n % 2 == 0 ? put(n, 100) : fill(n, 70'000));
  ASSERT_TRUE(run(store_->close(ctx())));
  kill();
  options_.max_units = 10;
  open();
  EXPECT_EQ(stats().units, 10U);
  EXPECT_EQ(stats().rows_dropped, 20U);
  size_t large = 0;
  for (uint64_t n = 0; n < 30; ++n) {
    if (!store_->contains(unit_id(n))) continue;
    EXPECT_TRUE(good(n, {0, 100}));
    large += n % 2;
  }
  EXPECT_EQ(files("units").size(), large);
}

TEST_F(StoreOpen, nonsense_options_are_refused) {
  auto code = [&](Options options) { return run(Store::open(options, ctx())).error().code(); };
  Options options = options_;
  options.disks.clear();
  EXPECT_EQ(code(options), Code::invalid);
  options = options_;
  options.boot_id.clear();
  EXPECT_EQ(code(options), Code::invalid);
  options = options_;
  options.disks[0].capacity = (4 << 20) - 1;
  EXPECT_EQ(code(options), Code::invalid);
  options = options_;
  options.small_max = (1 << 20) + 1;
  EXPECT_EQ(code(options), Code::invalid);
  options = options_;
  options.disks[0].path = "relative";
  EXPECT_EQ(code(options), Code::invalid);
}

}  // namespace
}  // namespace forebay::disk
