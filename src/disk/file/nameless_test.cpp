// Units that are written before their name is known.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "disk/real_store_test.h"
#include "disk/sim_store_test.h"
#include "disk/space.h"

namespace forebay::disk {
namespace {

// What stands in for the name in the choice of a disk.
const UnitId kNobody = unit_id(1'000'000);

Task<std::shared_ptr<Writer>> begin(std::shared_ptr<Store> store, uint64_t length, Context ctx) {
  auto reserved = store->reserve(kNobody, length);
  if (!reserved) co_return std::move(reserved.error());
  co_return co_await store->create_nameless(length, std::move(*reserved), Admission::cold, ctx);
}

// Begins one and writes the bytes that unit `n` will have.
Task<std::shared_ptr<Writer>> write(std::shared_ptr<Store> store, uint64_t n, uint64_t length,
                                    Context ctx) {
  auto writer = co_await co_await begin(store, length, ctx);
  std::string bytes = content_of(unit_id(n), {0, length});
  co_await co_await writer->write(0, as_bytes(bytes), ctx);
  co_return writer;
}

class Nameless : public RealStore {
 protected:
  std::shared_ptr<Writer> written(uint64_t n, uint64_t length) {
    auto writer = run(write(store_, n, length, ctx()));
    EXPECT_TRUE(writer) << writer.error().text();
    return writer ? *writer : nullptr;
  }
  Result<> name(Writer& writer, uint64_t n) { return run(writer.commit_as(unit_id(n), ctx())); }
};

TEST_F(Nameless, a_unit_is_found_by_the_name_it_gets_and_survives_a_restart) {
  open();
  uint64_t before = stats().used;
  auto writer = written(1, 3 * kMiB + 5);
  EXPECT_FALSE(store_->contains(unit_id(1)));
  EXPECT_FALSE(store_->contains(kNobody));
  EXPECT_EQ(stats().used, before + disk_bytes(3 * kMiB + 5));
  EXPECT_EQ(run(writer->commit(ctx())).error().code(), Code::invalid) << "it has no name";
  ASSERT_TRUE(name(*writer, 1));
  EXPECT_EQ(name(*writer, 2).error().code(), Code::invalid) << "it has one";
  EXPECT_EQ(store_->find(unit_id(1), {0, 1}).state, Found::State::ready);
  EXPECT_TRUE(good(1, {0, 3 * kMiB + 5}, Verify::always));
  EXPECT_FALSE(store_->contains(kNobody));
  writer.reset();
  EXPECT_EQ(files("new").size(), 0U);
  restart();
  EXPECT_TRUE(good(1, {0, 3 * kMiB + 5}, Verify::always));
  EXPECT_EQ(stats().used, before + disk_bytes(3 * kMiB + 5));
  store_->remove(unit_id(1));
  ASSERT_TRUE(run(store_->evict(ctx())));
  EXPECT_EQ(stats().used, before);
}

TEST_F(Nameless, two_may_be_written_and_the_first_to_be_named_stays) {
  open();
  auto one = written(1, kMiB);
  auto two = written(1, kMiB);
  ASSERT_TRUE(name(*one, 1));
  EXPECT_EQ(name(*two, 1).error().code(), Code::exists);
  one.reset();
  two.reset();
  ASSERT_TRUE(run(store_->evict(ctx())));
  EXPECT_TRUE(good(1, {0, kMiB}));
  EXPECT_EQ(stats().used, kMiB);
  EXPECT_EQ(files("new").size(), 0U);
  EXPECT_EQ(files("units").size(), 1U);
}

TEST_F(Nameless, who_writes_under_a_name_does_not_keep_others_from_it) {
  open();
  auto reserved = store_->reserve(unit_id(1), kMiB);
  auto other = *run(store_->create(unit_id(1), kMiB, std::move(*reserved), Admission::hot, ctx()));
  auto late = written(1, kMiB);
  EXPECT_TRUE(name(*late, 1));
  other.reset();
  EXPECT_TRUE(good(1, {0, kMiB}));
  EXPECT_EQ(fill(1, kMiB).error().code(), Code::exists);
}

TEST_F(Nameless, one_that_fails_to_be_named_gives_the_name_back) {
  open();
  auto made = run(begin(store_, kMiB, ctx()));
  ASSERT_TRUE(made);
  EXPECT_EQ(name(**made, 1).error().code(), Code::invalid) << "bytes are missing";
  made->reset();
  EXPECT_TRUE(fill(1, kMiB));
}

TEST_F(Nameless, one_that_is_dropped_leaves_nothing) {
  open();
  uint64_t before = stats().used;
  auto writer = written(1, kMiB);
  EXPECT_EQ(files("new").size(), 1U);
  writer.reset();
  ASSERT_TRUE(run(store_->evict(ctx())));
  EXPECT_EQ(files("new").size(), 0U);
  EXPECT_EQ(stats().used, before);
}

TEST_F(Nameless, a_dead_process_leaves_no_unit_and_no_space_taken) {
  open();
  auto writer = written(1, 2 * kMiB);
  commit_rows();
  auto copy = folder_.path() + "/left";
  std::filesystem::copy(folder_.path() + "/a/new", copy);  // as kill -9 leaves them
  writer.reset();
  restart();
  kill();
  std::filesystem::copy(copy, folder_.path() + "/a/new");
  ASSERT_EQ(files("new").size(), 1U);
  open();
  EXPECT_EQ(files("new").size(), 0U);
  EXPECT_EQ(stats().files_removed, 1U);
  EXPECT_EQ(stats().used, 0U);
  EXPECT_EQ(stats().units, 0U);
}

TEST_F(Nameless, units_written_last_and_never_read_go_first) {
  open();
  for (uint64_t n = 1; n <= 11; ++n) ASSERT_TRUE(fill(n, 4 * kMiB));
  for (uint64_t n = 12; n <= 14; ++n) {
    auto writer = written(n, 4 * kMiB);
    ASSERT_TRUE(name(*writer, n));
  }
  ASSERT_TRUE(run(store_->evict(ctx())));
  ASSERT_GE(stats().evictions, 1U);
  for (uint64_t n = 1; n <= 11; ++n) EXPECT_TRUE(store_->contains(unit_id(n))) << n;
}

TEST_F(Nameless, a_full_disk_refuses) {
  open();
  EXPECT_EQ(run(begin(store_, 64 * kMiB, ctx())).error().detail(), "ENOSPC");
  auto small = store_->reserve(kNobody, 4096);
  EXPECT_EQ(
      run(store_->create_nameless(4097, std::move(*small), Admission::cold, ctx())).error().code(),
      Code::invalid);
  EXPECT_EQ(stats().used, 0U);
}

TEST(NamelessSim, a_disk_that_fails_costs_the_unit_and_no_space) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimWorld world(seed);
    world.options().errors_until_out = 1000;
    world.open();
    uint64_t used = world.stats().used;
    for (uint64_t n = 1; n < 10; n += 2) {
      uint64_t length = SimWorld::length_of(n);
      world.sim().options().disk_error = 0.2;
      Result<> done = fail(Code::internal, "not begun");
      if (auto writer = world.run(write(world.store(), n, length, world.ctx()))) {
        done = world.run((*writer)->commit_as(unit_id(n), world.ctx()));
      } else {
        done = std::move(writer.error());
      }
      EXPECT_EQ(world.store()->contains(unit_id(n)), done.has_value());
      if (done) used += disk_bytes(length);
    }
    world.sim().options().disk_error = 0;
    EXPECT_TRUE(world.run(world.store()->evict(world.ctx())));
    EXPECT_EQ(world.stats().used, used);
    world.check_all();
    world.close();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace forebay::disk
