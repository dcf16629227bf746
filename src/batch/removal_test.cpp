#include "batch/removal.h"

#include "batch/jobs_test.h"

namespace forebay::batch {
namespace {

class KeptRemoval final : public Keeper {
 public:
  Task<> keep(bool durably, Context) override {
    EXPECT_TRUE(durably);
    rows.push_back(encode(work->settled()));
    co_return ok;
  }
  std::vector<std::string> rows;
  Work* work = nullptr;
};

// How many objects a page of an origin's list has at most.
constexpr uint64_t kPage = 1000;

class RemovalTest : public JobsTest {
 protected:
  Record record(const std::string& prefix = "") {
    Record out;
    out.id = "0123456789abcdef";
    out.kind = Kind::removal;
    out.bucket = "data";
    out.incarnation = (*buckets_.get("data"))->incarnation;
    out.prefix = prefix;
    return out;
  }
  Result<> remove(Record& record) {
    Removal work({buckets_, objects_, kept_}, record);
    kept_.work = &work;
    Result<> end = run(work.run(ctx()));
    way_ = work.way(loop_.now());
    settled_ = work.settled();
    return end;
  }
  std::vector<std::string> left() {
    std::vector<std::string> out;
    auto page = run((*buckets_.get("data"))->origin->list({}, ctx()));
    if (page) {
      for (auto& one : page->objects) out.push_back(one.key);
    }
    return out;
  }

  KeptRemoval kept_;
  Way way_;
  Record settled_;
};

TEST_F(RemovalTest, what_begins_so_goes_and_nothing_else) {
  fill("a", 30, 100);
  fill("b", 30, 100);
  Record asked = record("a");
  ASSERT_TRUE(remove(asked));
  EXPECT_EQ(asked.counts, (Counts{.objects = 30, .bytes = 3000, .found = 0, .failed = 0}));
  EXPECT_EQ(asked.after, numbered("a", 29));
  EXPECT_EQ(left().size(), 30U);
  EXPECT_EQ(left().front(), numbered("b", 0));
  EXPECT_TRUE(way_.listed);
  EXPECT_EQ(way_.known_objects, 30U);
  EXPECT_EQ(way_.known_bytes, way_.bytes);
}

TEST_F(RemovalTest, many_pages_and_none) {
  Record nothing = record();
  ASSERT_TRUE(remove(nothing));
  EXPECT_EQ(nothing.counts, Counts{});
  fill("k", kPage + 1, 1);
  Record asked = record();
  ASSERT_TRUE(remove(asked));
  EXPECT_EQ(asked.counts.objects, kPage + 1);
  EXPECT_EQ(left().size(), 0U);
}

// A process that goes on may remove nothing that was written before the place where this one was.
class Ahead final : public testkit::MemoryHook {
 public:
  explicit Ahead(KeptRemoval& kept) : kept_(kept) {}
  Task<> at(testkit::MemoryStep step, testkit::MemoryRequest request, Context) override {
    bool counts = request.operation == "remove" && step == testkit::MemoryStep::arrive;
    if (counts && removed++ >= kPage) {
      EXPECT_EQ(kept_.rows.size(), (removed - 1) / kPage) << request.key;
      auto row = parse_record("0123456789abcdef", kept_.rows.empty() ? "" : kept_.rows.back());
      EXPECT_TRUE(row && row->counts.objects % kPage == 0 && row->after < request.key);
    }
    co_return ok;
  }
  uint64_t removed = 0;

 private:
  KeptRemoval& kept_;
};

TEST_F(RemovalTest, the_place_is_kept_before_a_page_is_begun) {
  fill("k", 2 * kPage + 10, 1);
  Ahead ahead(kept_);
  origin_->set_hook(&ahead);
  Record asked = record();
  ASSERT_TRUE(remove(asked));
  origin_->set_hook(nullptr);
  EXPECT_EQ(ahead.removed, 2 * kPage + 10);
  EXPECT_EQ(kept_.rows.size(), 3U);
}

TEST_F(RemovalTest, what_was_read_is_not_served_any_more) {
  fill("k", 1, 100'000);
  object::ReadRequest request{.bucket = *buckets_.get("data"), .key = *ObjectKey::parse("k000000")};
  ASSERT_TRUE(run(objects_.read(request, ctx())));
  Record asked = record();
  ASSERT_TRUE(remove(asked));
  auto again = run(objects_.read(request, ctx()));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Code::not_found);
}

TEST_F(RemovalTest, what_fails_is_counted_and_named_and_the_others_go) {
  fill("k", 40, 100);
  origin_->fail_next("remove", fail(Code::denied, "not yours", "AccessDenied"));
  Record asked = record();
  ASSERT_TRUE(remove(asked));
  EXPECT_EQ(asked.counts.objects, 39U);
  EXPECT_EQ(asked.counts.failed, 1U);
  ASSERT_EQ(asked.failures.size(), 1U);
  EXPECT_EQ(asked.failures[0].reason, "not yours");
  EXPECT_EQ(left().size(), 1U);
}

TEST_F(RemovalTest, what_may_be_done_later_is_tried_again) {
  fill("k", 3, 100);
  for (int i = 1; i < Work::kTries; ++i) {
    origin_->fail_next("remove", fail(Code::busy, "slow", "SlowDown"));
    origin_->fail_next("list", fail(Code::unavailable, "away"));
  }
  Record asked = record();
  ASSERT_TRUE(remove(asked));
  EXPECT_EQ(asked.counts.objects, 3U);
  EXPECT_EQ(asked.counts.failed, 0U);
}

TEST_F(RemovalTest, too_many_failures_in_a_row_end_it) {
  fill("k", 500, 100);
  for (uint64_t i = 0; i < 500; ++i) {
    origin_->fail_next("remove", fail(Code::denied, "not yours", "AccessDenied"));
  }
  Record asked = record();
  Result<> end = remove(asked);
  ASSERT_FALSE(end);
  EXPECT_NE(end.error().text().find("100 objects in a row"), std::string::npos);
  EXPECT_GE(asked.counts.failed, Work::kMostFailed);
  EXPECT_LE(asked.counts.failed, Work::kMostFailed + Removal::kAtOnce);
  EXPECT_EQ(left().size(), 500U);
}

// What is written behind the place where it is goes too; what is written before it stays.
TEST_F(RemovalTest, goes_on_where_the_row_stands) {
  fill("k", 100, 1);
  Record asked = record();
  asked.after = numbered("k", 49);
  ASSERT_TRUE(remove(asked));
  EXPECT_EQ(asked.counts.objects, 50U);
  EXPECT_EQ(left().size(), 50U);
  EXPECT_EQ(left().back(), numbered("k", 49));
}

TEST_F(RemovalTest, another_bucket_of_that_name_is_left_alone) {
  fill("k", 10, 1);
  Record asked = record();
  ASSERT_TRUE(run(buckets_.remove(*BucketName::parse("data"), object::Removal::forget, ctx())));
  make("data");
  Result<> end = remove(asked);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().detail(), "NoSuchBucket");
  EXPECT_EQ(left().size(), 10U);
}

TEST_F(RemovalTest, a_job_of_it_is_kept_and_done_after_a_restart) {
  fill("k", 2 * kPage + 5, 10);
  origin_->options().delay = milliseconds(100);
  open();
  auto made = run(jobs_->removal("data", "k", ctx()));
  ASSERT_TRUE(made);
  std::string id = made->record.id;
  auto twice = run(jobs_->removal("data", "k", ctx()));
  EXPECT_EQ(twice.error().detail(), "JobExists");
  auto fetched = run(jobs_->prefetch("data", "k", ctx()));
  EXPECT_TRUE(fetched) << "another kind of work is another job";
  ASSERT_TRUE(run(jobs_->cancel(fetched->record.id, ctx())));
  while (shown(id).record.counts.objects < kPage + 100) ASSERT_TRUE(world_->step());
  close();
  size_t before = left().size();
  EXPECT_LT(before, kPage);
  open();
  while (!ended(state(id))) ASSERT_TRUE(world_->step());
  EXPECT_EQ(state(id), State::done);
  EXPECT_EQ(shown(id).record.kind, Kind::removal);
  EXPECT_EQ(left().size(), 0U);
}

TEST_F(RemovalTest, a_cancel_leaves_the_rest) {
  fill("k", kPage, 10);
  origin_->options().delay = milliseconds(100);
  open();
  std::string id = run(jobs_->removal("data", "", ctx()))->record.id;
  while (shown(id).record.counts.objects < 100) ASSERT_TRUE(world_->step());
  ASSERT_TRUE(run(jobs_->cancel(id, ctx())));
  // What was under way has come to its end, and nothing comes after.
  std::vector<std::string> rest = left();
  EXPECT_GT(rest.size(), kPage / 2);
  world_->settle();
  EXPECT_EQ(left(), rest);
  EXPECT_EQ(state(id), State::cancelled);
}

}  // namespace
}  // namespace forebay::batch
