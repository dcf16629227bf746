// What recycling must never do: give rot a new checksum, or unlink what rows still point to.
#include <gtest/gtest.h>

#include <set>

#include "disk/real_store_test.h"
#include "disk/sim_store_test.h"

namespace forebay::disk {
namespace {

class RecyclerReal : public RealStore {
 protected:
  static constexpr uint64_t kUnit = 64 << 10;
  /// Segments of which a quarter lives, one that is being filled, and a reason to recycle.
  Reservation fill_and_want_room() {
    for (uint64_t n = 0; n < 260; ++n) EXPECT_TRUE(put(n, kUnit));
    for (uint64_t n = 0; n < 260; ++n) {
      if (n % 4 != 0) store_->remove(unit_id(n));
    }
    auto room =
        store_->reserve(unit_id(1000), stats().limit - stats().used - stats().segment_bytes);
    EXPECT_TRUE(room);
    return room ? std::move(*room) : Reservation();
  }
  /// Changes a byte of unit `n` where it lies in its segment.
  void rot(uint64_t n) {
    auto slice = store_->find(unit_id(n), {0, kUnit}).slice;
    ASSERT_NE(slice.file, nullptr);
    std::byte byte;
    ASSERT_TRUE(slice.file->read_at(slice.offset + 100, {&byte, 1}));
    byte ^= std::byte{1};
    ASSERT_TRUE(slice.file->write_at(slice.offset + 100, {&byte, 1}));
  }
};

TEST_F(RecyclerReal, rot_is_dropped_and_not_moved_with_a_new_checksum) {
  open();
  Reservation room = fill_and_want_room();
  for (uint64_t n : {0, 16, 32}) rot(n);
  ASSERT_TRUE(run(store_->recycle(ctx())));
  ASSERT_GE(stats().recycled, 1U);
  EXPECT_GE(stats().verify_failures, 3U);
  for (uint64_t n : {0, 16, 32}) EXPECT_FALSE(store_->contains(unit_id(n))) << n;
  for (uint64_t n = 4; n < 260; n += 4) {
    if (n != 16 && n != 32) EXPECT_TRUE(good(n, {0, kUnit}, Verify::always)) << n;
  }
}

/// Looks, before each batch, whether every row it has points to a file that is there.
class StrictIndex final : public Index {
 public:
  StrictIndex(std::shared_ptr<MemoryIndex> below, std::shared_ptr<io::Directory> disk)
      : below_(std::move(below)), disk_(std::move(disk)) {}
  Result<> load(const std::function<void(const UnitId&, ByteView)>& row) override {
    return below_->load(row);
  }
  Result<> apply(std::span<const Change> changes) override {
    std::set<std::string> missing;
    EXPECT_TRUE(below_->load([&](const UnitId&, ByteView value) {
      auto row = decode_row(value);
      EXPECT_TRUE(row);
      if (!row || !row->in_segment) return;
      std::string path = segment_path(row->number);
      if (!disk_->stat(path)) missing.insert(path);
    }));
    EXPECT_TRUE(missing.empty()) << *missing.begin() << " is gone, and rows still point to it";
    ++batches;
    return below_->apply(changes);
  }
  Result<> flush() override { return below_->flush(); }
  uint64_t batches = 0;

 private:
  std::shared_ptr<MemoryIndex> below_;
  std::shared_ptr<io::Directory> disk_;
};

TEST(RecyclerSim, a_segment_goes_after_the_rows_that_point_to_it) {
  uint64_t recycled = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    auto sim = io::Simulation::make({.seed = seed});
    Context ctx{.loop = &sim->loop()};
    auto folder = sim->loop().open_directory("/cache", true).value();
    auto below = std::make_shared<MemoryIndex>();
    auto index = std::make_shared<StrictIndex>(below, folder);
    Options options;
    options.boot_id = "boot";
    options.small_max = 16 << 10;
    options.disks.push_back({.path = "/cache", .capacity = 8 << 20, .open_index = [&] {
                               return Result<std::shared_ptr<Index>>(index);
                             }});
    auto store = sim->run(Store::open(options, ctx)).value();
    for (uint64_t n = 0; n < 200; ++n) {
      ASSERT_TRUE(sim->run(put_unit(store, unit_id(n), 16 << 10, ctx)));
    }
    for (uint64_t n = 0; n < 200; ++n) {
      if (n % 4 != 0) store->remove(unit_id(n));
    }
    // What has been removed has no row any more; what stays has one.
    ASSERT_TRUE(sim->run(store->commit_rows(ctx)));
    DiskStats stats = store->stats().disks[0];
    auto room = store->reserve(unit_id(1000), stats.limit - stats.used - stats.segment_bytes);
    ASSERT_TRUE(room);
    ASSERT_TRUE(sim->run(store->recycle(ctx)));
    ASSERT_TRUE(sim->run(store->commit_rows(ctx)));
    recycled += store->stats().disks[0].recycled;
    EXPECT_GT(index->batches, 1U);
    // A death at any moment is a death after some batch: what lives is found in the end, too.
    for (uint64_t n = 0; n < 200; n += 4) EXPECT_TRUE(store->contains(unit_id(n)));
    ASSERT_TRUE(sim->run(store->close(ctx)));
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(recycled, 20U);
}

}  // namespace
}  // namespace forebay::disk
