// Questions that are asked a second time: which answer is taken, and that nothing is left of the
// other one.
#include "io/sync.h"
#include "origin/s3/request.h"
#include "origin/s3/script_test.h"
#include "origin/tags.h"

namespace forebay::origin {
namespace {

constexpr Duration kUsual = milliseconds(20);
constexpr Duration kLate = seconds(2);

class S3Hedge : public S3 {
 protected:
  struct Count final : Meter {
    void request(std::string_view, bool) override {}
    void sent_again() override { ++again; }
    void hedged(Hedged outcome) override { ++outcomes[outcome]; }
    void body_bytes_in(uint64_t) override {}
    void body_bytes_out(uint64_t) override {}
    std::map<Hedged, int> outcomes;
    int again = 0;
  };
  using Outcomes = std::map<Hedged, int>;

  S3Hedge() {
    options_.pace = [this](io::Loop&) -> Pace& { return pace_; };
    options_.hedge = [this](io::Loop&) -> Hedge& { return hedge_; };
    options_.meter = count_;
    origin_ = make_s3_origin(options_);
    EXPECT_TRUE(origin_->set_hedging(Hedging::p99));
    connect();
    know();
  }
  ~S3Hedge() override { EXPECT_EQ(client_.counters().open.get(), client_.counters().idle.get()); }

  /// So that it is known where the server is.
  void connect() {
    reply(204);
    EXPECT_TRUE(run(origin_->remove(key_, ctx())));
    script_.log.clear();
  }
  /// Answers that were as usual, and questions that earn `hedges`.
  void know(uint32_t hedges = Hedge::kSaved) {
    for (auto question : {Hedge::Question::head, Hedge::Question::get}) {
      for (uint32_t i = 0; i < Hedge::kEnough; ++i) hedge_.answered(question, kUsual);
    }
    for (uint32_t i = 0; i < hedges * Hedge::kQuestionsPerHedge; ++i) {
      (void)hedge_.asked(Hedge::Question::head, Hedging::p99);
    }
  }
  void reply_after(Duration delay, int status, std::string etag = "\"e\"") {
    reply(status, {{"ETag", std::move(etag)}});
    script_.replies.back().delay = delay;
  }
  Result<ObjectInfo> head(Context with) { return run(origin_->head(key_, {}, with)); }
  Result<ObjectInfo> head() { return head(ctx()); }
  std::string etag(const Result<ObjectInfo>& info) {
    return info ? std::string(info->etag.text()) : info.error().text();
  }
  uint64_t busy() const { return client_.counters().open.get() - client_.counters().idle.get(); }

  std::shared_ptr<Count> count_ = std::make_shared<Count>();
  Pace pace_;
  Hedge hedge_;
  const ObjectKey key_ = testkit::key_of("k");
};

TEST_F(S3Hedge, a_late_answer_is_asked_for_again_and_the_other_connection_closed) {
  reply_after(kLate, 200, "\"first\"");
  reply_after({}, 200, "\"second\"");
  Time began = world_->loop().now();
  EXPECT_EQ(etag(head()), "\"second\"");
  EXPECT_LT(world_->loop().now() - began, seconds(1));
  EXPECT_EQ(script_.log, (std::vector<std::string>{"HEAD /bucket/k", "HEAD /bucket/k"}));
  EXPECT_EQ(count_->outcomes, (Outcomes{{Hedged::won, 1}}));
  EXPECT_EQ(busy(), 0U);
  EXPECT_EQ(client_.counters().open.get(), 1U) << "of the one that was given up nothing is kept";
  EXPECT_EQ(count_->again, 0);
}

TEST_F(S3Hedge, the_first_answer_is_taken_if_it_comes_first) {
  reply_after(milliseconds(100), 200, "\"first\"");
  reply_after(kLate, 200, "\"second\"");
  EXPECT_EQ(etag(head()), "\"first\"");
  EXPECT_EQ(script_.log.size(), 2U);
  EXPECT_EQ(count_->outcomes, (Outcomes{{Hedged::lost, 1}}));
  EXPECT_EQ(busy(), 0U);
}

TEST_F(S3Hedge, what_is_answered_in_time_or_badly_is_asked_once) {
  reply_after(milliseconds(10), 200);
  EXPECT_TRUE(head());
  EXPECT_EQ(script_.log.size(), 1U);
  for (int status : {404, 403}) {
    reply(status);
    EXPECT_FALSE(head());
  }
  EXPECT_EQ(script_.log.size(), 3U);
  reply(500);
  reply(200, {{"ETag", "\"e\""}});
  EXPECT_TRUE(head()) << "a bad answer in time is sent again as ever";
  EXPECT_EQ(count_->again, 1);
  EXPECT_TRUE(count_->outcomes.empty());
}

TEST_F(S3Hedge, a_refusal_is_an_answer_and_a_fault_is_none) {
  reply_after(kLate, 200);
  reply_after({}, 404);
  auto missing = head();
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().detail(), "NoSuchKey");
  EXPECT_EQ(count_->outcomes, (Outcomes{{Hedged::won, 1}}));
  for (int status : {500, 502}) {
    hedge_ = {};
    know();
    count_->outcomes.clear();
    reply_after(milliseconds(300), 200, "\"first\"");
    reply_after({}, status);
    EXPECT_EQ(etag(head()), "\"first\"") << status;
    EXPECT_EQ(count_->outcomes, (Outcomes{{Hedged::lost, 1}}));

    count_->outcomes.clear();
    reply_after(milliseconds(100), status);
    reply_after(milliseconds(300), 200, "\"second\"");
    EXPECT_EQ(etag(head()), "\"second\"") << status;
    EXPECT_EQ(count_->outcomes, (Outcomes{{Hedged::won, 1}}));
  }
  EXPECT_EQ(count_->again, 0);
}

TEST_F(S3Hedge, where_neither_is_good_it_is_sent_again_as_ever) {
  reply_after(milliseconds(100), 500);
  reply_after(milliseconds(100), 500);
  reply_after({}, 200);
  EXPECT_TRUE(head());
  EXPECT_EQ(count_->outcomes, (Outcomes{{Hedged::failed, 1}}));
  EXPECT_EQ(count_->again, 1);
  EXPECT_EQ(script_.log.size(), 3U);
}

TEST_F(S3Hedge, both_ask_the_same_and_the_body_is_the_winners) {
  reply_range("bytes 2-4/10", "old", "\"e\"");
  script_.replies.back().delay = kLate;
  reply_range("bytes 2-4/10", "234", "\"e\"");
  GetOptions options{
      .range = ByteRange{2, 3}, .tag = version_tag("", ETag("\"e\""), 10), .etag = ETag("\"e\"")};
  auto got = get(options);
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(*run(io::read_all(std::move(got->body), 100, ctx())), "234");
  ASSERT_EQ(script_.headers.size(), 3U);  // one to connect
  for (size_t i : {1, 2}) {
    EXPECT_EQ(script_.headers[i]["range"], "bytes=2-4");
    EXPECT_EQ(script_.headers[i]["if-match"], "\"e\"");
  }
  EXPECT_EQ(count_->outcomes, (Outcomes{{Hedged::won, 1}}));
  // Another version is no better for having come first.
  reply_range("bytes 2-4/10", "234", "\"e\"");
  script_.replies.back().delay = kLate;
  reply_range("bytes 2-4/10", "new", "\"f\"");
  EXPECT_EQ(get(options).error().code(), Code::conflict);
}

TEST_F(S3Hedge, a_body_that_streams_is_not_touched_by_the_one_that_is_given_up) {
  reply(200, {{"ETag", "\"e\""}}, std::string(300'000, 'a'));
  script_.replies.back().delay = milliseconds(60);
  reply(200, {{"ETag", "\"e\""}}, std::string(300'000, 'b'));
  script_.replies.back().delay = milliseconds(40);
  auto got = get({});
  ASSERT_TRUE(got);
  EXPECT_EQ(busy(), 1U) << "the one that is read";
  std::string body = *run(io::read_all(std::move(got->body), 1 << 20, ctx()));
  EXPECT_EQ(body, std::string(300'000, body[0]));
}

TEST_F(S3Hedge, only_questions_of_those_who_wait_are_asked_twice) {
  auto nothing_twice = [&](const char* what) {
    EXPECT_EQ(script_.log.size(), 1U) << what;
    EXPECT_TRUE(count_->outcomes.empty()) << what;
    script_.log.clear();
  };
  reply_after(seconds(1), 200);
  EXPECT_TRUE(run(origin_->put(key_, {}, testkit::body_of("bytes"), ctx())));
  nothing_twice("put");
  reply_after(seconds(1), 204);
  EXPECT_TRUE(run(origin_->remove(key_, ctx())));
  nothing_twice("remove");
  reply(200, {}, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");
  script_.replies.back().delay = seconds(1);
  (void)run(origin_->list({}, ctx()));
  nothing_twice("list");
  reply_after(seconds(1), 200);
  EXPECT_TRUE(get({.slow_reader = true}));
  nothing_twice("a slow reader");
  EXPECT_TRUE(origin_->set_hedging(Hedging::off));
  reply_after(seconds(1), 200);
  EXPECT_TRUE(head());
  nothing_twice("off");
}

TEST_F(S3Hedge, none_is_while_nothing_is_known_or_none_is_earned) {
  hedge_ = {};
  reply_after(seconds(1), 200);
  EXPECT_TRUE(head());
  EXPECT_EQ(script_.log.size(), 1U);
  EXPECT_TRUE(count_->outcomes.empty());
  hedge_ = {};
  know(0);
  reply_after(seconds(1), 200);
  EXPECT_TRUE(head());
  EXPECT_EQ(script_.log.size(), 2U);
  EXPECT_EQ(count_->outcomes, (Outcomes{{Hedged::withheld, 1}}));
}

TEST_F(S3Hedge, what_answers_is_learned_of) {
  hedge_ = {};
  for (uint32_t i = 0; i < Hedge::kEnough; ++i) {
    reply_after(kUsual, 200);
    EXPECT_TRUE(head());
  }
  auto late = hedge_.asked(Hedge::Question::head, Hedging::p99);
  EXPECT_GT(late, kUsual);
  EXPECT_LT(late, kUsual * 2);
  EXPECT_FALSE(hedge_.asked(Hedge::Question::get, Hedging::p99));
}

TEST_F(S3Hedge, what_is_given_up_counts_as_late) {
  Duration before = *hedge_.asked(Hedge::Question::head, Hedging::p99);
  for (int i = 0; i < 2; ++i) {
    reply_after(kLate, 200);
    reply_after({}, 200);
    EXPECT_TRUE(head());
  }
  EXPECT_EQ(count_->outcomes, (Outcomes{{Hedged::won, 2}}));
  EXPECT_GT(*hedge_.asked(Hedge::Question::head, Hedging::p99), before) << "two of a hundred";
}

TEST_F(S3Hedge, what_was_better_counts_and_a_fault_does_not) {
  Duration before = *hedge_.asked(Hedge::Question::head, Hedging::p99);
  for (int i = 0; i < 2; ++i) {
    reply_after(milliseconds(100), 500);
    reply_after(milliseconds(100), 500);
    reply_after({}, 200);
    EXPECT_TRUE(head());
  }
  EXPECT_EQ(count_->outcomes, (Outcomes{{Hedged::failed, 2}}));
  EXPECT_EQ(*hedge_.asked(Hedge::Question::head, Hedging::p99), before);
  for (int i = 0; i < 2; ++i) {
    reply_after(milliseconds(100), 500);
    reply_after(milliseconds(300), 200);
    EXPECT_TRUE(head());
  }
  EXPECT_GT(*hedge_.asked(Hedge::Question::head, Hedging::p99), milliseconds(300));
}

TEST_F(S3Hedge, an_origin_that_was_told_to_slow_down_is_asked_once) {
  reply_after(milliseconds(100), 200, "\"first\"");
  reply_after({}, 503);
  EXPECT_EQ(etag(head()), "\"first\"");
  EXPECT_LT(pace_.limit(), Pace::kMost) << "the second one was told";
  (void)run(io::sleep_until(world_->loop().now() + (Pace::kCalm - seconds(2)), ctx()));
  script_.log.clear();
  count_->outcomes.clear();
  reply_after(seconds(1), 200);
  EXPECT_TRUE(head());
  EXPECT_EQ(script_.log.size(), 1U);
  EXPECT_EQ(count_->outcomes, (Outcomes{{Hedged::withheld, 1}}));
}

TEST_F(S3Hedge, none_is_where_half_of_what_the_origin_bears_is_taken) {
  std::deque<Pace::Place> held;
  while (held.size() < Pace::kMost / 2) held.push_back(*pace_.try_enter());
  reply_after(seconds(1), 200);
  EXPECT_TRUE(head());
  EXPECT_EQ(count_->outcomes, (Outcomes{{Hedged::withheld, 1}}));
  held.pop_back();
  reply_after(seconds(1), 200);
  reply_after({}, 200);
  EXPECT_TRUE(head());
  EXPECT_EQ(count_->outcomes, (Outcomes{{Hedged::withheld, 1}, {Hedged::won, 1}}));
}

TEST_F(S3Hedge, none_takes_a_connection_of_those_that_are_left) {
  std::vector<Result<GetAnswer>> unread;
  for (int i = 0; i < 128; ++i) {
    reply(200, {{"ETag", "\"e\""}}, std::string(300'000, 'x'));
    unread.push_back(get({}));
    ASSERT_TRUE(unread.back());
  }
  reply_after(seconds(1), 200);
  EXPECT_TRUE(head());
  EXPECT_EQ(count_->outcomes, (Outcomes{{Hedged::withheld, 1}}));
  unread.pop_back();
  unread.pop_back();
  reply_after(seconds(1), 200);
  reply_after({}, 200);
  EXPECT_TRUE(head());
  EXPECT_EQ(count_->outcomes, (Outcomes{{Hedged::withheld, 1}, {Hedged::won, 1}}));
}

Task<> ask(std::shared_ptr<Origin> origin, ObjectKey key, std::optional<Result<ObjectInfo>>& out,
           Context ctx) {
  out = co_await origin->head(std::move(key), {}, ctx);
  co_return ok;
}

// At every moment of a question and its second.
TEST_F(S3Hedge, who_leaves_or_has_no_time_left_leaves_nothing_behind) {
  for (int ms = 0; ms < 80; ++ms) {
    for (bool leaves : {true, false}) {
      hedge_ = {};
      know();
      script_.replies.clear();
      reply_after(milliseconds(60), 200);
      reply_after(milliseconds(40), 200);
      Time until = world_->loop().now() + milliseconds(ms);
      CancelToken token;
      Context mine = ctx().under(token);
      std::optional<Result<ObjectInfo>> out;
      io::start<void>(world_->loop(), ask(origin_, key_, out, leaves ? mine : mine.until(until)),
                      [](Result<>) {});
      (void)run(io::sleep_until(until, ctx()));
      if (leaves) token.cancel();
      (void)run(io::sleep_until(until + milliseconds(1), ctx()));
      ASSERT_TRUE(out) << ms;
      if (ms < 20) EXPECT_TRUE(count_->outcomes.empty()) << "it was not late: " << ms;
      EXPECT_EQ(busy(), 0U) << ms;
      if (!*out) {
        EXPECT_EQ(out->error().code(), leaves ? Code::cancelled : Code::timeout) << ms;
      }
      (void)run(io::sleep_until(until + milliseconds(200), ctx()));
    }
  }
  EXPECT_GT(count_->outcomes[Hedged::failed], 10);
  EXPECT_GT(count_->outcomes[Hedged::won] + count_->outcomes[Hedged::lost], 10);
  std::deque<Pace::Place> held;
  while (auto place = pace_.try_enter()) held.push_back(std::move(*place));
  EXPECT_EQ(held.size(), Pace::kMost) << "no place is lost";
}

}  // namespace
}  // namespace forebay::origin
