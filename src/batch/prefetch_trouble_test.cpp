// What goes wrong under a job: objects that fail, lists that do not come, keys that are none, and
// what its numbers say meanwhile.
#include "batch/prefetch_test.h"

namespace forebay::batch {
namespace {

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

TEST_F(PrefetchTest, a_list_that_may_be_had_later_is_waited_for) {
  fill("k", 1001, 10);
  Record asked = record();
  CancelToken cancel;
  for (int i = 0; i < 7; ++i) origin_->fail_next("list", fail(Code::unavailable, "away \xff"));
  begin(asked, cancel);
  wait(seconds(40));
  EXPECT_FALSE(ended_);
  EXPECT_EQ(lists(), 6U) << "after 0, 1, 3, 7, 15 and 31 seconds";
  EXPECT_NE(work_->way(loop_.now()).trouble, "");
  EXPECT_TRUE(is_utf8(work_->way(loop_.now()).trouble));
  wait(seconds(140));
  ASSERT_TRUE(ended_ && *ended_);
  EXPECT_EQ(asked.counts.objects, 1001U);
  EXPECT_EQ(work_->way(loop_.now()).trouble, "");
}

TEST_F(PrefetchTest, what_is_under_way_goes_on_while_a_list_is_waited_for) {
  fill("k", 1001, 10);
  origin_->set_hook(&gate_);
  Record asked = record();
  CancelToken cancel;
  begin(asked, cancel);
  wait(seconds(1));
  for (int i = 0; i < 5; ++i) origin_->fail_next("list", fail(Code::busy, "slow", "SlowDown"));
  gate_.go.set();
  wait(seconds(20));
  EXPECT_FALSE(ended_);
  EXPECT_NE(work_->way(loop_.now()).trouble.find("slow"), std::string::npos);
  EXPECT_EQ(asked.counts.objects, 1000U) << "all of the page before";
  EXPECT_EQ(parse_record(asked.id, kept_->rows.back())->after, asked.after) << "and kept";
  cancel.cancel();
  wait(milliseconds(10));
  ASSERT_TRUE(ended_ && !*ended_);
  EXPECT_EQ(ended_->error().code(), Code::cancelled);
}

TEST_F(PrefetchTest, a_list_is_not_waited_for_without_end_nor_without_hope) {
  for (int i = 0; i < 1000; ++i) origin_->fail_next("list", fail(Code::unavailable, "no answer"));
  Record asked = record();
  Time before = loop_.now();
  CancelToken cancel;
  begin(asked, cancel);
  while (!ended_) ASSERT_TRUE(world_->step());
  ASSERT_FALSE(*ended_);
  EXPECT_EQ(ended_->error().code(), Code::unavailable);
  EXPECT_LE(loop_.now() - before, Prefetch::kPatience);
  EXPECT_GT(loop_.now() - before, Prefetch::kPatience - Prefetch::kLongestPause);
  EXPECT_LE(lists(), 70U);
}

TEST_F(PrefetchTest, a_list_that_is_refused_ends_it) {
  origin_->fail_next("list", fail(Code::denied, "not yours", "AccessDenied"));
  Record asked = record();
  Result<> end = prefetch(asked);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code(), Code::denied);
  EXPECT_EQ(lists(), 1U);
}

TEST_F(PrefetchTest, keys_that_are_none_fail_and_nothing_else_does) {
  const std::string longest(ObjectKey::kMaxBytes, 'a'), longer(ObjectKey::kMaxBytes + 1, 'a');
  for (const std::string& key : {longest, longer, std::string("b\xff")}) {
    origin_->change(key, "x");
  }
  for (int i = 0; i < 1500; ++i) origin_->change(numbered("c\xff", static_cast<uint64_t>(i)), "x");
  fill("d", 300, 2000);
  origin_->change("e\xff", "x");
  origin_->options().delay = milliseconds(300);
  Record all = record();
  ASSERT_TRUE(prefetch(all));
  EXPECT_EQ(all.counts.objects, 301U);
  EXPECT_EQ(all.counts.failed, 1503U);
  EXPECT_EQ(all.after, numbered("d", 299));
  ASSERT_EQ(all.failures.size(), Record::kMostFailures);
  EXPECT_TRUE(all.failures[0].key.starts_with("aaaa"));
  EXPECT_NE(all.failures[0].reason.find("too long"), std::string::npos);
  EXPECT_EQ(all.failures[1].key, "b%FF");
  EXPECT_NE(all.failures[1].reason.find("UTF-8"), std::string::npos);
  EXPECT_EQ(way_.known_objects, 1804U);
  EXPECT_EQ(parse_record(all.id, encode(all)).value(), all);
  std::vector<std::string> rows = kept_->rows;
  ASSERT_GT(rows.size(), 2U);
  for (const std::string& row : rows) {
    auto again = parse_record(all.id, row);
    ASSERT_TRUE(again) << again.error().text();
    ASSERT_TRUE(prefetch(*again));
    EXPECT_EQ(again->counts.objects, all.counts.objects);
    EXPECT_EQ(again->counts.failed, all.counts.failed) << "none is counted twice";
  }
}

// Fails the first GETs of a part of an object, a while after they came.
class Breaks final : public testkit::MemoryHook {
 public:
  Task<> at(testkit::MemoryStep step, testkit::MemoryRequest request, Context ctx) override {
    bool far = request.range && request.range->offset >= 4 * kMiB;
    bool mine = request.operation == "get" && step == testkit::MemoryStep::arrive && far;
    if (!mine || times == 0) co_return ok;
    --times;
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(2500), ctx);
    co_return fail(Code::unavailable, "it breaks off");
  }
  int times = 12;  // the last of the cache's own tries too
};

TEST_F(PrefetchTest, what_begins_again_makes_no_number_fall) {
  make("split", {.freshness = *object::Freshness::parse("exact"), .unit_max = kMiB});
  origin_->change("a", object::pattern(8 * kMiB));
  origin_->change("b", "b");
  origin_->options().delay = milliseconds(400);  // a look at it is longer than one at its numbers
  Breaks breaks;
  origin_->set_hook(&breaks);
  Record asked = record();
  asked.bucket = "split";
  asked.incarnation = (*buckets_.get("split"))->incarnation;
  CancelToken cancel;
  begin(asked, cancel);
  uint64_t bytes = 0;
  for (int i = 0; i < 1000 && !ended_; ++i) {
    wait(milliseconds(20));
    Way way = work_->way(loop_.now());
    EXPECT_GE(way.bytes, bytes);
    EXPECT_LE(way.per_second, 100 * kMiB);
    EXPECT_TRUE(way.bytes == 0 || way.per_second > 0) << i;
    bytes = way.bytes;
  }
  origin_->set_hook(nullptr);
  EXPECT_EQ(breaks.times, 0);
  ASSERT_TRUE(ended_ && *ended_);
  EXPECT_EQ(bytes, 8 * kMiB + 1);
  EXPECT_EQ(asked.counts.objects, 2U);
  EXPECT_EQ(asked.counts.found, 0U) << "not what an earlier try has fetched";
}

TEST(TimeLeft, is_told_up_to_some_years) {
  auto most = static_cast<uint64_t>(kLongestLeft.ns / 1'000'000'000);
  EXPECT_EQ(time_left(10, 4), milliseconds(2500));
  EXPECT_EQ(time_left(0, 1), Duration{});
  EXPECT_EQ(time_left(most, 1), kLongestLeft);
  EXPECT_EQ(time_left(most + 1, 1), std::nullopt);
  EXPECT_EQ(time_left(UINT64_MAX, 1), std::nullopt);
}

}  // namespace
}  // namespace forebay::batch
