#include "batch/jobs_test.h"

#include <algorithm>

namespace forebay::batch {
namespace {

TEST_F(JobsTest, an_order_is_kept_carried_out_and_told_of) {
  fill("k", 10, 1000);
  open(false);
  std::string id = order("k");
  EXPECT_TRUE(is_id(id));
  EXPECT_EQ(state(id), State::waiting);
  EXPECT_EQ(rows(), 1U);
  close();
  open();
  world_->settle();
  EXPECT_EQ(state(id), State::done);
  EXPECT_EQ(shown(id).record.counts.objects, 10U);
  EXPECT_EQ(shown(id).way.known_objects, 10U);
  EXPECT_TRUE(shown(id).way.listed);
  EXPECT_TRUE(shown(id).record.started && shown(id).record.ended);
  close();
  open();
  EXPECT_EQ(state(id), State::done) << "also of one that came before the process";
  EXPECT_EQ(jobs_->list(loop_).size(), 1U);
  world_->settle();
  EXPECT_EQ(bytes(), 10'000U) << "and it is not done again";
}

TEST_F(JobsTest, from_every_row_another_process_goes_on_to_the_same_end) {
  fill("k", 300, 1000);
  origin_->options().delay = milliseconds(300);
  open();
  std::string id = order("");
  world_->settle();
  ASSERT_EQ(state(id), State::done);
  close();
  auto moments = watched_.moments;
  ASSERT_GT(moments.size(), 4U);
  for (const auto& moment : moments) {
    meta::MemoryStore rows;
    meta::Txn txn;
    for (const auto& [key, value] : moment) txn.put(key, value);
    ASSERT_TRUE(run(rows.commit(std::move(txn), ctx())));
    std::unique_ptr<Jobs> other = make_jobs(rows);
    ASSERT_TRUE(run(other->load(ctx())));
    job::Runner runner(loop_, obs::Log::none(), metrics_);
    ASSERT_TRUE(other->start(runner));
    world_->settle();
    Shown end = other->get(id, loop_).value();
    EXPECT_EQ(end.record.state, State::done);
    EXPECT_EQ(end.record.counts.objects, 300U);
    EXPECT_EQ(end.record.counts.bytes, 300'000U);
    EXPECT_EQ(end.record.counts.failed, 0U);
    ASSERT_TRUE(run(other->stop(ctx())));
    ASSERT_TRUE(run(runner.stop(ctx())));
  }
}

TEST_F(JobsTest, one_that_is_stopped_goes_on_where_it_was) {
  std::string id = stop_on_its_way();
  uint64_t heads = origin_->counts("head").requests + origin_->counts("get").requests;
  open();
  EXPECT_GE(shown(id).record.counts.objects, 100U);
  EXPECT_EQ(state(id), State::waiting);
  world_->settle();
  EXPECT_EQ(state(id), State::done);
  EXPECT_EQ(shown(id).record.counts.objects, 300U);
  uint64_t since = origin_->counts("head").requests + origin_->counts("get").requests - heads;
  EXPECT_LE(since, 2 * 200U) << "what it had done was not looked at again";
}

TEST_F(JobsTest, one_that_is_just_beginning_is_stopped_too) {
  fill("k", 300, 1000);
  origin_->options().delay = milliseconds(300);
  open();
  std::string id = order("");
  while (state(id) != State::running) ASSERT_TRUE(world_->step());
  close();
  open(false);
  EXPECT_EQ(state(id), State::waiting);
  EXPECT_EQ(shown(id).record.counts, Counts{});
}

TEST_F(JobsTest, so_many_run_and_so_many_wait) {
  size_t all = Jobs::kMostRunning + Jobs::kMostWaiting;
  for (size_t i = 0; i <= all; ++i) fill(numbered("p", i) + "/", 1, 10);
  origin_->set_hook(&gate_);
  open();
  std::vector<std::string> ids;
  for (size_t i = 0; i < all; ++i) {
    ids.push_back(order(numbered("p", i) + "/"));
    if (i < Jobs::kMostRunning) wait(milliseconds(100));
  }
  auto count = [&](State state) {
    auto list = jobs_->list(loop_);
    return std::ranges::count(list, state, [](const Shown& one) { return one.record.state; });
  };
  EXPECT_EQ(count(State::running), static_cast<int64_t>(Jobs::kMostRunning));
  EXPECT_EQ(count(State::waiting), static_cast<int64_t>(Jobs::kMostWaiting));
  EXPECT_EQ(state(ids[0]), State::running) << "the first ones first";
  auto refused = run(jobs_->prefetch("data", numbered("p", all) + "/", ctx()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::busy);
  EXPECT_EQ(refused.error().detail(), "TooManyJobs");
  EXPECT_EQ(rows(), all);
  EXPECT_TRUE(run(jobs_->cancel(ids.back(), ctx())));
  EXPECT_TRUE(run(jobs_->prefetch("data", numbered("p", all) + "/", ctx())));
  gate_.go.set();
  world_->settle();
  EXPECT_EQ(count(State::done) + count(State::cancelled), static_cast<int64_t>(Jobs::kMostEnded));
  EXPECT_EQ(rows(), Jobs::kMostEnded) << "older ones are forgotten";
  EXPECT_EQ(jobs_->get(ids[0], loop_).error().detail(), "NoSuchJob");
}

TEST_F(JobsTest, a_cancel_stays) {
  fill("k", 300, 1000);
  origin_->options().delay = milliseconds(300);
  open();
  std::string id = order("");
  while (shown(id).record.counts.objects < 50) ASSERT_TRUE(world_->step());
  auto told = run(jobs_->cancel(id, ctx()));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->record.state, State::cancelled);
  world_->settle();
  EXPECT_EQ(state(id), State::cancelled);
  EXPECT_LT(shown(id).record.counts.objects, 300U);
  EXPECT_EQ(run(jobs_->cancel(id, ctx())).error().detail(), "JobEnded");
  EXPECT_EQ(run(jobs_->cancel("0123456789abcdef", ctx())).error().detail(), "NoSuchJob");
  uint64_t before = bytes();
  close();
  open();
  world_->settle();
  EXPECT_EQ(state(id), State::cancelled);
  EXPECT_EQ(bytes(), before);
}

TEST_F(JobsTest, what_cannot_be_ordered_leaves_nothing) {
  open(false);
  auto code = [&](const std::string& bucket, const std::string& prefix) {
    auto made = run(jobs_->prefetch(bucket, prefix, ctx()));
    return made ? "" : made.error().detail();
  };
  EXPECT_EQ(code("none", ""), "NoSuchBucket");
  EXPECT_EQ(code("data", std::string(1025, 'p')), "KeyTooLongError");
  EXPECT_EQ(code("data", "\xff"), "InvalidArgument");
  object::BucketSpec native;
  native.config.url = object::kNative;
  make("native", native);
  EXPECT_EQ(code("native", ""), "NativeBucket");
  watched_.fails = 1;
  watched_.code = Code::busy;
  EXPECT_FALSE(run(jobs_->prefetch("data", "", ctx())));
  EXPECT_TRUE(jobs_->list(loop_).empty());
  EXPECT_EQ(rows(), 0U);
  EXPECT_NE(order(""), "");
  EXPECT_EQ(code("data", ""), "JobExists");
  EXPECT_EQ(code("data", "p"), "");
}

TEST_F(JobsTest, a_bucket_that_is_removed_ends_its_job) {
  fill("k", 10, 10);
  open(false);
  std::string id = order("");
  ASSERT_TRUE(run(buckets_.remove(*BucketName::parse("data"), object::Removal::forget, ctx())));
  make("data");
  close();
  open();
  world_->settle();
  EXPECT_EQ(state(id), State::failed);
  EXPECT_NE(shown(id).record.error.find("the bucket was removed"), std::string::npos);
  EXPECT_EQ(bytes(), 0U);
}

TEST_F(JobsTest, an_origin_that_is_away_at_the_start_is_waited_for) {
  std::string id = stop_on_its_way();
  for (int i = 0; i < 6; ++i) origin_->fail_next("list", fail(Code::unavailable, "no answer"));
  open();
  wait(seconds(30));
  EXPECT_EQ(state(id), State::running);
  EXPECT_NE(shown(id).way.trouble.find("no answer"), std::string::npos);
  close();
  open();
  world_->settle();
  EXPECT_EQ(state(id), State::done);
  EXPECT_EQ(shown(id).record.counts.objects, 300U);
  EXPECT_EQ(shown(id).way.trouble, "");
}

}  // namespace
}  // namespace forebay::batch
