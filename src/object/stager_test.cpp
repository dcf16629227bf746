// What is fetched before it is read: the queue, its order and its bounds.
#include "object/stager.h"

#include <algorithm>

#include "object/store.h"
#include "object/world_test.h"

namespace forebay::object {
namespace {

using State = StageAnswer::State;
constexpr uint64_t kMebi = 1 << 20;

// Holds up all GETs until it is told to go on, and remembers whose they were.
class Gate final : public testkit::MemoryHook {
 public:
  Task<> at(testkit::MemoryStep step, testkit::MemoryRequest request, Context ctx) override {
    if (request.operation != "get" || step != testkit::MemoryStep::arrive) co_return ok;
    keys.push_back(request.key);
    ++inside;
    Result<> went = co_await go.wait(ctx);
    --inside;
    co_return went;
  }
  std::vector<std::string> keys;
  size_t inside = 0;
  io::Event go;
};

class StagerTest : public ObjectTest {
 protected:
  ~StagerTest() override {
    gate_.go.set();
    world_->settle();
    origin_->set_hook(nullptr);
  }
  ReadRequest request(const std::string& key = "key") {
    return {.bucket = bucket_, .key = *ObjectKey::parse(key)};
  }
  Result<StageAnswer> stage(ReadRequest request, Duration patience = {}) {
    return run(objects_.stage(std::move(request), loop_.now() + patience, ctx()));
  }
  State state(const Result<StageAnswer>& answer) {
    EXPECT_TRUE(answer) << answer.error().text();
    return answer ? answer->state : State::nothing;
  }
  void wait(Duration time) { EXPECT_TRUE(run(io::sleep_until(loop_.now() + time, ctx()))); }
  uint64_t bytes() const { return origin_->counts("get").bytes; }
  std::string metric(const std::string& name) {
    std::string text = "\n" + metrics_.render();
    size_t at = text.find("\n" + name + " ");
    if (at == std::string::npos) return "none";
    at += name.size() + 2;
    return text.substr(at, text.find('\n', at) - at);
  }
  std::string read(const std::string& key) {
    auto answer = run(objects_.read(request(key), ctx()));
    if (!answer || answer->body.source == nullptr) return "none";
    served_ = answer->served;
    return run(io::read_all(std::move(answer->body), 1 << 30, ctx())).value_or("broken");
  }

  BucketRef bucket_ = make_bucket(origin_, "immutable", 100'000);
  unit::Served served_ = unit::Served::hit;
  Gate gate_;
};

TEST_F(StagerTest, all_units_come_and_then_it_is_here) {
  std::string all = pattern(2'000'000);
  origin_->change("key", all);
  auto first = stage(request());
  EXPECT_EQ(state(first), State::coming);
  EXPECT_FALSE(first->waited);
  EXPECT_EQ(first->read.decision, Decision::whole);
  EXPECT_TRUE(first->read.body.source == nullptr);
  world_->settle();
  EXPECT_EQ(bytes(), all.size());
  EXPECT_EQ(state(stage(request())), State::here);
  EXPECT_EQ(read("key"), all);
  EXPECT_EQ(served_, unit::Served::hit);
  EXPECT_EQ(bytes(), all.size());
  EXPECT_EQ(checks(), 1U);
  EXPECT_EQ(metric(R"(forebay_staged_objects_total{result="good"})"), "1");
  EXPECT_EQ(metric("forebay_staging_objects"), "0");
}

TEST_F(StagerTest, a_small_object_and_one_without_bytes) {
  origin_->change("key", pattern(100));
  origin_->change("empty", "");
  EXPECT_EQ(state(stage(request())), State::coming);
  EXPECT_EQ(state(stage(request("empty"))), State::nothing);
  world_->settle();
  EXPECT_EQ(state(stage(request())), State::here);
  EXPECT_EQ(bytes(), 100U);
  EXPECT_EQ(stage(request("none")).error().detail(), "NoSuchKey");
}

TEST_F(StagerTest, what_a_reader_has_fetched_or_fetches_is_not_fetched_again) {
  std::string all = pattern(300'000);
  origin_->change("key", all);
  ReadRequest part = request();
  part.range = RangeRequest::parse("bytes=150000-150009");
  auto answer = run(objects_.read(part, ctx()));
  ASSERT_TRUE(answer);
  // While the fill of its unit is under way, with a part of it asked for.
  EXPECT_EQ(state(stage(request())), State::coming);
  EXPECT_EQ(run(io::read_all(std::move(answer->body), 100, ctx())).value_or(""),
            all.substr(150'000, 10));
  world_->settle();
  EXPECT_EQ(read("key"), all);
  EXPECT_EQ(served_, unit::Served::hit);
  EXPECT_EQ(bytes(), all.size());
}

TEST_F(StagerTest, who_waits_is_told_when_all_is_here) {
  std::string all = pattern(1'000'000);
  origin_->change("key", all);
  origin_->options().body_rate = 100'000;
  auto soon = stage(request(), milliseconds(10));
  EXPECT_EQ(state(soon), State::coming);
  EXPECT_FALSE(soon->waited) << "his time was over";
  auto waited = stage(request(), seconds(100));
  EXPECT_EQ(state(waited), State::coming);
  EXPECT_TRUE(waited->waited);
  EXPECT_EQ(state(stage(request(), seconds(100))), State::here);
  EXPECT_EQ(bytes(), all.size()) << "the second joined the first";
}

TEST_F(StagerTest, the_queue_takes_so_many_and_no_more) {
  for (size_t i = 0; i <= Stager::kMost; ++i) {
    origin_->change("key" + std::to_string(i), pattern(10, i));
  }
  origin_->set_hook(&gate_);
  for (size_t i = 0; i < Stager::kMost; ++i) {
    ASSERT_EQ(state(stage(request("key" + std::to_string(i)))), State::coming) << i;
  }
  EXPECT_EQ(metric("forebay_staging_objects"), std::to_string(Stager::kMost));
  ReadRequest past = request("key" + std::to_string(Stager::kMost));
  auto refused = stage(past);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::busy);
  EXPECT_EQ(refused.error().detail(), "SlowDown");
  EXPECT_EQ(state(stage(request("key5"))), State::coming) << "it is in the queue already";
  EXPECT_EQ(metric(R"(forebay_staged_objects_total{result="refused"})"), "1");
  gate_.go.set();
  world_->settle();
  EXPECT_EQ(metric("forebay_staging_objects"), "0");
  EXPECT_EQ(state(stage(past)), State::coming);
  world_->settle();
  EXPECT_EQ(bytes(), 10 * (Stager::kMost + 1)) << "what was refused had cost nothing";
}

TEST_F(StagerTest, objects_are_begun_in_order_by_few_streams) {
  origin_->set_hook(&gate_);
  constexpr size_t kStreams = unit::Options{}.ahead_streams;
  for (const char* key : {"a", "b", "c"}) {
    origin_->change(key, pattern(600'000));
    EXPECT_EQ(state(stage(request(key))), State::coming);
  }
  wait(seconds(1));
  EXPECT_EQ(gate_.inside, kStreams);
  EXPECT_EQ(std::count(gate_.keys.begin(), gate_.keys.end(), "a"), 6);
  EXPECT_EQ(std::count(gate_.keys.begin(), gate_.keys.end(), "b"), 2);
  // A reader waits for none of them.
  origin_->change("read", pattern(10));
  std::optional<Result<ReadAnswer>> answer;
  io::start<ReadAnswer>(loop_, objects_.read(request("read"), ctx()),
                        [&](Result<ReadAnswer> one) { answer.emplace(std::move(one)); });
  wait(seconds(1));
  EXPECT_EQ(gate_.keys.back(), "read");
  gate_.go.set();
  world_->settle();
  EXPECT_EQ(bytes(), 3U * 600'000 + 10);
  auto begun = [&](const char* key) { return std::ranges::find(gate_.keys, key); };
  EXPECT_EQ(std::count(gate_.keys.begin(), begun("c"), "b"), 6) << "the third after the second";
  ASSERT_TRUE(answer && *answer);
}

TEST_F(StagerTest, what_cannot_be_kept_is_told_and_costs_nothing) {
  origin_->change("large", std::string(65 * kMebi, 'x'));
  EXPECT_EQ(state(stage(request("large"), seconds(100))), State::past);
  origin_->options().strong = false;
  origin_->change("weak", pattern(100));
  EXPECT_EQ(state(stage(request("weak"), seconds(100))), State::past);
  world_->settle();
  EXPECT_EQ(bytes(), 0U);
}

TEST_F(StagerTest, conditions_are_decided_first) {
  auto info = origin_->change("key", pattern(300'000));
  ReadRequest asked = request();
  asked.conditions.if_none_match = info.etag.text();
  auto answer = stage(asked);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->read.decision, Decision::not_modified);
  EXPECT_EQ(answer->state, State::nothing);
  world_->settle();
  EXPECT_EQ(bytes(), 0U);
}

TEST_F(StagerTest, a_version_that_changes_meanwhile_is_followed) {
  origin_->change("key", pattern(300'000, 1));
  origin_->set_hook(&gate_);
  std::optional<Result<StageAnswer>> answer;
  io::start<StageAnswer>(loop_, objects_.stage(request(), loop_.now() + seconds(1000), ctx()),
                         [&](Result<StageAnswer> one) { answer.emplace(std::move(one)); });
  wait(seconds(1));
  std::string now = pattern(200'000, 2);
  origin_->change("key", now);
  gate_.go.set();
  world_->settle();
  ASSERT_TRUE(answer && *answer) << answer->error().text();
  EXPECT_TRUE((*answer)->waited);
  EXPECT_EQ((*answer)->read.head->info.size, now.size());
  EXPECT_EQ(read("key"), now);
  EXPECT_EQ(served_, unit::Served::hit);
}

TEST_F(StagerTest, who_waits_for_what_fails_is_told_why) {
  origin_->change("key", pattern(100'000));
  for (int i = 0; i < 9; ++i) {
    origin_->fail_next("get", fail(Code::denied, "not yours", "AccessDenied"));
  }
  auto answer = stage(request(), seconds(100));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().detail(), "AccessDenied");
  EXPECT_EQ(metric(R"(forebay_staged_objects_total{result="error"})"), "1");
  EXPECT_EQ(metric("forebay_staging_objects"), "0");
}

TEST_F(StagerTest, a_hung_origin_gives_the_queue_back) {
  origin_->change("key", pattern(300'000));
  origin_->set_hook(&gate_);
  EXPECT_EQ(state(stage(request())), State::coming);
  wait(seconds(60));
  EXPECT_EQ(metric("forebay_staging_objects"), "0");
  EXPECT_EQ(metric("forebay_fills_inflight"), "0");
  EXPECT_EQ(gate_.inside, 0U);
}

class StagerLargeTest : public StagerTest {};

TEST_F(StagerLargeTest, adaptive_units_come_in_runs) {
  Bucket bucket = *bucket_;
  bucket.fill = Filling::adaptive;
  bucket.unit_max = 128 * kMebi;
  bucket_ = std::make_shared<const Bucket>(std::move(bucket));
  std::string all = pattern(20 * kMebi + 5);
  origin_->change("key", all);
  auto waited = stage(request(), seconds(1000));
  EXPECT_EQ(state(waited), State::coming);
  EXPECT_TRUE(waited->waited);
  EXPECT_EQ(bytes(), all.size());
  EXPECT_EQ(origin_->counts("get").requests, 1U);
  EXPECT_EQ(state(stage(request())), State::here);
  EXPECT_TRUE(read("key") == all);
}

}  // namespace
}  // namespace forebay::object
