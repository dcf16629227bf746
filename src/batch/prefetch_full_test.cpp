// How much a job brings: what is under way at once, and where it stops so that nothing that it has
// brought is pushed out.
#include "batch/prefetch_test.h"

namespace forebay::batch {
namespace {

class LargeTest : public PrefetchTest {
 protected:
  LargeTest() : PrefetchTest(1024 * kMiB) {}
};

TEST_F(LargeTest, so_many_bytes_are_under_way_and_no_more) {
  uint64_t half = Prefetch::kMostBytes / 2;
  origin_->change("a", std::string(half, 'a'));
  origin_->change("b", std::string(half, 'b'));
  origin_->change("c", std::string(100'000, 'c'));
  origin_->set_hook(&gate_);
  Record asked = record();
  CancelToken cancel;
  begin(asked, cancel);
  wait(seconds(1));
  EXPECT_EQ(checks(), 2U) << "two are as many as may be, and nobody has asked for the third";
  EXPECT_EQ(gate_.inside, 2U);
  cancel.cancel();
  world_->settle();
  EXPECT_TRUE(ended_);
}

// What is in the way of a full cache.
class FullTest : public PrefetchTest {
 protected:
  explicit FullTest(size_t disks = 1) : PrefetchTest(32 * kMiB, disks) {}
  uint64_t evictions() {
    uint64_t all = 0;
    for (const disk::DiskStats& disk : store_->stats().disks) all += disk.evictions;
    return all;
  }
  /// Evicts as the duty does, for as long as the work goes on.
  void evict() {
    while (!ended_) {
      EXPECT_TRUE(run(store_->evict(ctx())));
      wait(milliseconds(20));
    }
  }
};

TEST_F(FullTest, stops_before_it_pushes_out_what_it_has_brought) {
  fill("k", 100, kMiB);
  Record asked = record();
  CancelToken cancel;
  begin(asked, cancel);
  evict();
  ASSERT_FALSE(*ended_);
  EXPECT_EQ(ended_->error().detail(), "CacheFull");
  EXPECT_NE(text(*ended_).find("a larger cache-size"), std::string::npos);
  EXPECT_GE(asked.counts.objects, 16U);
  EXPECT_LT(asked.counts.objects, 32U);
  EXPECT_EQ(bytes(), asked.counts.bytes);
  EXPECT_EQ(evictions(), 0U);
  for (uint64_t i = 0; i < asked.counts.objects; ++i) EXPECT_TRUE(here(numbered("k", i))) << i;
}

TEST_F(FullTest, what_was_there_before_makes_room) {
  fill("old", 24, kMiB);
  Record before = record("old");
  CancelToken cancel;
  begin(before, cancel);
  evict();
  ended_.reset();
  fill("new", 20, kMiB);
  Record asked = record("new");
  begin(asked, cancel);
  evict();
  ASSERT_TRUE(*ended_) << text(*ended_);
  EXPECT_EQ(asked.counts.objects, 20U);
  EXPECT_GT(evictions(), 0U);
  for (uint64_t i = 0; i < 20; ++i) EXPECT_TRUE(here(numbered("new", i))) << i;
}

TEST_F(FullTest, one_that_never_fits_fails_alone) {
  origin_->change("a", std::string(40 * kMiB, 'x'));
  origin_->change("b", "small");
  Record asked = record();
  ASSERT_TRUE(prefetch(asked));
  EXPECT_EQ(asked.counts.objects, 1U);
  ASSERT_EQ(asked.failures.size(), 1U);
  EXPECT_EQ(asked.failures[0].key, "a");
  EXPECT_NE(asked.failures[0].reason.find("larger than the cache"), std::string::npos);
  EXPECT_EQ(bytes(), 5U);
}

class SpreadTest : public FullTest {
 protected:
  SpreadTest() : FullTest(4) {}
};

TEST_F(SpreadTest, on_several_disks_nothing_is_pushed_out_either) {
  fill("k", 400, kMiB / 2);
  Record asked = record();
  for (int run = 0; run < 3; ++run) {
    ended_.reset();
    CancelToken cancel;
    begin(asked, cancel);
    // Also when it is stopped meanwhile, and what is known of it is its row.
    if (run < 2) {
      wait(milliseconds(run == 0 ? 50 : 100));
      cancel.cancel();
    }
    evict();
    work_.reset();
    asked = parse_record(asked.id, encode(asked)).value();
    asked.taken.spread += 1;
  }
  ASSERT_FALSE(*ended_);
  EXPECT_EQ(ended_->error().detail(), "CacheFull");
  EXPECT_GE(asked.counts.objects, 80U) << "a good part of it is used, though";
  EXPECT_EQ(evictions(), 0U);
  for (uint64_t i = 0; i < asked.counts.objects; ++i) EXPECT_TRUE(here(numbered("k", i))) << i;
}

TEST_F(SpreadTest, how_much_must_stay_free_depends_on_the_units) {
  disk::Room room = objects_.room();
  EXPECT_EQ(room.bytes, 4 * room.least);
  EXPECT_EQ(room.odds, 3);
  // One that fits the fullest disk has room wherever it comes to lie; one that fits none has not.
  origin_->change("a", std::string(room.least - 64 * kMiB / 1024, 'a'));
  Record asked = record("a");
  ASSERT_TRUE(prefetch(asked));
  EXPECT_EQ(asked.counts.objects, 1U);
  origin_->change("b", std::string(room.least + kMiB, 'b'));
  Record larger = record("b");
  ASSERT_TRUE(prefetch(larger));
  EXPECT_EQ(larger.counts.failed, 1U);
  // A small unit beside one that nearly fills a disk may come to lie on that disk.
  asked.after = "a";
  fill("c", 1, kMiB);
  asked.prefix = "";
  origin_->drop("b");
  Result<> end = prefetch(asked);
  ASSERT_FALSE(end) << "what an earlier run has brought counts";
  EXPECT_EQ(end.error().detail(), "CacheFull");
}

TEST_F(FullTest, what_others_hold_counts_too) {
  fill("k", 4, kMiB);
  held_ = {.bytes = objects_.room().bytes - 2 * kMiB, .units = 5};
  Record asked = record();
  kept_ = std::make_unique<Kept>();
  Prefetch work({buckets_, objects_, held_, *kept_}, asked);
  kept_->work = &work;
  Result<> end = run(work.run(ctx()));
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().detail(), "CacheFull");
  EXPECT_EQ(asked.counts.objects, 1U) << "and what it takes beside its bytes";
}

}  // namespace
}  // namespace forebay::batch
