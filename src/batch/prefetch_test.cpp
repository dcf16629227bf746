#include "batch/prefetch_test.h"

#include <algorithm>

namespace forebay::batch {
namespace {

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
    EXPECT_EQ(again.taken.units, all.taken.units);
    EXPECT_EQ(again.taken.bytes, all.taken.bytes);
    EXPECT_NEAR(static_cast<double>(again.taken.spread), static_cast<double>(all.taken.spread), 2);
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

}  // namespace
}  // namespace forebay::batch
