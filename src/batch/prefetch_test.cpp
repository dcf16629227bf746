#include "batch/prefetch.h"

#include <algorithm>

#include "batch/world_test.h"

namespace forebay::batch {
namespace {

// Keeps what was to be kept, as a row would.
class Kept final : public Keeper {
 public:
  Task<> keep(Context) override {
    rows.push_back(encode(work->settled()));
    if (full) co_return fail(Code::unavailable, "the disk is full");
    co_return ok;
  }
  std::vector<std::string> rows;
  bool full = false;
  Prefetch* work = nullptr;
};

class PrefetchTest : public BatchTest {
 protected:
  explicit PrefetchTest(uint64_t capacity = 64 * kMiB) : BatchTest(capacity) {}
  Record record(const std::string& prefix = "") {
    Record out;
    out.id = "0123456789abcdef";
    out.bucket = "data";
    out.incarnation = (*buckets_.get("data"))->incarnation;
    out.prefix = prefix;
    return out;
  }
  Result<> prefetch(Record& record, CancelToken* cancel = nullptr) {
    kept_ = std::make_unique<Kept>();
    work_ = std::make_unique<Prefetch>(Prefetch::World{buckets_, objects_, held_, *kept_}, record);
    kept_->work = work_.get();
    Context context = ctx();
    if (cancel != nullptr) context = context.under(*cancel);
    Result<> end = run(work_->run(context));
    way_ = work_->way(loop_.now());
    work_.reset();
    EXPECT_EQ(held_.bytes + held_.units, 0U);
    return end;
  }
  /// The same in the background.
  void begin(Record& record, CancelToken& cancel) {
    kept_ = std::make_unique<Kept>();
    work_ = std::make_unique<Prefetch>(Prefetch::World{buckets_, objects_, held_, *kept_}, record);
    kept_->work = work_.get();
    io::start<void>(loop_, work_->run(ctx().under(cancel)),
                    [this](Result<> end) { ended_.emplace(std::move(end)); });
  }
  static std::string text(const Result<>& end) { return end ? "" : end.error().text(); }

  Held held_;
  Way way_;
  std::unique_ptr<Kept> kept_;
  std::unique_ptr<Prefetch> work_;
  std::optional<Result<>> ended_;
};

TEST_F(PrefetchTest, brings_each_byte_of_a_prefix_once) {
  fill("img/", 30, 100'000);
  fill("other/", 5, 1000);
  origin_->change("img", "before");
  origin_->change("img/empty", "");
  Record first = record("img/");
  Result<> end = prefetch(first);
  ASSERT_TRUE(end) << text(end);
  EXPECT_EQ(first.counts, (Counts{.objects = 31, .bytes = 3'000'000, .found = 1, .failed = 0}));
  EXPECT_EQ(bytes(), 3'000'000U);
  EXPECT_EQ(first.after, "img/empty");
  EXPECT_TRUE(way_.listed);
  EXPECT_EQ(way_.known_objects, 31U);
  EXPECT_EQ(way_.known_bytes, 3'000'000U);
  EXPECT_EQ(way_.bytes, 3'000'000U);
  for (uint64_t i = 0; i < 30; ++i) EXPECT_TRUE(here(numbered("img/", i))) << i;
  Record second = record();
  ASSERT_TRUE(prefetch(second));
  EXPECT_EQ(second.counts, (Counts{.objects = 37, .bytes = 3'005'006, .found = 31, .failed = 0}));
  EXPECT_EQ(bytes(), 3'005'006U) << "what is here is not fetched again";
}

TEST_F(PrefetchTest, small_ones_that_are_here_are_asked_about_and_not_fetched) {
  make("checked", {.freshness = *object::Freshness::parse("exact")});
  fill("k", 500, 100);
  Record asked = record();
  asked.bucket = "checked";
  asked.incarnation = (*buckets_.get("checked"))->incarnation;
  Record again = asked;
  ASSERT_TRUE(prefetch(asked));
  EXPECT_EQ(bytes(), 50'000U);
  EXPECT_LT(checks(), 100U) << "most heads came with their bytes";
  ASSERT_TRUE(prefetch(again));
  EXPECT_EQ(again.counts.found, 500U);
  EXPECT_LE(bytes(), 50'000U + Prefetch::kMostObjects * 100);
}

TEST_F(PrefetchTest, nothing_and_one_key) {
  Record none = record();
  ASSERT_TRUE(prefetch(none));
  EXPECT_EQ(none.counts, Counts{});
  EXPECT_TRUE(way_.listed);
  origin_->change("a/b", "x");
  origin_->change("a/c", "y");
  Record without = record("b");
  ASSERT_TRUE(prefetch(without));
  EXPECT_EQ(without.counts, Counts{});
  Record one = record("a/b");
  ASSERT_TRUE(prefetch(one));
  EXPECT_EQ(one.counts.objects, 1U);
  EXPECT_EQ(bytes(), 1U);
}

TEST_F(PrefetchTest, large_objects_come_in_units_several_at_once) {
  make("split", {.unit_max = kMiB});
  make("runs", {.fill = object::Filling::adaptive});
  std::string large = object::pattern(9 * kMiB + 5);
  origin_->change("large", large);
  for (const char* bucket : {"split", "runs"}) {
    origin_->reset_counts();
    Record asked = record();
    asked.bucket = bucket;
    asked.incarnation = (*buckets_.get(bucket))->incarnation;
    ASSERT_TRUE(prefetch(asked));
    EXPECT_EQ(asked.counts.bytes, large.size());
    EXPECT_EQ(bytes(), large.size());
    object::ReadRequest request{.bucket = *buckets_.get(bucket), .key = *ObjectKey::parse("large")};
    auto answer = run(objects_.read(std::move(request), ctx()));
    ASSERT_TRUE(answer);
    EXPECT_TRUE(run(io::read_all(std::move(answer->body), 1 << 30, ctx())).value() == large);
    EXPECT_EQ(bytes(), large.size()) << bucket;
  }
}

TEST_F(PrefetchTest, the_list_does_not_run_ahead_of_the_work) {
  fill("k", 2500, 10);
  origin_->set_hook(&gate_);
  Record asked = record();
  CancelToken cancel;
  begin(asked, cancel);
  wait(seconds(5));
  EXPECT_EQ(lists(), 1U);
  EXPECT_EQ(gate_.inside, unit::Options{}.ahead_streams);
  EXPECT_EQ(checks(), Prefetch::kMostObjects);
  EXPECT_EQ(work_->way(loop_.now()).known_objects, 1000U);
  EXPECT_FALSE(work_->way(loop_.now()).listed);
  gate_.go.set();
  world_->settle();
  ASSERT_TRUE(ended_ && *ended_);
  EXPECT_EQ(lists(), 3U);
  EXPECT_EQ(asked.counts.objects, 2500U);
  EXPECT_LE(gate_.most, Prefetch::kMostObjects);
  EXPECT_EQ(bytes(), 25'000U);
}

TEST_F(PrefetchTest, goes_on_where_a_row_says) {
  fill("k", 1200, 10);
  Record all = record();
  all.after = numbered("k", 699);
  all.counts = {.objects = 700, .bytes = 7000, .found = 3, .failed = 0};
  ASSERT_TRUE(prefetch(all));
  EXPECT_EQ(all.counts, (Counts{.objects = 1200, .bytes = 12'000, .found = 3, .failed = 0}));
  EXPECT_EQ(bytes(), 5000U);
  EXPECT_EQ(way_.known_objects, 1200U);
}

TEST_F(PrefetchTest, every_row_it_leaves_is_one_to_go_on_from) {
  fill("k", 400, 2000);
  origin_->options().delay = milliseconds(300);
  Record all = record();
  ASSERT_TRUE(prefetch(all));
  std::vector<std::string> rows = kept_->rows;
  ASSERT_GT(rows.size(), 3U) << "about one a second";
  for (const std::string& row : rows) {
    Record again = parse_record(all.id, row).value();
    EXPECT_LT(again.counts.objects, 400U);
    ASSERT_TRUE(prefetch(again));
    EXPECT_EQ(again.counts.objects, 400U);
    EXPECT_EQ(again.counts.bytes, 800'000U);
    EXPECT_EQ(again.after, all.after);
  }
}

TEST_F(PrefetchTest, a_row_is_behind_what_the_disk_may_forget) {
  fill("k", 400, 2000);
  origin_->options().delay = milliseconds(300);
  Record asked = record();
  CancelToken cancel;
  begin(asked, cancel);
  std::vector<std::pair<Time, uint64_t>> seen;  // how many were done when
  size_t rows = 0;
  while (!ended_ && world_->step()) {
    seen.emplace_back(loop_.now(), asked.counts.objects);
    if (kept_->rows.size() == rows) continue;
    uint64_t kept = parse_record(asked.id, kept_->rows[rows++]).value().counts.objects;
    auto then = std::ranges::find_if(seen, [&](const auto& one) { return one.second >= kept; });
    ASSERT_NE(then, seen.end());
    EXPECT_TRUE(kept == 0 || loop_.now() - then->first >= Prefetch::kSaved);
  }
  EXPECT_GT(rows, 3U);
}

TEST_F(PrefetchTest, a_row_that_cannot_be_kept_ends_it) {
  fill("k", 400, 10);
  origin_->options().delay = milliseconds(300);
  Record asked = record();
  CancelToken cancel;
  begin(asked, cancel);
  kept_->full = true;
  world_->settle();
  ASSERT_TRUE(ended_ && !*ended_);
  EXPECT_NE(text(*ended_).find("the disk is full"), std::string::npos);
}

TEST_F(PrefetchTest, what_fails_is_counted_and_named) {
  fill("k", 20, 100'000);
  origin_->options().strong = true;
  origin_->change("k000003x", std::string(100, 'x'));
  origin_->fail_next("head", fail(Code::denied, "not yours", "AccessDenied"));
  Record asked = record();
  ASSERT_TRUE(prefetch(asked));
  EXPECT_EQ(asked.counts.objects, 20U);
  EXPECT_EQ(asked.counts.failed, 1U);
  ASSERT_EQ(asked.failures.size(), 1U);
  EXPECT_EQ(asked.failures[0].reason, "not yours");
  EXPECT_EQ(way_.known_objects, 21U);
}

TEST_F(PrefetchTest, what_may_be_had_later_is_asked_for_again) {
  fill("k", 3, 100'000);
  for (int i = 0; i < 3; ++i) origin_->fail_next("head", fail(Code::busy, "slow", "SlowDown"));
  Record asked = record();
  ASSERT_TRUE(prefetch(asked));
  EXPECT_EQ(asked.counts.objects, 3U);
  EXPECT_EQ(asked.counts.failed, 0U);
}

TEST_F(PrefetchTest, what_is_gone_since_it_was_listed_is_no_failure) {
  fill("k", 40, 100'000);
  origin_->set_hook(&gate_);
  Record asked = record();
  CancelToken cancel;
  begin(asked, cancel);
  wait(seconds(1));
  for (int i = 20; i < 40; ++i) origin_->drop(numbered("k", i));
  gate_.go.set();
  world_->settle();
  ASSERT_TRUE(ended_ && *ended_);
  EXPECT_EQ(asked.counts, (Counts{.objects = 20, .bytes = 2'000'000, .found = 0, .failed = 0}));
  EXPECT_EQ(work_->way(loop_.now()).known_objects, 20U);
  EXPECT_EQ(work_->way(loop_.now()).known_bytes, 2'000'000U);
}

TEST_F(PrefetchTest, what_cannot_be_kept_fails) {
  origin_->options().strong = false;
  fill("k", 3, 100);
  Record asked = record();
  ASSERT_TRUE(prefetch(asked));
  EXPECT_EQ(asked.counts.failed, 3U);
  EXPECT_NE(asked.failures.at(0).reason.find("no strong tag"), std::string::npos);
}

TEST_F(PrefetchTest, an_origin_that_is_gone_ends_it) {
  fill("k", 500, 100'000);
  for (int i = 0; i < 1000; ++i) {
    origin_->fail_next("head", fail(Code::denied, "not yours", "AccessDenied"));
  }
  Record asked = record();
  Result<> end = prefetch(asked);
  ASSERT_FALSE(end);
  EXPECT_NE(text(end).find("100 objects in a row"), std::string::npos) << text(end);
  EXPECT_EQ(asked.counts.failed, Prefetch::kMostFailed);
  EXPECT_EQ(asked.failures.size(), Record::kMostFailures);
  EXPECT_LE(origin_->counts("head").requests, Prefetch::kMostFailed + Prefetch::kWindow);
}

TEST_F(PrefetchTest, the_bucket_is_removed_meanwhile) {
  fill("k", 100, 100'000);
  origin_->set_hook(&gate_);
  Record asked = record();
  CancelToken cancel;
  begin(asked, cancel);
  wait(seconds(1));
  BucketName name = *BucketName::parse("data");
  ASSERT_TRUE(run(buckets_.remove(name, object::Removal::forget, ctx())));
  make("data");
  gate_.go.set();
  world_->settle();
  ASSERT_TRUE(ended_ && !*ended_);
  EXPECT_EQ(ended_->error().detail(), "NoSuchBucket");
  EXPECT_LE(asked.counts.objects, Prefetch::kMostObjects) << "one of its name is another";
}

TEST_F(PrefetchTest, a_cancel_leaves_what_is_done) {
  fill("k", 100, 100'000);
  origin_->options().delay = milliseconds(200);
  Record asked = record();
  CancelToken cancel;
  begin(asked, cancel);
  while (asked.counts.objects < 20) ASSERT_TRUE(world_->step());
  cancel.cancel();
  world_->settle();
  ASSERT_TRUE(ended_ && !*ended_);
  EXPECT_EQ(ended_->error().code(), Code::cancelled);
  EXPECT_LT(asked.counts.objects, 100U);
  EXPECT_EQ(asked.counts.failed, 0U);
  EXPECT_EQ(asked.after, numbered("k", asked.counts.objects - 1));
  for (uint64_t i = 0; i < asked.counts.objects; ++i) EXPECT_TRUE(here(numbered("k", i))) << i;
}

TEST_F(PrefetchTest, a_list_that_does_not_go_on_ends_it) {
  for (int i = 0; i < 5; ++i) origin_->fail_next("list", fail(Code::unavailable, "no answer"));
  Record asked = record();
  Result<> end = prefetch(asked);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code(), Code::unavailable);
  EXPECT_EQ(lists(), static_cast<uint64_t>(Prefetch::kTries));
}

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
  FullTest() : PrefetchTest(32 * kMiB) {}
  uint64_t evictions() { return store_->stats().disks[0].evictions; }
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
