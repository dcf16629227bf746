// Units that are fetched before anybody reads them.
#include "unit/world_test.h"

namespace forebay::unit {
namespace {

class AheadTest : public CacheTest {
 protected:
  /// Begins it and waits until it is over.
  Task<> bring(VersionRef version, Unit unit, Context ctx) {
    auto turn = co_await co_await cache_->turn_ahead(version, ctx);
    Cache::Coming coming =
        co_await cache_->begin_ahead(version, unit, {}, std::move(turn), *ctx.loop);
    if (coming.fill == nullptr) co_return ok;
    co_return co_await cache_->arrived(std::move(coming.fill), ctx);
  }
  Result<> bring(const VersionRef& version) {
    return world_->run(bring(version, whole(version), ctx()));
  }
  void begin(const VersionRef& version) {
    io::start<void>(loop_, bring(version, whole(version), ctx()),
                    [this](Result<> end) { ends_.push_back(std::move(end)); });
  }
  void wait(Duration time) { EXPECT_TRUE(world_->run(io::sleep_until(loop_.now() + time, ctx()))); }

  std::vector<Result<>> ends_;
};

TEST_F(AheadTest, small_and_large_ones_come_once) {
  open();
  for (uint64_t size : {uint64_t{100}, 64 * kKiB, 64 * kKiB + 1, 3 * kMiB}) {
    VersionRef version = object("k" + std::to_string(size), pattern(size));
    uint64_t before = origin_bytes();
    EXPECT_TRUE(bring(version));
    EXPECT_TRUE(cache_->contains(whole(version).id));
    EXPECT_TRUE(bring(version));
    EXPECT_EQ(origin_bytes() - before, size);
    EXPECT_EQ(get(version, {0, size}).value_or(""), pattern(size));
    EXPECT_EQ(served(), Served::hit);
  }
  EXPECT_EQ(gauge(R"(forebay_unit_reads_total{result="miss"})"), "0") << "nobody has read them";
}

TEST_F(AheadTest, what_a_reader_left_over_comes_too) {
  // Without streams for rests a reader's piece would be dropped.
  open({.rest_streams = 1});
  VersionRef version = object("k", pattern(2 * kMiB));
  VersionRef other = object("other", pattern(2 * kMiB));
  origin_->options().body_rate = kMiB;
  EXPECT_TRUE(cache_->prefetch(other, whole(other), loop_)) << "takes that stream";
  auto opened =
      world_->run(cache_->open(version, whole(version), {kMiB, 512 * kKiB}, Mode::normal, ctx()));
  ASSERT_TRUE(opened);
  EXPECT_TRUE(bring(version));
  EXPECT_TRUE(cache_->contains(whole(version).id));
  EXPECT_EQ(world_->run(drain(std::move(opened->source), ~uint64_t{0}, ctx())).value_or(""),
            pattern(2 * kMiB).substr(kMiB, 512 * kKiB));
  world_->settle();
  EXPECT_EQ(origin_bytes(), 4 * kMiB);
}

TEST_F(AheadTest, those_who_wait_for_a_stream_go_first) {
  open({.demand_streams = 1, .ahead_streams = 2});
  origin_->options().body_rate = kMiB;
  VersionRef first = object("first", pattern(kMiB)), second = object("second", pattern(kMiB));
  VersionRef ahead = object("ahead", pattern(kMiB));
  io::Group group(ctx());
  group.spawn(read_one(first, pattern(kMiB), ctx()));
  group.spawn(read_one(second, pattern(kMiB), ctx()));
  wait(milliseconds(1));
  begin(ahead);
  EXPECT_TRUE(world_->run(group.join()));
  world_->settle();
  ASSERT_EQ(ends_.size(), 1U);
  EXPECT_TRUE(ends_[0]);
  auto requests = origin_->requests();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[2].key, "ahead");
}

TEST_F(AheadTest, so_many_streams_and_no_more) {
  open({.ahead_streams = 3});
  origin_->options().body_rate = kMiB;
  std::vector<VersionRef> all;
  for (int i = 0; i < 6; ++i) {
    all.push_back(object("k" + std::to_string(i), pattern(kMiB, i)));
    begin(all.back());
  }
  wait(milliseconds(500));
  EXPECT_EQ(origin_->counts("get").requests, 3U);
  world_->settle();
  EXPECT_EQ(ends_.size(), 6U);
  for (const Result<>& end : ends_) EXPECT_TRUE(end);
  EXPECT_EQ(origin_bytes(), 6 * kMiB);
}

TEST_F(AheadTest, without_room_it_says_so) {
  open({}, 32 * kMiB);
  VersionRef large = object("large", pattern(40 * kMiB));
  Result<> none = bring(large);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().detail(), "ENOSPC");
  EXPECT_EQ(origin_->counts("get").requests, 0U);
  EXPECT_LT(cache_->room().bytes, 32 * kMiB);
  EXPECT_GT(cache_->room().bytes, 20 * kMiB);
}

TEST_F(AheadTest, an_error_is_told_to_who_waits) {
  open();
  VersionRef small = object("small", pattern(100)), large = object("large", pattern(kMiB));
  for (const VersionRef& version : {small, large}) {
    origin_->change(version->key.text(), "another");
    Result<> end = bring(version);
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().code(), Code::conflict);
  }
}

TEST_F(AheadTest, a_use_is_one) {
  open({}, 32 * kMiB);
  std::vector<VersionRef> all;
  for (int i = 0; i < 6; ++i) {
    all.push_back(object("k" + std::to_string(i), pattern(4 * kMiB, i)));
    EXPECT_TRUE(bring(all.back()));
  }
  EXPECT_TRUE(bring(all[0])) << "here already";
  VersionRef more = object("more", pattern(8 * kMiB));
  for (int i = 0; i < 10 && !bring(more); ++i) EXPECT_TRUE(world_->run(store_->evict(ctx())));
  EXPECT_TRUE(cache_->contains(whole(all[0]).id));
  EXPECT_FALSE(cache_->contains(whole(all[1]).id)) << "it was used before the first one was again";
}

}  // namespace
}  // namespace forebay::unit
