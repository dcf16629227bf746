#include "object/kept/kept_sweep.h"

#include "object/kept/kept_world_test.h"

namespace forebay::object {
namespace {

class KeptSweepTest : public KeptTest {
 protected:
  KeptSweepTest() : factory_(origin_), buckets_(machine_, factory_, metrics_) {
    bucket_ = make("one");
  }
  BucketRef make(const std::string& name, std::string_view freshness = "immutable") {
    BucketSpec spec{.config = {.url = "memory:", .access_key = {}, .secret = {}},
                    .freshness = *Freshness::parse(freshness)};
    return *run(buckets_.create(*BucketName::parse(name), spec, mine()));
  }
  void warm(std::string_view key) {
    get(key);
    world_->settle();
    settle();
  }
  void put_row(const BucketRef& bucket, std::string_view key, std::string value) {
    meta::Txn txn;
    txn.put(meta::schema::head(bucket->incarnation, key), std::move(value));
    EXPECT_TRUE(run(machine_.commit(std::move(txn), ctx())));
  }
  void sweep(uint32_t page = 100) {
    KeptSweep sweep(heads().rows(), process_->meta, buckets_, *cache_,
                    {.life = heads().life(), .page = page});
    job::Progress progress;
    Result<> swept = run(sweep.run(progress, mine()));
    EXPECT_TRUE(swept) << swept.error().text();
  }
  size_t rows() {
    return run(meta::scan_all(machine_, meta::Range::prefix(meta::schema::kHeads), 10'000, ctx()))
        .value()
        .size();
  }

  OneOrigin factory_;
  Buckets buckets_;
};

TEST_F(KeptSweepTest, what_is_cached_stays) {
  for (int i = 0; i < 30; ++i) {
    change("key" + std::to_string(i), pattern(100, i));
    warm("key" + std::to_string(i));
  }
  EXPECT_EQ(rows(), 30U);
  sweep(7);
  EXPECT_EQ(rows(), 30U);
  asked();
  restart();
  for (int i = 0; i < 30; ++i) EXPECT_EQ(get("key" + std::to_string(i)), pattern(100, i));
  EXPECT_EQ(asked(), 0U);
}

TEST_F(KeptSweepTest, what_is_not_cached_any_more_goes_for_good) {
  for (int i = 0; i < 30; ++i) {
    std::string key = "key" + std::to_string(i);
    change(key, pattern(100, i));
    warm(key);
    auto head = *run(heads().current(bucket_, key_of(key), false, mine()));
    if (i % 3 == 0) cache_->remove(head->first.id);
  }
  sweep(7);
  EXPECT_EQ(rows(), 20U);
  EXPECT_EQ(row("key0"), std::nullopt);
  EXPECT_TRUE(row("key1"));
  lose_power();
  EXPECT_EQ(rows(), 20U) << "what is gone does not come back with the power";
  start();
}

TEST_F(KeptSweepTest, a_bucket_that_is_gone_leaves_none) {
  change("key", "bytes");
  warm("key");
  bucket_ = make("two");
  warm("key");
  EXPECT_EQ(rows(), 2U);
  EXPECT_TRUE(run(buckets_.remove(*BucketName::parse("two"), Removal::forget, mine())));
  sweep();
  EXPECT_EQ(rows(), 1U);
  EXPECT_EQ(row("key"), std::nullopt);
}

TEST_F(KeptSweepTest, what_cannot_be_read_goes_and_what_is_another_processs_too) {
  put_row(bucket_, "old", R"({"version":1,"tag":"e:","parts":[1,2]})");
  put_row(bucket_, "new", "\x09 of a later version");
  put_row(bucket_, "empty", "");
  BucketRef ttl = make("ttl", "ttl:60s");
  origin::ObjectInfo info = origin_->change("key", "bytes");
  Layout layout = Layout::whole(info.size, ttl->unit_max);
  std::swap(bucket_, ttl);
  warm("key");  // its bytes are here
  KeptStamp stamp{.kind = KeptKind::ttl, .life = heads().life(), .until = kNever};
  put_row(bucket_, "key", *write_kept(stamp, info, layout));
  sweep();
  EXPECT_EQ(rows(), 1U);
  EXPECT_TRUE(row("key"));
  restart();
  sweep();
  EXPECT_EQ(rows(), 0U);
}

TEST_F(KeptSweepTest, parts_of_uploads_stay_whatever_is_cached) {
  origin::ObjectInfo info = origin_->change_parts("key", {pattern(30), pattern(10)});
  Layout known = *Layout::of_parts({30, 10}, bucket_->unit_max);
  EXPECT_TRUE(run(heads().layouts().remember(*bucket_, key_of("key"), info, known, mine())));
  sweep();
  EXPECT_EQ(row_kind("key"), KeptKind::layout);
}

TEST_F(KeptSweepTest, other_rows_are_none_of_its_business) {
  change("key", "bytes");
  warm("key");
  put_row(bucket_, "gone", "?");
  auto all = [&] { return run(meta::scan_all(machine_, {}, 10'000, ctx())).value().size(); };
  size_t before = all();
  sweep();
  EXPECT_EQ(all(), before - 1);
}

}  // namespace
}  // namespace forebay::object
