// Cold reads of larger objects that cost one request, because the last ones were cold too.
#include <gtest/gtest.h>

#include "object/world_test.h"

namespace forebay::object {
namespace {

constexpr uint64_t kSize = 3 << 20;

class EagerTest : public ObjectTest {
 protected:
  explicit EagerTest(uint64_t capacity = 256 << 20) : ObjectTest(capacity) {}

  static Task<> read_whole(Store& objects, ReadRequest asked, int* good, Context ctx) {
    auto answer = co_await co_await objects.read(std::move(asked), ctx);
    std::string all = co_await co_await io::read_all(std::move(answer.body), kSize, ctx);
    if (all == pattern(kSize, 10)) ++*good;
    co_return ok;
  }
  static Task<> read_often(Store& objects, ReadRequest asked, int* good, Context ctx) {
    io::Group group(ctx);
    for (int i = 0; i < 8; ++i) group.spawn(read_whole(objects, asked, good, ctx));
    co_return co_await group.join();
  }

  ObjectKey name(uint64_t number) { return *ObjectKey::parse("k" + std::to_string(number)); }
  void make(uint64_t number, uint64_t size = kSize) {
    origin_->change(name(number).text(), pattern(size, number));
  }
  ReadRequest request(uint64_t number) { return {.bucket = bucket_, .key = name(number)}; }
  /// Reads it whole and looks at every byte. What that cost the origin is in `heads` and `gets`.
  void read(uint64_t number, unit::Served served, uint64_t size = kSize) {
    origin_->reset_counts();
    auto answer = run(objects_.read(request(number), ctx()));
    ASSERT_TRUE(answer) << answer.error().text();
    EXPECT_EQ(answer->served, served) << number;
    Result<std::string> all = run(io::read_all(std::move(answer->body), size, ctx()));
    EXPECT_TRUE(all && *all == pattern(size, number)) << number;
    world_->settle();
    heads_asked_ = origin_->counts("head").requests;
    gets_ = origin_->counts("get").requests;
  }
  /// So many in a row that the next is asked for eagerly.
  void warm_up() {
    for (uint64_t n = 0; n < 8; ++n) {
      make(n);
      read(n, unit::Served::miss);
      EXPECT_EQ(heads_asked_, 1U);
      EXPECT_EQ(gets_, 1U);
    }
  }

  BucketRef bucket_ = make_bucket(origin_, "exact");
  uint64_t heads_asked_ = 0, gets_ = 0;
};

TEST_F(EagerTest, the_answer_to_the_question_fills_the_unit) {
  warm_up();
  for (uint64_t n = 10; n < 14; ++n) {
    make(n);
    read(n, unit::Served::miss);
    EXPECT_EQ(heads_asked_, 0U);
    EXPECT_EQ(gets_, 1U);
    EXPECT_EQ(origin_->counts("get").bytes, kSize);
  }
  read(13, unit::Served::hit);
  EXPECT_EQ(gets_, 0U) << "it is kept";
}

TEST_F(EagerTest, many_at_once_share_it) {
  warm_up();
  make(10);
  origin_->reset_counts();
  int good = 0;
  EXPECT_TRUE(run(read_often(objects_, request(10), &good, ctx())));
  EXPECT_EQ(good, 8);
  EXPECT_EQ(origin_->counts("get").requests, 1U);
  EXPECT_EQ(origin_->counts("get").bytes, kSize);
}

TEST_F(EagerTest, what_was_cached_after_all_ends_it) {
  warm_up();
  // Cached, but its head is known no more.
  Heads fresh(meta_, crews_, {.max_bytes = 1 << 20}, metrics_);
  Store store(fresh, *cache_, crews_, metrics_);
  origin_->reset_counts();
  auto answer = run(store.read(request(3), ctx()));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->served, unit::Served::hit);
  Result<std::string> all = run(io::read_all(std::move(answer->body), kSize, ctx()));
  EXPECT_TRUE(all && *all == pattern(kSize, 3));
  EXPECT_EQ(origin_->counts("get").requests, 1U) << "the wrong guess";
  make(20);
  read(20, unit::Served::miss);
  EXPECT_EQ(heads_asked_, 1U);
}

TEST_F(EagerTest, a_range_and_a_head_are_not_asked_for_so) {
  warm_up();
  make(10);
  ReadRequest ranged = request(10);
  ranged.range = RangeRequest::parse("bytes=0-9");
  ASSERT_TRUE(ranged.range);
  origin_->reset_counts();
  auto answer = run(objects_.read(ranged, ctx()));
  ASSERT_TRUE(answer);
  EXPECT_EQ(run(io::read_all(std::move(answer->body), 10, ctx())),
            pattern(kSize, 10).substr(0, 10));
  EXPECT_EQ(origin_->counts("head").requests, 1U);
  make(11);
  ReadRequest head = request(11);
  head.body = false;
  origin_->reset_counts();
  ASSERT_TRUE(run(objects_.read(head, ctx())));
  EXPECT_EQ(origin_->counts("get").requests, 0U);
}

TEST_F(EagerTest, bodies_that_break_are_gone_on_with) {
  warm_up();
  origin_->options().broken_body = 0.5;
  uint64_t most = 0;
  for (uint64_t n = 10; n < 20; ++n) {
    make(n);
    read(n, unit::Served::miss);
    EXPECT_EQ(heads_asked_, 0U);
    most = std::max(most, gets_);
  }
  EXPECT_GT(most, 1U) << "none has broken";
}

TEST_F(EagerTest, objects_of_several_units_are_not) {
  bucket_ = make_bucket(origin_, "exact", 1 << 20);
  for (uint64_t n = 0; n < 20; ++n) {
    make(n);
    read(n, unit::Served::miss);
    EXPECT_EQ(heads_asked_, 1U);
  }
}

class EagerWithoutRoom : public EagerTest {
 protected:
  EagerWithoutRoom() : EagerTest(48 << 20) {}
};

TEST_F(EagerWithoutRoom, the_answer_goes_to_the_reader) {
  warm_up();
  make(10, 60 << 20);
  read(10, unit::Served::bypass, 60 << 20);
  EXPECT_EQ(heads_asked_, 0U);
  EXPECT_EQ(gets_, 1U);
  make(11);
  read(11, unit::Served::miss);
  EXPECT_EQ(heads_asked_, 1U) << "what is not kept is no sign";
}

}  // namespace
}  // namespace forebay::object
