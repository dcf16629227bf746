#include "origin/s3/pace.h"

#include <deque>

#include "io/sync.h"
#include "origin/s3/request.h"
#include "origin/s3/script_test.h"

namespace forebay::origin {
namespace {

constexpr uint32_t kMost = Pace::kMost;

class PaceTest : public testing::Test {
 protected:
  Context ctx() { return {.loop = &world_->loop()}; }
  Time now() { return world_->loop().now(); }
  void pass(Duration time) { (void)world_->run(io::sleep_until(now() + time, ctx())); }
  /// How many come in without a wait, `most` of them; they are held.
  size_t enter(size_t most) {
    for (size_t i = 0; i < most; ++i) {
      auto place = pace_.try_enter();
      if (!place) return i;
      held_.push_back(std::move(*place));
    }
    return most;
  }
  /// Rounds of good answers, each of all that may be asked at once, and each so long.
  void good_rounds(int rounds, Duration time = Pace::kGrowth) {
    for (int i = 0; i < rounds; ++i) {
      pass(time);
      enter(kMost);
      for (Pace::Place& place : held_) pace_.good(place, now());
      held_.clear();
    }
  }

  std::unique_ptr<io::Simulation> world_ = io::Simulation::make({.seed = 3});
  Pace pace_;
  std::deque<Pace::Place> held_;
};

TEST_F(PaceTest, lets_in_as_many_as_there_are_connections) {
  EXPECT_EQ(enter(kMost + 1), kMost);
  held_.pop_front();
  EXPECT_EQ(enter(2), 1U);
}

TEST_F(PaceTest, halves_what_was_under_way_once_for_all_who_were) {
  ASSERT_EQ(enter(40), 40U);
  for (const Pace::Place& place : held_) pace_.slowed(place, now());
  EXPECT_EQ(pace_.limit(), 20U);
  EXPECT_EQ(enter(1), 0U) << "more than the limit are under way";
  while (held_.size() > 20) held_.pop_front();
  EXPECT_EQ(enter(1), 0U);
  held_.pop_front();
  EXPECT_EQ(enter(2), 1U);
  pace_.slowed(held_.back(), now());
  EXPECT_EQ(pace_.limit(), 10U) << "one that began since";
  for (int i = 0; i < 10; ++i) {
    held_.clear();
    ASSERT_GE(enter(1), 1U);
    pace_.slowed(held_.back(), now());
  }
  EXPECT_EQ(pace_.limit(), Pace::kLeast);
  held_.clear();
  EXPECT_EQ(enter(2), 1U) << "one is always let in";
}

TEST_F(PaceTest, who_is_beside_the_line_is_counted_and_keeps_nobody_out) {
  std::deque<Pace::Place> streams;
  for (int i = 0; i < 300; ++i) streams.push_back(pace_.beside());
  EXPECT_EQ(enter(kMost + 1), kMost);
  held_.clear();
  while (streams.size() > 64) streams.pop_back();
  for (const Pace::Place& place : streams) pace_.slowed(place, now());
  EXPECT_EQ(pace_.limit(), 32U) << "once for all that were";
  EXPECT_EQ(enter(kMost), 32U);
  streams.clear();
  held_.clear();
  EXPECT_EQ(enter(kMost), 32U);
}

TEST_F(PaceTest, grows_with_each_round_that_uses_it) {
  ASSERT_EQ(enter(8), 8U);
  Pace::Place before = std::move(held_.back());
  pace_.slowed(before, now());
  held_.clear();
  EXPECT_EQ(pace_.limit(), 4U);
  pass(Pace::kGrowth);
  for (int i = 0; i < 100; ++i) pace_.good(before, now());
  EXPECT_EQ(pace_.limit(), 4U) << "it began before";
  before = {};
  good_rounds(1);
  EXPECT_EQ(pace_.limit(), 5U);
  good_rounds(100, milliseconds(2));
  EXPECT_EQ(pace_.limit(), 5U) << "too soon";
  good_rounds(5);
  EXPECT_EQ(pace_.limit(), 10U);
  for (int i = 0; i < 100; ++i) {
    pass(Pace::kGrowth);
    ASSERT_EQ(enter(1), 1U);
    pace_.good(held_.back(), now());
    held_.clear();
  }
  EXPECT_EQ(pace_.limit(), 10U) << "nobody comes near it";
  good_rounds(7);
  EXPECT_EQ(pace_.limit(), 18U) << "an eighth at a time, where that is more than one";
  good_rounds(100);
  EXPECT_EQ(pace_.limit(), kMost);
  EXPECT_EQ(enter(kMost + 1), kMost);
}

TEST_F(PaceTest, bears_more_while_half_is_free_and_nobody_was_told_to_slow_down_lately) {
  enter(kMost / 2);
  EXPECT_TRUE(pace_.bears_more(now()));
  enter(1);
  EXPECT_FALSE(pace_.bears_more(now()));
  while (held_.size() > 40) held_.pop_back();
  for (const Pace::Place& place : held_) pace_.slowed(place, now());
  ASSERT_EQ(pace_.limit(), 20U);
  held_.clear();
  EXPECT_FALSE(pace_.bears_more(now()));
  pass(Pace::kCalm - milliseconds(1));
  EXPECT_FALSE(pace_.bears_more(now()));
  pass(milliseconds(1));
  enter(10);
  EXPECT_TRUE(pace_.bears_more(now()));
  enter(1);
  EXPECT_FALSE(pace_.bears_more(now()));
}

Task<> wait_for(Pace& pace, std::optional<Result<Pace::Place>>& out, Context ctx) {
  out = co_await pace.enter(ctx);
  co_return ok;
}

TEST_F(PaceTest, who_waits_is_let_in_or_told_after_a_while) {
  ASSERT_EQ(enter(2), 2U);
  pace_.slowed(held_.front(), now());
  held_.pop_front();
  ASSERT_EQ(pace_.limit(), 1U);
  std::optional<Result<Pace::Place>> first, second;
  io::start<void>(world_->loop(), wait_for(pace_, first, ctx()), [](Result<>) {});
  io::start<void>(world_->loop(), wait_for(pace_, second, ctx()), [](Result<>) {});
  pass(milliseconds(1));
  EXPECT_FALSE(first);
  held_.pop_front();
  pass(milliseconds(1));
  ASSERT_TRUE(first);
  EXPECT_TRUE(*first);
  EXPECT_FALSE(second);
  pass(Pace::kPatience);
  ASSERT_TRUE(second);
  ASSERT_FALSE(*second);
  EXPECT_EQ(second->error().code(), Code::busy);
  EXPECT_EQ(second->error().detail(), "SlowDown");
}

TEST_F(PaceTest, retries_are_earned) {
  for (uint32_t i = 0; i < Pace::kRetries; ++i) EXPECT_TRUE(pace_.may_retry());
  EXPECT_FALSE(pace_.may_retry());
  for (uint32_t i = 0; i + 1 < Pace::kGoodPerRetry; ++i) pace_.good({}, now());
  EXPECT_FALSE(pace_.may_retry());
  pace_.good({}, now());
  EXPECT_TRUE(pace_.may_retry());
  EXPECT_FALSE(pace_.may_retry());
  for (uint32_t i = 0; i < 1000 * Pace::kGoodPerRetry; ++i) pace_.good({}, now());
  for (uint32_t i = 0; i < Pace::kRetries; ++i) EXPECT_TRUE(pace_.may_retry());
  EXPECT_FALSE(pace_.may_retry()) << "no more are saved up";
}

class S3Again : public S3 {
 protected:
  struct Count final : Meter {
    void request(std::string_view, bool) override {}
    void sent_again() override { ++again; }
    void told_to_slow() override { ++slowed; }
    void body_bytes_in(uint64_t) override {}
    void body_bytes_out(uint64_t) override {}
    int again = 0, slowed = 0;
  };
  S3Again() {
    options_.pace = [this](io::Loop&) -> Pace& { return pace_; };
    options_.meter = count_;
    origin_ = make_s3_origin(options_);
  }
  std::shared_ptr<Count> count_ = std::make_shared<Count>();
  Pace pace_;
  const ObjectKey key_ = testkit::key_of("k");
};

TEST_F(S3Again, a_read_is_sent_again_after_pauses_that_double) {
  for (int status : {500, 502, 503, 429}) {
    script_.log.clear();
    reply(status);
    reply(status);
    reply(200, {{"ETag", "\"e\""}});
    Time began = world_->loop().now();
    EXPECT_TRUE(run(origin_->head(key_, {}, ctx()))) << status;
    EXPECT_EQ(script_.log.size(), 3U);
    Duration took = world_->loop().now() - began;
    EXPECT_GE(took, S3Wire::kFirstPause + milliseconds(50));
    EXPECT_LE(took, S3Wire::kFirstPause * 3 + milliseconds(50));
  }
  EXPECT_EQ(count_->again, 8);
  EXPECT_EQ(count_->slowed, 4);
}

TEST_F(S3Again, the_last_answer_is_the_error_after_three_tries) {
  for (int i = 0; i < S3Wire::kTries; ++i) reply(503);
  reply(200, {{"ETag", "\"e\""}});
  auto head = run(origin_->head(key_, {}, ctx()));
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().detail(), "SlowDown");
  EXPECT_EQ(script_.log.size(), 3U);
}

TEST_F(S3Again, what_is_an_answer_is_not_asked_for_again) {
  for (int status : {400, 401, 403, 404, 409, 412, 416, 501}) {
    script_.log.clear();
    reply(status);
    EXPECT_FALSE(run(origin_->head(key_, {}, ctx())));
    EXPECT_EQ(script_.log.size(), 1U) << status;
  }
  EXPECT_EQ(count_->again, 0);
}

TEST_F(S3Again, a_write_is_only_where_it_was_surely_not_done) {
  reply(503, {}, "<Error><Code>SlowDown</Code></Error>");
  reply(204);
  EXPECT_TRUE(run(origin_->remove(key_, ctx())));
  EXPECT_EQ(script_.log.size(), 2U);
  for (int status : {500, 502, 503, 504}) {
    script_.log.clear();
    reply(status);
    auto removed = run(origin_->remove(key_, ctx()));
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code(), Code::unavailable) << status;
    EXPECT_EQ(script_.log.size(), 1U) << status;
  }
  script_.log.clear();
  reply(503, {}, "<Error><Code>SlowDown</Code></Error>");
  auto put = run(origin_->put(key_, {}, testkit::body_of("bytes"), ctx()));
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code(), Code::busy);
  EXPECT_EQ(script_.log.size(), 1U) << "its body has gone";
}

TEST_F(S3Again, who_has_no_time_left_is_not_kept_waiting) {
  reply(500);
  reply(200, {{"ETag", "\"e\""}});
  auto head = run(origin_->head(key_, {}, ctx().until(world_->loop().now() + milliseconds(40))));
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().code(), Code::unavailable);
  EXPECT_EQ(script_.log.size(), 1U);
}

TEST_F(S3Again, a_server_that_is_down_is_asked_a_tenth_more_often_not_three_times) {
  for (uint32_t i = 0; i < Pace::kRetries; ++i) {
    EXPECT_FALSE(run(origin_->head(key_, {}, ctx())));  // of an empty script: 500
  }
  EXPECT_EQ(script_.log.size(), 2 * Pace::kRetries);
  EXPECT_FALSE(run(origin_->head(key_, {}, ctx())));
  EXPECT_EQ(script_.log.size(), 2 * Pace::kRetries + 1);
}

TEST_F(S3Again, what_slows_is_noted_of_writes_too) {
  reply(429);
  EXPECT_FALSE(run(origin_->put(key_, {}, testkit::body_of("bytes"), ctx())));
  EXPECT_LT(pace_.limit(), Pace::kMost);
  EXPECT_EQ(count_->slowed, 1);
}

}  // namespace
}  // namespace forebay::origin
