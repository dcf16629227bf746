#include "object/bucket.h"

#include "meta/schema.h"
#include "object/lying_test.h"
#include "object/world_test.h"

namespace forebay::object {
namespace {

TEST(FreshnessTest, is_read_and_written) {
  using Kind = Freshness::Kind;
  struct Case {
    const char* text;
    Freshness value;
    const char* written;
  };
  for (const Case& c : {Case{"exact", {Kind::exact, {}}, "exact"},
                        Case{"immutable", {Kind::immutable, {}}, "immutable"},
                        Case{"ttl:60s", {Kind::ttl, seconds(60)}, "ttl:60s"},
                        Case{"ttl:5s", {Kind::ttl, seconds(5)}, "ttl:5s"},
                        Case{"ttl:1500ms", {Kind::ttl, milliseconds(1500)}, "ttl:1500ms"},
                        Case{"ttl:2m", {Kind::ttl, seconds(120)}, "ttl:120s"},
                        Case{"ttl:1h", {Kind::ttl, seconds(3600)}, "ttl:3600s"},
                        Case{"ttl:0s", {Kind::ttl, {}}, "ttl:0s"}}) {
    EXPECT_EQ(Freshness::parse(c.text), c.value) << c.text;
    EXPECT_EQ(c.value.to_string(), c.written);
    EXPECT_EQ(Freshness::parse(c.written), c.value);
  }
}

TEST(FreshnessTest, refuses_what_it_is_not) {
  for (const char* text : {"", "Exact", "ttl", "ttl:", "ttl:s", "ttl:60", "ttl:0", "ttl:-1s",
                           "ttl:1d", "ttl:1 s", "ttl:1ss", "ttl:1000000001s", "ttl:1000000000m",
                           "ttl:277778h", "ttl:99999999999999999999s"}) {
    auto parsed = Freshness::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().detail(), "InvalidArgument");
  }
}

class BucketsTest : public ObjectTest {
 protected:
  Result<BucketRef> create(std::string_view name, BucketSpec spec = {}) {
    return run(buckets_.create(*BucketName::parse(name), std::move(spec), ctx()));
  }
  OneOrigin origins_{origin_};
  Buckets buckets_{rows_, origins_, metrics_};
};

TEST_F(BucketsTest, what_was_created_is_there_after_a_restart) {
  BucketSpec spec{.config = {"memory:x", "AKID", Secret("hush")},
                  .freshness = {Freshness::Kind::ttl, milliseconds(1500)},
                  .unit_max = 4096,
                  .fill = Filling::adaptive,
                  .cache_writes = false,
                  .verify = unit::Verify::always};
  origin_->options().capabilities.versions = true;
  origin_->options().capabilities.start_after = false;
  BucketRef made = *create("one", spec);
  EXPECT_EQ(buckets_.get("one"), made);
  EXPECT_TRUE(create("two"));
  EXPECT_EQ(origins_.opened, (std::vector<std::string>{"memory:x", "memory:two create"}));
  Buckets again(rows_, origins_, metrics_);
  EXPECT_TRUE(run(again.load(ctx())));
  ASSERT_EQ(again.list().size(), 2U);
  BucketRef read = *again.get("one");
  EXPECT_EQ(read->incarnation, made->incarnation);
  EXPECT_EQ(read->freshness, spec.freshness);
  EXPECT_EQ(read->unit_max, 4096U);
  EXPECT_EQ(read->fill, Filling::adaptive);
  EXPECT_EQ((*again.get("two"))->fill, Filling::part);
  EXPECT_FALSE(read->cache_writes);
  EXPECT_EQ(read->verify, unit::Verify::always);
  EXPECT_EQ((*again.get("two"))->verify, unit::Verify::start);
  EXPECT_EQ(read->created, made->created);
  EXPECT_EQ(read->config.url, "memory:x");
  EXPECT_EQ(read->config.access_key, "AKID");
  EXPECT_EQ(read->config.secret.reveal(), "hush");
  EXPECT_TRUE(read->capabilities.versions);
  EXPECT_FALSE(read->capabilities.start_after);
}

TEST_F(BucketsTest, a_row_of_before_there_was_a_choice_fills_parts) {
  auto row = [&](const std::string& more) {
    EXPECT_TRUE(run(rows_.commit(
        meta::Txn().put("bucket/old", R"({"version":1,"incarnation":7,"origin":"memory:x",)"
                                      R"("freshness":"ttl:60s")" +
                                          more + "}"),
        ctx())));
    Buckets buckets(rows_, origins_, metrics_);
    Result<> loaded = run(buckets.load(ctx()));
    return loaded ? std::string(name((*buckets.get("old"))->fill)) : loaded.error().detail();
  };
  EXPECT_EQ(row(""), "part");
  EXPECT_EQ(row(R"(,"fill":"adaptive")"), "adaptive");
  EXPECT_EQ(row(R"(,"fill":"some")"), "InvalidArgument");
  EXPECT_EQ(row(R"(,"hedge":"off")"), "part");
  EXPECT_EQ(row(R"(,"hedge":"p50")"), "InvalidArgument");
}

TEST(UnitMax, is_none_or_large_enough_to_be_worth_a_request) {
  for (uint64_t good : {uint64_t{0}, kLeastUnitMax, ~uint64_t{0}}) {
    EXPECT_TRUE(allow_unit_max(good)) << good;
  }
  for (uint64_t bad : {uint64_t{1}, kLeastUnitMax - 1}) {
    EXPECT_EQ(allow_unit_max(bad).error().detail(), "InvalidArgument") << bad;
  }
}

TEST_F(BucketsTest, each_counts_what_is_asked_and_what_is_read_and_names_are_bounded) {
  BucketRef one = *create("one");
  one->asked->add(5);
  origins_.counter->add(7);
  EXPECT_TRUE(run(buckets_.remove(one->name, Removal::forget, ctx())));
  EXPECT_EQ((*create("one"))->asked, one->asked) << "the same name goes on";
  for (int i = 0; i < 1100; ++i) {
    BucketRef many = *create("many-" + std::to_string(i));
    many->asked->add(1);
    EXPECT_TRUE(run(buckets_.remove(many->name, Removal::forget, ctx())));
  }
  std::string text = metrics_.render();
  EXPECT_TRUE(text.contains("forebay_bucket_asked_bytes_total{bucket=\"one\"} 5\n"));
  EXPECT_TRUE(text.contains("forebay_bucket_origin_bytes_total{bucket=\"one\"} 7\n"));
  EXPECT_TRUE(text.contains("forebay_bucket_asked_bytes_total{bucket=\"(others)\"} 101\n"));
}

TEST_F(BucketsTest, a_name_is_there_once_and_a_new_one_is_another) {
  uint64_t first = (*create("one"))->incarnation;
  EXPECT_EQ(create("one").error().detail(), "BucketAlreadyOwnedByYou");
  Buckets blind(rows_, origins_, metrics_);  // does not know of it until the row says so
  EXPECT_EQ(run(blind.create(*BucketName::parse("one"), {}, ctx())).error().detail(),
            "BucketAlreadyOwnedByYou");
  EXPECT_TRUE(run(buckets_.remove(*BucketName::parse("one"), Removal::forget, ctx())));
  EXPECT_EQ(buckets_.get("one").error().detail(), "NoSuchBucket");
  EXPECT_EQ(
      run(buckets_.remove(*BucketName::parse("one"), Removal::forget, ctx())).error().detail(),
      "NoSuchBucket");
  EXPECT_NE((*create("one"))->incarnation, first);
}

/// Stops a removal where it asks the origin something: to end its uploads, unless told otherwise.
class Stop final : public testkit::MemoryHook {
 public:
  explicit Stop(std::string_view operation = "drop_uploads") : operation_(operation) {}
  Task<> at(testkit::MemoryStep step, testkit::MemoryRequest request, Context ctx) override {
    if (request.operation != operation_ || step != testkit::MemoryStep::arrive) co_return ok;
    reached = true;
    co_return co_await go.wait(ctx);
  }
  bool reached = false;
  io::Event go;

 private:
  std::string_view operation_;
};

TEST_F(BucketsTest, a_bucket_that_is_being_removed_is_in_nobodys_way) {
  BucketName one = *BucketName::parse("one");
  uint64_t first = (*create("one"))->incarnation;
  Stop stop;
  origin_->set_hook(&stop);
  std::optional<Result<>> removed;
  io::start<void>(loop_, buckets_.remove(one, Removal::if_empty, ctx()),
                  [&](Result<> done) { removed.emplace(std::move(done)); });
  while (!stop.reached) ASSERT_TRUE(world_->step());
  EXPECT_EQ(buckets_.get("one").error().detail(), "NoSuchBucket");
  EXPECT_EQ(create("one").error().detail(), "OperationAborted");
  EXPECT_EQ(run(buckets_.remove(one, Removal::if_empty, ctx())).error().detail(),
            "OperationAborted");
  stop.go.set();
  while (!removed) ASSERT_TRUE(world_->step());
  origin_->set_hook(nullptr);
  EXPECT_TRUE(*removed);
  BucketRef second = *create("one");
  EXPECT_NE(second->incarnation, first);
  EXPECT_EQ(buckets_.get("one"), second);
  Buckets again(rows_, origins_, metrics_);
  EXPECT_TRUE(run(again.load(ctx())));
  EXPECT_EQ((*again.get("one"))->incarnation, second->incarnation) << "its row is there";
}

TEST_F(BucketsTest, nobody_notices_a_removal_that_is_refused) {
  BucketName one = *BucketName::parse("one");
  BucketRef bucket = *create("one");
  origin_->change("key", "here");
  Stop stop("list");
  origin_->set_hook(&stop);
  std::optional<Result<>> removed;
  io::start<void>(loop_, buckets_.remove(one, Removal::if_empty, ctx()),
                  [&](Result<> done) { removed.emplace(std::move(done)); });
  while (!stop.reached) ASSERT_TRUE(world_->step());
  EXPECT_EQ(buckets_.get("one"), bucket);
  EXPECT_TRUE(Writing::begin(bucket));
  EXPECT_EQ(create("one").error().detail(), "BucketAlreadyOwnedByYou");
  stop.go.set();
  while (!removed) ASSERT_TRUE(world_->step());
  origin_->set_hook(nullptr);
  EXPECT_EQ(removed->error().detail(), "BucketNotEmpty");
  EXPECT_EQ(buckets_.get("one"), bucket);
  EXPECT_TRUE(Writing::begin(bucket));
}

TEST_F(BucketsTest, a_removal_waits_for_writes_and_sees_what_they_wrote) {
  BucketName one = *BucketName::parse("one");
  BucketRef bucket = *create("one");
  std::optional<Writing> writing(std::move(*Writing::begin(bucket)));
  std::optional<Result<>> removed;
  auto begin = [&] {
    removed.reset();
    io::start<void>(loop_, buckets_.remove(one, Removal::if_empty, ctx()),
                    [&](Result<> done) { removed.emplace(std::move(done)); });
    sleep(milliseconds(100));
    EXPECT_FALSE(removed);
    EXPECT_EQ(buckets_.get("one"), bucket) << "in service until then";
  };
  begin();
  origin_->change("key", "written");
  writing.reset();
  while (!removed) ASSERT_TRUE(world_->step());
  EXPECT_EQ(removed->error().detail(), "BucketNotEmpty");
  EXPECT_EQ(buckets_.get("one"), bucket);
  writing.emplace(std::move(*Writing::begin(bucket)));
  origin_->drop("key");
  begin();
  while (!removed) ASSERT_TRUE(world_->step());
  EXPECT_EQ(removed->error().detail(), "OperationAborted") << "it does not wait for ever";
  writing.reset();
  EXPECT_TRUE(run(buckets_.remove(one, Removal::if_empty, ctx())));
  EXPECT_EQ(Writing::begin(bucket).error().detail(), "OperationAborted")
      << "nobody writes to what is gone";
}

TEST_F(BucketsTest, one_of_those_who_make_it_at_once_has_it) {
  BucketName one = *BucketName::parse("one");
  int made = 0, there = 0;
  for (int i = 0; i < 4; ++i) {
    io::start<BucketRef>(loop_, buckets_.create(one, {}, ctx()), [&](Result<BucketRef> done) {
      ++(done ? made : there);
      if (!done) EXPECT_EQ(done.error().detail(), "BucketAlreadyOwnedByYou");
    });
  }
  while (made + there < 4) ASSERT_TRUE(world_->step());
  EXPECT_EQ(made, 1);
  EXPECT_TRUE(run(buckets_.remove(one, Removal::if_empty, ctx())));
}

// A start reads no more rows than there may be buckets.
TEST_F(BucketsTest, no_more_are_made_than_may_be_however_many_come_at_once) {
  for (size_t i = 1; i < Buckets::kMaxBuckets; ++i) {
    ASSERT_TRUE(create("b" + std::to_string(i + 1000)));
  }
  size_t made = 0;
  io::Group group(ctx());
  auto one = [&](int number) -> Task<> {
    auto bucket =
        co_await buckets_.create(*BucketName::parse("last" + std::to_string(number)), {}, ctx());
    EXPECT_TRUE(bucket || bucket.error().detail() == "TooManyBuckets");
    made += bucket ? 1 : 0;
    co_return ok;
  };
  for (int i = 0; i < 4; ++i) group.spawn(one(i));
  ASSERT_TRUE(run(group.join()));
  EXPECT_LE(made, 1U);
  if (made == 0) ASSERT_TRUE(create("last"));
  EXPECT_EQ(create("more").error().detail(), "TooManyBuckets");
  Buckets after(rows_, origins_, metrics_);
  EXPECT_TRUE(run(after.load(ctx())));
  EXPECT_EQ(after.list().size(), Buckets::kMaxBuckets);
}

TEST_F(BucketsTest, uploads_end_with_their_bucket) {
  BucketName one = *BucketName::parse("one");
  ASSERT_TRUE(create("one"));
  ASSERT_TRUE(run(origin_->create_upload(key_, {}, ctx())));
  origin_->change("key", "here");
  EXPECT_EQ(run(buckets_.remove(one, Removal::if_empty, ctx())).error().detail(), "BucketNotEmpty");
  EXPECT_TRUE(buckets_.get("one"));
  EXPECT_EQ(origin_->uploads(), 1U);
  EXPECT_TRUE(origins_.discarded.empty());
  origin_->drop("key");
  EXPECT_TRUE(run(buckets_.remove(one, Removal::if_empty, ctx())));
  EXPECT_EQ(origin_->uploads(), 0U);
  EXPECT_EQ(origins_.discarded, std::vector<std::string>{"memory:one"});
  // One that the node did not make keeps its uploads when it is only forgotten.
  ASSERT_TRUE(create("one", {.config = {.url = "memory:x", .access_key = {}, .secret = {}}}));
  ASSERT_TRUE(run(origin_->create_upload(key_, {}, ctx())));
  EXPECT_TRUE(run(buckets_.remove(one, Removal::forget, ctx())));
  EXPECT_EQ(origin_->uploads(), 1U);
  EXPECT_EQ(origins_.discarded.size(), 1U);
}

TEST_F(BucketsTest, a_removal_that_fails_leaves_the_bucket) {
  BucketName one = *BucketName::parse("one");
  ASSERT_TRUE(create("one"));
  for (const char* call : {"list", "drop_uploads"}) {
    origin_->fail_next(call, fail(Code::unavailable, "down"));
    EXPECT_EQ(run(buckets_.remove(one, Removal::if_empty, ctx())).error().code(),
              Code::unavailable);
    ASSERT_TRUE(buckets_.get("one")) << call;
    EXPECT_TRUE(Writing::begin(*buckets_.get("one"))) << call;
  }
  origin_->fail_next("list", fail(Code::not_found, "gone", "NoSuchBucket"));
  EXPECT_TRUE(run(buckets_.remove(one, Removal::if_empty, ctx())));
}

TEST_F(BucketsTest, an_origin_that_refuses_makes_no_bucket) {
  EXPECT_EQ(
      create("one", {.config = {.url = "bad:", .access_key = {}, .secret = {}}}).error().code(),
      Code::denied);
  origin_->fail_next("probe", fail(Code::unavailable, "down"));
  EXPECT_EQ(create("one").error().code(), Code::unavailable);
  EXPECT_TRUE(buckets_.list().empty());
  EXPECT_TRUE(create("one"));
}

TEST_F(BucketsTest, a_commit_without_an_answer_is_looked_up) {
  meta::FaultyStore faulty(rows_, {.lose_answer = 1});
  Buckets buckets(faulty, origins_, metrics_);
  BucketName one = *BucketName::parse("one");
  EXPECT_TRUE(run(buckets.create(one, {}, ctx())));
  EXPECT_TRUE(buckets.get("one"));
  EXPECT_TRUE(run(buckets.remove(one, Removal::forget, ctx())));
  EXPECT_FALSE(buckets.get("one"));
  EXPECT_FALSE(*run(rows_.get(meta::schema::bucket(one), ctx())));
}

TEST_F(BucketsTest, a_change_is_kept_and_touches_nothing_else) {
  BucketRef made = *create("one", {.cache_writes = false});
  auto change = [&](Buckets& buckets, const BucketRef& bucket, const char* value) {
    return run(buckets.update(
        bucket, [&](BucketSettings& settings) { settings.tags = {{"a", value}}; }, ctx()));
  };
  ASSERT_TRUE(change(buckets_, made, "1"));
  BucketRef now = *buckets_.get("one");
  EXPECT_EQ(now->settings.tags, (origin::TagSet{{"a", "1"}}));
  EXPECT_TRUE(made->settings.tags.empty()) << "who reads it goes on with what he has";
  EXPECT_EQ(now->writes, made->writes) << "a removal waits for the writes of both";
  EXPECT_EQ(now->origin, made->origin);
  ASSERT_TRUE(run(buckets_.update(
      made,
      [](BucketSettings& settings) { settings.cors = {{.origins = {"*"}, .methods = {"GET"}}}; },
      ctx())));
  Buckets again(rows_, origins_, metrics_);
  ASSERT_TRUE(run(again.load(ctx())));
  BucketRef read = *again.get("one");
  EXPECT_EQ(read->settings.tags, (origin::TagSet{{"a", "1"}}))
      << "the second change lost the first";
  EXPECT_EQ(read->settings.cors.size(), 1U);
  EXPECT_EQ(read->incarnation, made->incarnation);
  EXPECT_FALSE(read->cache_writes);

  meta::FaultyStore faulty(rows_, {.lose_answer = 1});
  Buckets unlucky(faulty, origins_, metrics_);
  ASSERT_TRUE(run(unlucky.load(ctx())));
  EXPECT_TRUE(change(unlucky, *unlucky.get("one"), "2")) << "it is looked up";
  EXPECT_EQ((*unlucky.get("one"))->settings.tags, (origin::TagSet{{"a", "2"}}));
}

// Each time another origin, which knows the key "GOOD".
class KeyedOrigins final : public OriginFactory {
 public:
  Result<OriginConfig> default_config(const BucketName&) override {
    return OriginConfig{.url = "keyed:", .access_key = "OLD", .secret = Secret("old")};
  }
  Task<std::shared_ptr<origin::Origin>> open(const Bucket& bucket, bool, obs::Counter&,
                                             Context) override {
    auto made = std::make_shared<LyingOrigin>();
    if (keyed) made->keys = bucket.config.access_key;
    made->lists = [key = bucket.config.access_key](origin::ListOptions) {
      Result<origin::ListAnswer> page = origin::ListAnswer{};
      if (key != "GOOD") page = fail(Code::denied, "unknown key", "AccessDenied");
      return page;
    };
    last = made;
    co_return std::shared_ptr<origin::Origin>(made);
  }
  bool keyed = true;
  std::shared_ptr<LyingOrigin> last;
};

TEST_F(BucketsTest, keys_that_the_origin_takes_are_kept_and_used_by_who_holds_the_bucket) {
  KeyedOrigins origins;
  Buckets buckets(rows_, origins, metrics_);
  BucketRef held = run(buckets.create(*BucketName::parse("one"), {}, ctx())).value();
  auto own = origins.last;
  auto bad = run(buckets.set_keys(held, "BAD", Secret("b"), ctx()));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().detail(), "AccessDenied");
  EXPECT_EQ(own->keys, "OLD") << "the old ones are still good";
  EXPECT_EQ((*buckets.get("one"))->config.access_key, "OLD");
  ASSERT_TRUE(run(buckets.set_keys(held, "GOOD", Secret("g"), ctx())));
  EXPECT_EQ(own->keys, "GOOD:g");
  BucketRef now = *buckets.get("one");
  EXPECT_EQ(now->origin, held->origin);
  EXPECT_EQ(now->incarnation, held->incarnation) << "what is cached is good as before";
  EXPECT_EQ(now->config.access_key, "GOOD");
  Buckets again(rows_, origins, metrics_);
  ASSERT_TRUE(run(again.load(ctx())));
  EXPECT_EQ((*again.get("one"))->config.secret.reveal(), "g");

  meta::FaultyStore faulty(rows_, {.refuse = 1});
  Buckets unlucky(faulty, origins, metrics_);
  faulty.options().refuse = 0;
  ASSERT_TRUE(run(unlucky.load(ctx())));
  own = origins.last;
  faulty.options().refuse = 1;
  EXPECT_FALSE(run(unlucky.set_keys(*unlucky.get("one"), "GOOD", Secret("h"), ctx())));
  EXPECT_EQ(own->keys, "GOOD") << "what was not kept is not used";
}

TEST_F(BucketsTest, a_hedge_is_kept_and_told_to_the_origin_of_who_holds_the_bucket) {
  using origin::Hedging;
  KeyedOrigins origins;
  Buckets buckets(rows_, origins, metrics_);
  BucketRef held =
      run(buckets.create(*BucketName::parse("one"), {.hedge = Hedging::p95}, ctx())).value();
  EXPECT_EQ(origins.last->hedging, Hedging::p95);
  auto own = origins.last;
  auto set = [&](Buckets& of, Hedging to) {
    return run(
        of.update(*of.get("one"), [to](BucketSettings& settings) { settings.hedge = to; }, ctx()));
  };
  ASSERT_TRUE(set(buckets, Hedging::p99));
  EXPECT_EQ(own->hedging, Hedging::p99);
  EXPECT_EQ((*buckets.get("one"))->origin, held->origin);
  EXPECT_EQ((*buckets.get("one"))->settings.hedge, Hedging::p99);

  meta::FaultyStore faulty(rows_, {.refuse = 1});
  Buckets again(faulty, origins, metrics_);
  faulty.options().refuse = 0;
  ASSERT_TRUE(run(again.load(ctx())));
  EXPECT_EQ(origins.last->hedging, Hedging::p99) << "after a restart too";
  faulty.options().refuse = 1;
  EXPECT_FALSE(set(again, Hedging::off));
  EXPECT_EQ(origins.last->hedging, Hedging::p99) << "what was not kept is not done";

  origins.keyed = false;
  auto two = run(buckets.create(*BucketName::parse("two"), {.hedge = Hedging::p99}, ctx()));
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error().detail(), "NotImplemented");
  EXPECT_FALSE(buckets.get("two"));
}

TEST_F(BucketsTest, an_origin_without_keys_is_given_none) {
  KeyedOrigins origins;
  origins.keyed = false;
  Buckets buckets(rows_, origins, metrics_);
  BucketRef made = run(buckets.create(*BucketName::parse("one"), {}, ctx())).value();
  auto set = run(buckets.set_keys(made, "GOOD", Secret("g"), ctx()));
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().detail(), "NotImplemented");
  EXPECT_EQ((*buckets.get("one"))->config.access_key, "OLD");
}

Task<> change_tags(Buckets& buckets, BucketRef bucket, Context ctx) {
  co_return co_await buckets.update(
      bucket, [](BucketSettings& settings) { settings.tags = {{"a", "b"}}; }, ctx);
}

Task<> change_cors(Buckets& buckets, BucketRef bucket, Context ctx) {
  co_return co_await buckets.update(
      bucket, [](BucketSettings& settings) { settings.cors.push_back({.id = "one"}); }, ctx);
}

Task<> change_both(Buckets& buckets, BucketRef bucket, Context ctx) {
  io::Group group(ctx);
  for (int i = 0; i < 4; ++i) {
    group.spawn(change_tags(buckets, bucket, ctx));
    group.spawn(change_cors(buckets, bucket, ctx));
  }
  co_return co_await group.join();
}

TEST_F(BucketsTest, changes_at_once_are_made_one_after_the_other) {
  BucketRef made = *create("one");
  EXPECT_TRUE(run(change_both(buckets_, made, ctx())));
  EXPECT_EQ((*buckets_.get("one"))->settings.cors.size(), 4U);
  EXPECT_EQ((*buckets_.get("one"))->settings.tags.size(), 1U);
}

TEST_F(BucketsTest, a_change_meets_its_bucket_or_none) {
  BucketRef made = *create("one");
  BucketName one = *BucketName::parse("one");
  auto tag = [](BucketSettings& settings) { settings.tags = {{"a", "b"}}; };
  EXPECT_TRUE(run(buckets_.remove(one, Removal::forget, ctx())));
  EXPECT_EQ(run(buckets_.update(made, tag, ctx())).error().detail(), "NoSuchBucket");
  BucketRef next = *create("one");
  EXPECT_EQ(run(buckets_.update(made, tag, ctx())).error().detail(), "OperationAborted");
  EXPECT_TRUE((*buckets_.get("one"))->settings.tags.empty());
  // Another daemon's hand on the row, or one that has gone.
  meta::Txn txn;
  txn.remove(meta::schema::bucket(one));
  ASSERT_TRUE(run(rows_.commit(std::move(txn), ctx())));
  EXPECT_EQ(run(buckets_.update(next, tag, ctx())).error().detail(), "OperationAborted");
  EXPECT_TRUE((*buckets_.get("one"))->settings.tags.empty());
}

TEST_F(BucketsTest, a_row_that_cannot_be_read_stops_the_load) {
  for (const char* row : {"", "x", "{}", R"({"incarnation":1})",
                          R"({"incarnation":1,"origin":"x","freshness":"never"})",
                          R"({"incarnation":1,"origin":"x","freshness":"exact","verify":"no"})"}) {
    EXPECT_TRUE(run(rows_.commit(meta::Txn().put("bucket/one", row), ctx())));
    EXPECT_FALSE(run(buckets_.load(ctx()))) << row;
  }
}

TEST_F(BucketsTest, an_empty_page_is_no_empty_bucket) {
  auto liar = std::make_shared<LyingOrigin>();
  OneOrigin origins(liar);
  Buckets buckets(rows_, origins, metrics_);
  int pages = 0, last = 3;
  bool object = true;
  liar->lists = [&](const origin::ListOptions& options) -> Result<origin::ListAnswer> {
    int at = options.continuation.empty() ? 1 : std::stoi(options.continuation);
    EXPECT_EQ(at, ++pages);
    origin::ListAnswer page{.truncated = at != last, .next = std::to_string(at + 1)};
    if (at == last && object) page.objects.push_back({.key = "precious"});
    return page;
  };
  BucketName one = *BucketName::parse("one");
  ASSERT_TRUE(run(buckets.create(one, {.config = {"liar:", {}, {}}}, ctx())));
  auto remove = [&] {
    pages = 0;
    return run(buckets.remove(one, Removal::if_empty, ctx()));
  };
  EXPECT_EQ(remove().error().detail(), "BucketNotEmpty");
  EXPECT_EQ(pages, 3);
  last = -1;  // it goes on for ever
  EXPECT_EQ(remove().error().detail(), "BucketNotEmpty");
  EXPECT_LE(pages, 1000);
  EXPECT_EQ(liar->drops, 0) << "its uploads are still there";
  EXPECT_TRUE(buckets.get("one"));
  last = 3;
  object = false;
  liar->lists = [&](const origin::ListOptions& options) -> Result<origin::ListAnswer> {
    bool more = options.continuation.empty();
    return origin::ListAnswer{.truncated = more, .next = more ? "2" : ""};
  };
  EXPECT_TRUE(remove()) << "empty to its end";
  EXPECT_EQ(liar->drops, 1);
}

}  // namespace
}  // namespace forebay::object
