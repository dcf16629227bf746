// The duty that ends what is over, over real native buckets on a simulated machine whose days pass.
#include "batch/lifecycle.h"

#include <gtest/gtest.h>

#include "object/native/native_world_test.h"
#include "unit/cache.h"

namespace forebay::batch {
namespace {

using object::LifecycleRule;

class LifecycleDutyTest : public testing::Test, private object::OriginFactory {
 protected:
  LifecycleDutyTest() {
    machine_.start();
    crews_.add(loop());
    cache_ =
        std::make_unique<unit::Cache>(machine_.process->disks, crews_,
                                      std::vector<io::Loop*>{&loop()}, unit::Options{}, metrics_);
    objects_ = std::make_unique<object::Store>(heads_, *cache_, crews_, metrics_);
    duty_ = std::make_unique<LifecycleDuty>(LifecycleDuty::World{
        machine_.process->meta, buckets_, *objects_, obs::Log::none(), metrics_});
    make("data");
  }
  ~LifecycleDutyTest() override { EXPECT_TRUE(run(crews_.of(loop()).stop())); }

  io::Loop& loop() { return machine_.sim->loop(); }
  Context ctx() { return machine_.ctx(); }
  template <class T>
  Result<T> run(Task<T> task) {
    return machine_.run(std::move(task));
  }
  object::ProcessRows& rows() { return machine_.process->rows; }
  void wait(Duration time) {
    auto slept = io::sleep_until(loop().now() + time, ctx());
    EXPECT_TRUE(machine_.sim->run(std::move(slept), time + seconds(1)));
  }
  void days(int64_t days) { wait(seconds(days * 24 * 3600)); }

  void make(const std::string& name) {
    object::BucketSpec spec;
    spec.config.url = object::kNative;
    auto made = run(buckets_.create(*BucketName::parse(name), spec, ctx()));
    ASSERT_TRUE(made) << made.error().text();
  }
  object::BucketRef bucket(const std::string& name = "data") { return buckets_.get(name).value(); }
  void say(std::vector<LifecycleRule> all, const std::string& name = "data") {
    auto lifecycle = std::make_shared<object::Lifecycle>();
    lifecycle->rules = std::move(all);
    object::LifecycleRef rules = lifecycle->rules.empty() ? nullptr : std::move(lifecycle);
    Result<> done = run(buckets_.update(
        bucket(name), [&](object::BucketSettings& now) { now.lifecycle = rules; }, ctx()));
    ASSERT_TRUE(done) << done.error().text();
  }
  void put(const std::string& key, std::string text = "x", const std::string& name = "data") {
    auto done = run(objects_->put(bucket(name), *ObjectKey::parse(key), {},
                                  testkit::body_of(std::move(text)), ctx()));
    ASSERT_TRUE(done) << done.error().text();
  }
  void fill(int count, const std::string& name = "data") {
    for (int i = 0; i < count; ++i) put("k" + std::to_string(1000 + i), "x", name);
  }
  size_t listed(const std::string& name = "data") {
    return run(bucket(name)->origin->list({}, ctx()))->objects.size();
  }
  /// Bytes of an object as a reader gets them, or the error's word.
  std::string read(const std::string& key) {
    auto task = [](object::Store& from, object::ReadRequest request,
                   Context ctx) -> Task<std::string> {
      auto answer = co_await co_await from.read(std::move(request), ctx);
      if (!answer.head->exists) co_return fail(Code::not_found, "no", "NoSuchKey");
      co_return co_await io::read_all(std::move(answer.body), 1 << 20, ctx);
    };
    auto text = run(task(*objects_, {.bucket = bucket(), .key = *ObjectKey::parse(key)}, ctx()));
    return text ? *text : text.error().detail();
  }
  /// One run: all that is due now.
  void apply() {
    job::Progress progress;
    Result<> done = run(duty_->run(progress, ctx()));
    EXPECT_TRUE(done) << done.error().text();
  }
  uint64_t good() { return told_.good.value(); }
  uint64_t bad() { return told_.bad.value(); }

  // Origins of native buckets, each in its own incarnation.
  Result<object::OriginConfig> default_config(const BucketName&) override {
    return object::OriginConfig{std::string(object::kNative), "", {}};
  }
  Task<std::shared_ptr<origin::Origin>> open(const object::Bucket& bucket, bool, obs::Counter&,
                                             Context ctx) override {
    auto origin = std::make_shared<object::NativeOrigin>(
        object::NativeOptions{.incarnation = bucket.incarnation,
                              .unit_max = bucket.largest_unit(),
                              .self = std::string(32, 'a'),
                              .units = *machine_.process->units,
                              .meta = machine_.process->meta,
                              .min_part = 0});
    co_await co_await origin->count(ctx);
    co_return std::shared_ptr<origin::Origin>(std::move(origin));
  }

  object::NativeMachine machine_{11, 256 << 20, seconds(60)};
  obs::Registry metrics_;
  LifecycleMetrics told_{metrics_};
  job::Crews crews_;
  meta::MemoryStore head_rows_;
  meta::SingleMeta head_meta_{head_rows_};
  object::Heads heads_{head_meta_, crews_, {.max_bytes = 1 << 20}, metrics_};
  std::unique_ptr<unit::Cache> cache_;
  std::unique_ptr<object::Store> objects_;
  meta::MemoryStore bucket_rows_;
  object::Buckets buckets_{bucket_rows_, *this, metrics_};
  std::unique_ptr<LifecycleDuty> duty_;
  CancelToken stop_;
};

const LifecycleRule kOver{.id = "over", .date = 1};

TEST_F(LifecycleDutyTest, passes_once_a_day_and_when_rules_change) {
  put("k", "1");
  apply();
  EXPECT_EQ(good(), 0U) << "no rules, no pass";
  say({{.days = 1}});
  apply();
  apply();
  EXPECT_EQ(good(), 1U);
  EXPECT_EQ(listed(), 1U);
  days(1);
  apply();
  EXPECT_EQ(good(), 2U);
  EXPECT_EQ(read("k"), "1");
  days(1);
  apply();
  apply();
  EXPECT_EQ(good(), 3U);
  EXPECT_EQ(read("k"), "NoSuchKey") << "also where a head was believed";
  EXPECT_EQ(told_.objects.value(), 1U);
  EXPECT_EQ(told_.last.value(), loop().wall_now().seconds());
  // Other settings are no other rules.
  ASSERT_TRUE(run(buckets_.update(
      bucket(), [](object::BucketSettings& now) { now.tags = {{"a", "b"}}; }, ctx())));
  apply();
  EXPECT_EQ(good(), 3U);
  put("k", "2");
  say({kOver});
  apply();
  EXPECT_EQ(good(), 4U);
  EXPECT_EQ(listed(), 0U);
  put("k", "3");
  apply();
  EXPECT_EQ(read("k"), "3") << "what comes later has time until the next day";
  days(1);
  apply();
  EXPECT_EQ(listed(), 0U);
  say({});
  put("k", "4");
  days(1);
  apply();
  EXPECT_EQ(read("k"), "4");
  EXPECT_EQ(good(), 5U);
}

TEST_F(LifecycleDutyTest, of_many_buckets_those_with_rules_are_passed_through_by_turns) {
  for (const char* name : {"one", "two", "three"}) make(name);
  fill(450, "one");
  fill(5, "two");
  fill(5, "three");
  say({kOver}, "one");
  say({kOver}, "two");
  size_t left = 0;
  rows().before_commit = [&](const meta::Txn& txn) {
    std::string two = meta::schema::objects(bucket("two")->incarnation);
    bool its = !txn.changes.empty() && txn.changes[0].key.starts_with(two);
    if (its && left == 0) left = 450 - told_.objects.value();
    return std::optional<meta::Txn>();
  };
  apply();
  rows().before_commit = nullptr;
  EXPECT_GT(left, 200U) << "the small one waits for a page, not for all of the large one";
  EXPECT_EQ(listed("one"), 0U);
  EXPECT_EQ(listed("two"), 0U);
  EXPECT_EQ(listed("three"), 5U);
  EXPECT_EQ(good(), 2U);
  EXPECT_EQ(told_.rows.value(), 455U);
}

TEST_F(LifecycleDutyTest, rules_that_change_during_a_pass_end_no_more) {
  fill(300);
  say({kOver});
  uint64_t seen = 0;
  rows().before_commit = [&](const meta::Txn&) {
    if (++seen == 100) {
      rows().before_next_commit = [&](std::vector<Task<>>& steps) {
        auto none = [](object::BucketSettings& now) { now.lifecycle = nullptr; };
        steps.push_back(buckets_.update(bucket(), none, ctx()));
      };
    }
    return std::optional<meta::Txn>();
  };
  apply();
  rows().before_commit = nullptr;
  EXPECT_EQ(listed(), 200U) << "the one under way, and no more";
  EXPECT_EQ(good(), 0U);
  say({kOver});
  apply();
  EXPECT_EQ(listed(), 0U);
}

TEST_F(LifecycleDutyTest, an_object_written_during_the_pass_stays) {
  fill(20);
  say({kOver});
  // Somebody writes each key just before the pass would remove it.
  rows().before_commit = [&](const meta::Txn& txn) {
    if (txn.changes.empty() || txn.changes[0].value) return std::optional<meta::Txn>();
    auto head = object::parse_native_head(*txn.conditions.at(0).value).value();
    loop().random_bytes(head.write);
    return std::optional(meta::Txn().put(txn.changes[0].key, *object::encode(head)));
  };
  apply();
  rows().before_commit = nullptr;
  EXPECT_EQ(listed(), 20U);
  EXPECT_EQ(told_.objects.value(), 0U);
  EXPECT_EQ(good(), 1U);
}

TEST_F(LifecycleDutyTest, a_bucket_that_goes_during_a_pass) {
  fill(30);
  say({kOver});
  make("other");
  put("k", "x", "other");
  say({kOver}, "other");
  uint64_t seen = 0;
  Result<> removed = fail(Code::internal, "not yet");
  rows().before_commit = [&](const meta::Txn&) {
    if (++seen == 30) {
      io::start<void>(loop(),
                      buckets_.remove(*BucketName::parse("data"), object::Removal::if_empty, ctx()),
                      [&](Result<> done) { removed = std::move(done); });
    }
    return std::optional<meta::Txn>();
  };
  apply();
  rows().before_commit = nullptr;
  wait(seconds(10));
  if (!removed) EXPECT_EQ(removed.error().detail(), "BucketNotEmpty");
  apply();
  EXPECT_EQ(listed("other"), 0U);
}

TEST_F(LifecycleDutyTest, rows_that_take_no_write_end_the_pass_and_it_is_begun_again) {
  fill(30);
  say({kOver});
  rows().answer = fail(Code::busy, "there is no room for rows", "InsufficientStorage");
  apply();
  EXPECT_EQ(bad(), 1U);
  EXPECT_EQ(told_.failures.value(), LifecycleDuty::kMostFailures);
  apply();
  EXPECT_EQ(bad(), 1U) << "not at once";
  wait(LifecycleDuty::kFirstPause);
  apply();
  EXPECT_EQ(bad(), 2U);
  wait(LifecycleDuty::kFirstPause);
  apply();
  EXPECT_EQ(bad(), 2U) << "twice as long";
  rows().answer.reset();
  wait(LifecycleDuty::kFirstPause);
  apply();
  EXPECT_EQ(good(), 1U);
  EXPECT_EQ(listed(), 0U);
  EXPECT_EQ(told_.objects.value(), 30U);
}

TEST_F(LifecycleDutyTest, rows_that_cannot_be_read_end_the_pass_and_new_rules_begin_one_at_once) {
  fill(3);
  say({kOver});
  rows().fail_scan = 1;
  apply();
  EXPECT_EQ(bad(), 1U);
  EXPECT_EQ(listed(), 3U);
  say({kOver});
  apply();
  EXPECT_EQ(listed(), 0U);
}

TEST_F(LifecycleDutyTest, a_stop_ends_it_where_it_is_and_the_next_process_goes_on) {
  fill(300);
  say({kOver});
  uint64_t seen = 0;
  rows().before_commit = [&](const meta::Txn&) {
    if (++seen == 50) stop_.cancel();
    return std::optional<meta::Txn>();
  };
  job::Progress progress;
  Result<> done = run(duty_->run(progress, ctx().under(stop_)));
  rows().before_commit = nullptr;
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::cancelled);
  EXPECT_GT(listed(), 240U);
  LifecycleDuty next({machine_.process->meta, buckets_, *objects_, obs::Log::none(), metrics_});
  ASSERT_TRUE(run(next.run(progress, ctx())));
  EXPECT_EQ(listed(), 0U);
}

}  // namespace
}  // namespace forebay::batch
