#include "unit/tee.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/bytes.h"
#include "disk/index/index.h"
#include "disk/space.h"
#include "io/sim.h"
#include "testkit/pattern.h"
#include "unit/cache.h"

namespace forebay::unit {
namespace {

using testkit::pattern;

// The units of a body of `length` bytes.
std::vector<UnitId> ids_of(uint64_t length, uint64_t unit_length, const std::string& key = "key") {
  std::vector<UnitId> ids;
  for (uint64_t at = 0; at < length; at += unit_length) {
    ids.push_back(UnitName{.incarnation = 1,
                           .key = key,
                           .tag = "tag",
                           .offset = at,
                           .length = std::min(unit_length, length - at)}
                      .id());
  }
  return ids;
}

class TeeTest : public testing::Test {
 protected:
  TeeTest() { crews_.add(loop_); }
  ~TeeTest() override { EXPECT_TRUE(world_->run(crews_.of(loop_).stop())); }
  Context ctx() { return {.loop = &loop_}; }

  void open(Options options = {}, uint64_t capacity = 64 * kMiB) {
    disk::Options disks;
    disks.disks.push_back({.path = "/disk", .capacity = capacity, .open_index = [this] {
                             return Result<std::shared_ptr<disk::Index>>(index_);
                           }});
    disks.boot_id = "boot";
    disks.errors_until_out = 1000;
    auto store = world_->run(disk::Store::open(std::move(disks), ctx()));
    ASSERT_TRUE(store);
    store_ = *store;
    cache_ =
        std::make_unique<Cache>(store_, crews_, std::vector<io::Loop*>{&loop_}, options, metrics_);
  }

  // Hands `bytes` over in chunks from one buffer, as a socket's reader does.
  static Task<> feed(std::shared_ptr<Tee> tee, std::string bytes, size_t chunk, Context ctx) {
    std::string buffer;
    for (size_t at = 0; at < bytes.size(); at += chunk) {
      buffer = bytes.substr(at, chunk);
      co_await co_await tee->add(as_bytes(buffer), ctx);
      std::ranges::fill(buffer, '!');
      co_await co_await io::yield(ctx);
    }
    co_return ok;
  }
  std::shared_ptr<Tee> fed(const std::string& bytes, uint64_t unit, size_t chunk = 100'000) {
    auto tee = cache_->tee(bytes.size(), unit, {}, loop_);
    if (tee != nullptr) EXPECT_TRUE(world_->run(feed(tee, bytes, chunk, ctx())));
    return tee;
  }
  void keep(const std::shared_ptr<Tee>& tee, uint64_t length, uint64_t unit) {
    EXPECT_TRUE(world_->run(tee->keep(ids_of(length, unit), ctx())));
  }
  Task<std::string> read_task(UnitId id, uint64_t length, Context ctx) {
    auto slice = co_await co_await store_->open(id, {0, length}, disk::Verify::always, ctx);
    std::string out(length, '\0');
    ByteSpan into(reinterpret_cast<std::byte*>(out.data()), out.size());
    co_await co_await io::run_blocking(ctx,
                                       [&] { return slice.file->read_at(slice.offset, into); });
    co_return out;
  }
  /// All units are here and hold `bytes`, also by their checksums.
  bool holds(const std::string& bytes, uint64_t unit) {
    std::string all;
    uint64_t left = bytes.size();
    for (const UnitId& id : ids_of(bytes.size(), unit)) {
      auto part = world_->run(read_task(id, std::min(unit, left), ctx()));
      if (!part) return false;
      all += *part;
      left -= part->size();
    }
    return all == bytes;
  }
  uint64_t used() {
    EXPECT_TRUE(world_->run(store_->evict(ctx())));
    return store_->stats().disks[0].used;
  }
  uint64_t units() { return store_->stats().disks[0].units; }
  uint64_t count(TeeEnd end) {
    std::string text = metrics_.render();
    std::string line = "forebay_tees_total{result=\"" + std::string(name(end)) + "\"} ";
    size_t at = text.find(line);
    return at == std::string::npos ? 99 : std::stoull(text.substr(at + line.size()));
  }

  std::unique_ptr<io::Simulation> world_ = io::Simulation::make({.seed = 12});
  io::Loop& loop_ = world_->loop();
  std::shared_ptr<disk::MemoryIndex> index_ = std::make_shared<disk::MemoryIndex>();
  obs::Registry metrics_;
  job::Crews crews_;
  std::shared_ptr<disk::Store> store_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(TeeTest, a_body_becomes_the_units_that_it_is_said_to_be) {
  for (uint64_t unit : {5 * kMiB + 3, 3 * kMiB, kMiB, 700 * kKiB}) {
    for (size_t chunk : {1'000'000, 65'536, 12'345}) {
      open();
      index_ = std::make_shared<disk::MemoryIndex>();
      std::string bytes = pattern(5 * kMiB + 3);
      uint64_t before = count(TeeEnd::kept);
      auto tee = fed(bytes, unit, chunk);
      ASSERT_NE(tee, nullptr);
      EXPECT_EQ(units(), 0U) << "nothing is found before it has a name";
      keep(tee, bytes.size(), unit);
      EXPECT_TRUE(tee->over());
      EXPECT_EQ(count(TeeEnd::kept), before + 1);
      EXPECT_TRUE(holds(bytes, unit)) << unit << " " << chunk;
      for (const UnitId& id : ids_of(bytes.size(), unit)) cache_->remove(id);
      EXPECT_EQ(used(), 0U);
    }
  }
}

TEST_F(TeeTest, a_small_body_goes_into_a_segment) {
  open();
  std::string bytes = pattern(64 * kKiB);
  auto tee = fed(bytes, 64 * kKiB, 1000);
  EXPECT_EQ(loop_.stats().offloads, 5U) << "those of opening the disk";
  keep(tee, bytes.size(), bytes.size());
  world_->settle();
  EXPECT_TRUE(holds(bytes, bytes.size()));
  EXPECT_EQ(store_->stats().disks[0].segments, 1U);
  EXPECT_EQ(count(TeeEnd::kept), 1U);
}

TEST_F(TeeTest, an_unwanted_copy_leaves_nothing) {
  open();
  for (uint64_t size : {20 * kKiB, 3 * kMiB}) {
    std::string bytes = pattern(size);
    fed(bytes, size);                                // all of it, and then no keep()
    fed(bytes.substr(0, size / 2), size / 2);        // a client that leaves
    auto half = cache_->tee(size, size, {}, loop_);  // … in the middle
    EXPECT_TRUE(world_->run(feed(half, bytes.substr(0, size / 2), 9999, ctx())));
    half.reset();
    world_->settle();
  }
  EXPECT_EQ(count(TeeEnd::unwanted), 6U);
  EXPECT_EQ(units(), 0U);
  EXPECT_EQ(used(), 0U);
}

TEST_F(TeeTest, a_body_that_is_not_as_long_as_it_said_is_not_kept) {
  open();
  for (uint64_t size : {20 * kKiB, 3 * kMiB}) {
    for (uint64_t said : {size - 1, size + 1}) {
      auto tee = cache_->tee(said, said, {}, loop_);
      EXPECT_TRUE(world_->run(feed(tee, pattern(size), 50'000, ctx())));
      keep(tee, said, said);
      EXPECT_TRUE(tee->over());
    }
  }
  world_->settle();
  EXPECT_EQ(count(TeeEnd::unwanted), 4U);
  EXPECT_EQ(units(), 0U);
  EXPECT_EQ(used(), 0U);
}

TEST_F(TeeTest, a_copy_is_the_first_to_be_evicted) {
  open();
  std::string bytes = pattern(4 * kMiB);
  auto tee = fed(bytes, bytes.size());
  keep(tee, bytes.size(), bytes.size());
  UnitId copy = ids_of(bytes.size(), bytes.size())[0];
  ASSERT_TRUE(cache_->contains(copy));
  // Fill what room there is with units that were read.
  for (int i = 0; cache_->contains(copy) && i < 20; ++i) {
    UnitId id = ids_of(1, 1, "other" + std::to_string(i))[0];
    auto space = store_->reserve(id, 4 * kMiB);
    if (space) {
      auto writer = *world_->run(
          store_->create(id, 4 * kMiB, std::move(*space), disk::Admission::hot, ctx()));
      EXPECT_TRUE(world_->run(writer->write(0, as_bytes(bytes), ctx())));
      EXPECT_TRUE(world_->run(writer->commit(ctx())));
    }
    (void)used();
  }
  EXPECT_FALSE(cache_->contains(copy));
  EXPECT_EQ(store_->stats().disks[0].evictions, 1U);
}

TEST_F(TeeTest, a_slow_disk_costs_the_client_its_patience_once_and_then_the_copy) {
  open();
  world_->options().disk_delay = seconds(1000);
  std::string bytes = pattern(16 * kMiB);
  Time begun = loop_.now();
  auto tee = fed(bytes, bytes.size());
  EXPECT_LE(loop_.now() - begun, milliseconds(110));
  EXPECT_TRUE(tee->over());
  EXPECT_EQ(count(TeeEnd::behind), 1U);
  keep(tee, bytes.size(), bytes.size());
  world_->options().disk_delay = milliseconds(1);
  world_->settle();
  EXPECT_EQ(used(), 0U);
}

TEST_F(TeeTest, a_disk_that_is_always_a_little_slower_does_not_set_the_pace) {
  open();
  world_->options().disk_delay = milliseconds(60);
  Time begun = loop_.now();
  auto tee = fed(pattern(30 * kMiB), 30 * kMiB);
  EXPECT_LE(loop_.now() - begun, milliseconds(130));
  EXPECT_TRUE(tee->over());
  EXPECT_EQ(count(TeeEnd::behind), 1U);
}

TEST_F(TeeTest, a_slow_end_is_waited_for_only_so_long_and_kept_later) {
  open();
  std::string bytes = pattern(1 * kMiB);
  auto tee = cache_->tee(bytes.size(), bytes.size(), {}, loop_);
  world_->options().disk_delay = seconds(1000);
  EXPECT_TRUE(world_->run(feed(tee, bytes, 100'000, ctx())));
  Time begun = loop_.now();
  keep(tee, bytes.size(), bytes.size());
  EXPECT_LE(loop_.now() - begun, milliseconds(101));
  EXPECT_FALSE(tee->over());
  tee.reset();
  world_->settle();
  EXPECT_EQ(count(TeeEnd::kept), 1U);
  world_->options().disk_delay = milliseconds(1);
  EXPECT_TRUE(holds(bytes, bytes.size()));
}

TEST_F(TeeTest, a_full_disk_is_not_the_clients_trouble) {
  open({}, 8 * kMiB);
  auto all = store_->reserve(ids_of(1, 1)[0], 6 * kMiB);
  ASSERT_TRUE(all);
  auto tee = fed(pattern(3 * kMiB), 3 * kMiB);
  world_->settle();
  EXPECT_TRUE(tee->over());
  EXPECT_EQ(count(TeeEnd::no_room), 1U);
  keep(tee, 3 * kMiB, 3 * kMiB);
  all = disk::Reservation();
  EXPECT_EQ(used(), 0U);
  // A file system that is fuller than it should be.
  world_->options().disk_bytes = kMiB;
  tee = fed(pattern(3 * kMiB), 3 * kMiB);
  world_->settle();
  EXPECT_TRUE(tee->over());
  EXPECT_EQ(count(TeeEnd::no_room), 2U);
  world_->options().disk_bytes = 1ULL << 40;
  EXPECT_EQ(used(), 0U);
}

TEST_F(TeeTest, the_second_unit_may_find_no_room) {
  open({}, 16 * kMiB);
  auto most = store_->reserve(ids_of(1, 1)[0], 12 * kMiB);
  auto tee = fed(pattern(6 * kMiB), 2 * kMiB);
  world_->settle();
  EXPECT_TRUE(tee->over());
  EXPECT_EQ(count(TeeEnd::no_room), 1U);
  most = disk::Reservation();
  EXPECT_EQ(used(), 0U) << "what had found room is given back";
}

TEST_F(TeeTest, a_failing_disk_is_not_the_clients_trouble) {
  for (uint64_t skip = 0; skip < 40; ++skip) {
    if (cache_ == nullptr) open();
    uint64_t failed = count(TeeEnd::failed), kept = count(TeeEnd::kept);
    std::string bytes = pattern(3 * kMiB);
    auto tee = cache_->tee(bytes.size(), kMiB, {}, loop_);
    bool done = false;
    io::start<void>(loop_, feed(tee, bytes, 60'000, ctx()), [&](Result<> fed) {
      EXPECT_TRUE(fed);
      done = true;
    });
    for (uint64_t step = 0; !done; ++step) {
      world_->options().disk_error = step / 4 == skip ? 1 : 0;
      ASSERT_TRUE(world_->step());
    }
    world_->options().disk_error = 0;
    keep(tee, bytes.size(), kMiB);
    tee.reset();
    world_->settle();
    EXPECT_EQ(count(TeeEnd::failed) + count(TeeEnd::kept), failed + kept + 1);
    bool all = count(TeeEnd::kept) > kept;
    EXPECT_EQ(holds(bytes, kMiB), all);
    EXPECT_EQ(units(), all ? 3U : 0U);
    for (const UnitId& id : ids_of(bytes.size(), kMiB)) cache_->remove(id);
    EXPECT_EQ(used(), 0U);
  }
  EXPECT_GT(count(TeeEnd::failed), 0U);
  EXPECT_GT(count(TeeEnd::kept), 0U);
}

TEST_F(TeeTest, a_disk_that_fails_at_the_last_moment_costs_the_units_it_touches) {
  open();
  std::string bytes = pattern(3 * kMiB);
  auto tee = fed(bytes, kMiB);
  world_->settle();
  world_->options().disk_error = 1;
  keep(tee, bytes.size(), kMiB);
  EXPECT_EQ(count(TeeEnd::failed), 1U);
  world_->options().disk_error = 0;
  EXPECT_EQ(units(), 0U);
  EXPECT_EQ(used(), 0U);
}

TEST_F(TeeTest, of_two_copies_of_one_version_the_second_goes) {
  open();
  std::string bytes = pattern(3 * kMiB);
  auto one = fed(bytes, kMiB);
  auto two = fed(bytes, kMiB);
  keep(one, bytes.size(), kMiB);
  keep(two, bytes.size(), kMiB);
  EXPECT_EQ(count(TeeEnd::exists), 1U);
  one.reset(), two.reset();
  EXPECT_EQ(used(), 3 * kMiB);
  // A unit that somebody evicted meanwhile is brought back, the others stay as they are.
  auto three = fed(bytes, kMiB);
  cache_->remove(ids_of(bytes.size(), kMiB)[1]);
  keep(three, bytes.size(), kMiB);
  EXPECT_TRUE(holds(bytes, kMiB));
}

TEST_F(TeeTest, what_cannot_be_copied_is_refused_at_once) {
  open({.tees = 2});
  EXPECT_EQ(cache_->tee(40 * kMiB, 40 * kMiB, {}, loop_), nullptr) << "more than half of the cache";
  EXPECT_EQ(cache_->tee(65 * 100 * kKiB, 100 * kKiB, {}, loop_), nullptr) << "too many units";
  EXPECT_EQ(cache_->tee(100 * kKiB, 50 * kKiB, {}, loop_), nullptr) << "many small units";
  EXPECT_EQ(count(TeeEnd::no_room), 3U);
  auto one = cache_->tee(64 * 100 * kKiB, 100 * kKiB, {}, loop_);
  auto two = cache_->tee(kMiB, kMiB, {}, loop_);
  EXPECT_NE(two, nullptr);
  EXPECT_EQ(cache_->tee(kMiB, kMiB, {}, loop_), nullptr) << "two are enough";
  EXPECT_NE(cache_->tee(100, 100, {}, loop_), nullptr) << "small ones take no turn";
  two->drop();
  EXPECT_NE(cache_->tee(kMiB, kMiB, {}, loop_), nullptr);
}

TEST_F(TeeTest, copies_of_small_bodies_share_their_memory) {
  open({.small_tee_bytes = 100 * kKiB});
  auto one = cache_->tee(64 * kKiB, 64 * kKiB, {}, loop_);
  EXPECT_NE(one, nullptr);
  EXPECT_EQ(cache_->tee(36 * kKiB + 1, 36 * kKiB + 1, {}, loop_), nullptr);
  EXPECT_EQ(count(TeeEnd::no_room), 1U);
  EXPECT_NE(cache_->tee(36 * kKiB, 36 * kKiB, {}, loop_), nullptr);
  EXPECT_NE(cache_->tee(kMiB, kMiB, {}, loop_), nullptr) << "large ones have their own";
  one->drop();
  for (int i = 0; i < 3; ++i) {
    std::string bytes = pattern(64 * kKiB, 7);
    auto tee = fed(bytes, bytes.size());
    ASSERT_NE(tee, nullptr) << i << ": what is over gives its memory back";
    keep(tee, bytes.size(), bytes.size());
    world_->settle();
    EXPECT_TRUE(holds(bytes, bytes.size()));
  }
}

TEST_F(TeeTest, a_body_that_stops_takes_room_for_what_has_come) {
  open();
  auto tee = cache_->tee(30 * kMiB, 30 * kMiB, {}, loop_);
  EXPECT_TRUE(world_->run(feed(tee, pattern(1 * kMiB + 5), 100'000, ctx())));
  world_->settle();
  EXPECT_EQ(used(), kMiB);
  EXPECT_TRUE(world_->run(feed(tee, pattern(4 * kMiB), 100'000, ctx())));
  world_->settle();
  EXPECT_EQ(used(), 8 * kMiB) << "and as much again";
  tee.reset();
  EXPECT_EQ(used(), 0U);
}

class TeeAtTheEnd : public TeeTest, public testing::WithParamInterface<int> {};

TEST_P(TeeAtTheEnd, a_copy_under_way_leaves_nothing) {
  open();
  std::string bytes = pattern(3 * kMiB);
  auto tee = cache_->tee(bytes.size(), kMiB, {}, loop_);
  bool done = false;
  io::start<void>(loop_, feed(tee, bytes, 300'000, ctx()), [&](Result<>) { done = true; });
  for (int i = 0; i < GetParam() && !done; ++i) ASSERT_TRUE(world_->step());
  EXPECT_TRUE(world_->run(crews_.of(loop_).stop()));
  while (!done) ASSERT_TRUE(world_->step());
  keep(tee, bytes.size(), kMiB);
  tee.reset();
  EXPECT_TRUE(world_->run(crews_.of(loop_).stop()));
  EXPECT_TRUE(world_->run(store_->close(ctx())));
  cache_.reset();
  store_.reset();
  open();
  EXPECT_TRUE(units() == 0 || holds(bytes, kMiB));
  EXPECT_EQ(store_->stats().disks[0].files_removed, 0U) << "an orderly end leaves nothing";
  for (const UnitId& id : ids_of(bytes.size(), kMiB)) cache_->remove(id);
  EXPECT_EQ(used(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Steps, TeeAtTheEnd, testing::Range(0, 60, 3));

}  // namespace
}  // namespace forebay::unit
