#include "unit/cache.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "unit/world_test.h"

namespace forebay::unit {
namespace {

TEST_F(CacheTest, sixty_four_readers_share_one_fill) {
  for (uint64_t size : {8 * kMiB, 20 * kKiB}) {
    if (cache_ == nullptr) open();
    origin_->reset_counts();
    origin_->options().chunk_delay = milliseconds(3);
    std::string bytes = pattern(size);
    VersionRef version = object("key" + std::to_string(size), bytes);
    served_.clear();
    EXPECT_TRUE(world_->run(read_many(version, 64, bytes)));
    EXPECT_EQ(origin_bytes(), size);
    EXPECT_EQ(std::ranges::count(served_, Served::miss), 1);
    EXPECT_EQ(std::ranges::count(served_, Served::joined), 63);
    world_->settle();
    EXPECT_EQ(get(version, {0, size}), bytes);
    EXPECT_EQ(served(), Served::hit);
    EXPECT_EQ(origin_bytes(), size);
  }
}

TEST_F(CacheTest, a_range_at_the_end_does_not_wait_for_the_unit) {
  open();
  origin_->options().body_rate = 20'000'000;
  std::string bytes = pattern(64 * kMiB);
  VersionRef version = object("key", bytes);
  Time begun = loop_.now();
  EXPECT_EQ(get(version, {64 * kMiB - 1000, 1000}), bytes.substr(64 * kMiB - 1000));
  EXPECT_LT(loop_.now() - begun, seconds(1));  // the unit takes 3.4 s
  world_->settle();
  EXPECT_EQ(origin_bytes(), 64 * kMiB) << "the rest followed, nothing came twice";
  EXPECT_EQ(get(version, {0, 10}), bytes.substr(0, 10));
  EXPECT_EQ(served(), Served::hit);
}

TEST_F(CacheTest, a_range_at_the_end_overtakes_a_fill_under_way) {
  open();
  origin_->options().body_rate = 20'000'000;
  std::string bytes = pattern(64 * kMiB);
  VersionRef version = object("key", bytes);
  EXPECT_TRUE(world_->run(peek(version, ctx())));
  Time begun = loop_.now();
  EXPECT_EQ(get(version, {64 * kMiB - 1000, 1000}), bytes.substr(64 * kMiB - 1000));
  EXPECT_EQ(served(), Served::joined);
  EXPECT_LT(loop_.now() - begun, seconds(1));
  world_->settle();
  // What the overtaken stream had in its hands is all that may be too much.
  EXPECT_LE(origin_bytes(), 64 * kMiB + 1000 + 64 * kKiB);
  EXPECT_TRUE(cache_->contains(whole(version).id));
}

TEST_F(CacheTest, a_fill_goes_on_when_its_reader_leaves) {
  open();
  origin_->options().chunk_delay = milliseconds(3);
  std::string bytes = pattern(2 * kMiB);
  VersionRef version = object("key", bytes);
  EXPECT_TRUE(world_->run(peek(version, ctx())));
  EXPECT_FALSE(cache_->contains(whole(version).id));
  world_->settle();
  EXPECT_EQ(get(version, {0, 2 * kMiB}), bytes);
  EXPECT_EQ(served(), Served::hit);
  EXPECT_EQ(origin_bytes(), 2 * kMiB);
}

TEST_F(CacheTest, a_full_disk_is_read_past) {
  open({}, 8 * kMiB);
  std::string bytes = pattern(16 * kMiB);
  VersionRef version = object("key", bytes);
  EXPECT_EQ(get(version, {0, 16 * kMiB}), bytes);
  EXPECT_EQ(served(), Served::bypass);
  EXPECT_EQ(gauge("forebay_reads_without_space_total"), "1");
  EXPECT_EQ(origin_->counts("get").requests, 1U) << "what is read past is not asked for twice";
  EXPECT_TRUE(cache_->prefetch(version, whole(version), loop_));
  world_->settle();
  EXPECT_EQ(origin_->counts("get").requests, 1U) << "nor ahead of its reader";
  EXPECT_FALSE(cache_->contains(whole(version).id));
}

TEST_F(CacheTest, a_disk_that_fails_under_a_fill_is_not_the_readers_trouble) {
  open();
  origin_->options().chunk_delay = milliseconds(5);
  std::string bytes = pattern(4 * kMiB);
  VersionRef version = object("key", bytes);
  EXPECT_TRUE(world_->run(peek(version, ctx())));
  // This reader waits for bytes that the fill will not bring.
  std::optional<Result<std::string>> text;
  ByteRange last{3 * kMiB, kMiB};
  io::start<std::string>(loop_, read(version, whole(version), last, Mode::normal, ctx()),
                         [&](Result<std::string> result) { text.emplace(std::move(result)); });
  world_->options().disk_error = 1;
  while (gauge("forebay_fills_failed_total") == "0") ASSERT_TRUE(world_->step());
  world_->options().disk_error = 0;
  while (!text) ASSERT_TRUE(world_->step());
  EXPECT_EQ(*text, bytes.substr(3 * kMiB));
  EXPECT_EQ(served(), Served::bypass);
  world_->settle();
  EXPECT_FALSE(cache_->contains(whole(version).id));
}

TEST_F(CacheTest, keep_serves_what_is_here_and_stores_nothing) {
  open();
  VersionRef version = object("key", pattern(kMiB));
  EXPECT_EQ(get(version, {0, kMiB}, Mode::keep), pattern(kMiB));
  EXPECT_EQ(served(), Served::bypass);
  EXPECT_FALSE(cache_->contains(whole(version).id));
  EXPECT_TRUE(get(version, {0, kMiB}));
  world_->settle();
  origin_->reset_counts();
  EXPECT_EQ(get(version, {0, kMiB}, Mode::keep), pattern(kMiB));
  EXPECT_EQ(served(), Served::hit);
  EXPECT_EQ(origin_bytes(), 0U);
}

TEST_F(CacheTest, past_neither_looks_nor_stores) {
  open();
  VersionRef version = object("key", pattern(kMiB));
  EXPECT_TRUE(get(version, {0, kMiB}));
  world_->settle();
  origin_->reset_counts();
  EXPECT_EQ(get(version, {100, 1000}, Mode::past), pattern(kMiB).substr(100, 1000));
  EXPECT_EQ(served(), Served::bypass);
  EXPECT_EQ(origin_bytes(), 1000U);
}

TEST_F(CacheTest, without_budget_the_rest_is_dropped) {
  open({.rest_streams = 0});
  VersionRef version = object("key", pattern(2 * kMiB));
  EXPECT_EQ(get(version, {kMiB, 1000}), pattern(2 * kMiB).substr(kMiB, 1000));
  world_->settle();
  EXPECT_EQ(origin_bytes(), 1000U);
  EXPECT_FALSE(cache_->contains(whole(version).id));
  EXPECT_EQ(gauge("forebay_fills_dropped_total"), "1");
  EXPECT_FALSE(cache_->prefetch(version, whole(version), loop_));
}

TEST_F(CacheTest, an_origin_that_hangs_holds_up_its_own_readers_only) {
  open({.demand_streams = 2, .rest_streams = 1}, 16 * kMiB);
  std::string bytes = pattern(3 * kMiB);
  VersionRef good = object("good", bytes);
  auto hung = std::make_shared<testkit::MemoryOrigin>(loop_);
  hung->options().delay = seconds(1000);
  auto info = hung->change("hung", pattern(3 * kMiB, 1));
  CancelToken enough;
  io::Group group(ctx());
  for (uint64_t i = 0; i < 8; ++i) {
    auto version = std::make_shared<const Version>(
        Version{hung, *ObjectKey::parse("hung"), info.tag, info.etag, info.version_id, info.size});
    Unit unit = unit_of(version, {0, version->size});
    unit.id.bytes[0] ^= static_cast<uint8_t>(i);  // eight units
    group.spawn(read_in_vain(version, unit, ctx().under(enough)));
  }
  EXPECT_TRUE(world_->run(io::sleep_until(loop_.now() + milliseconds(10), ctx())));
  // Nothing is kept for what may never come, and nobody else waits.
  EXPECT_EQ(store_->stats().disks[0].used, 0U);
  Time began = loop_.now();
  EXPECT_EQ(*get(good, {0, good->size}), bytes);
  EXPECT_LT(loop_.now() - began, seconds(1));
  EXPECT_EQ(served_.at(0), Served::miss);
  EXPECT_TRUE(cache_->prefetch(object("more", bytes), whole(object("more", bytes)), loop_));
  enough.cancel();
  EXPECT_TRUE(world_->run(group.join()));
}

TEST_F(CacheTest, prefetch_brings_a_unit_that_nobody_waits_for) {
  open();
  for (uint64_t size : {2 * kMiB, 10 * kKiB}) {
    VersionRef version = object("key", pattern(size));
    EXPECT_TRUE(cache_->prefetch(version, whole(version), loop_));
    EXPECT_TRUE(cache_->prefetch(version, whole(version), loop_)) << "it is under way";
    world_->settle();
    EXPECT_TRUE(cache_->contains(whole(version).id));
    EXPECT_TRUE(cache_->prefetch(version, whole(version), loop_)) << "it is here";
  }
  EXPECT_EQ(origin_->counts("get").requests, 2U);
}

TEST_F(CacheTest, another_version_is_a_conflict_before_the_first_byte) {
  for (bool conditional : {true, false}) {  // servers that ignore If-Match exist
    origin_->options().capabilities.conditional_get = conditional;
    if (cache_ == nullptr) open();
    for (uint64_t size : {2 * kMiB, 10 * kKiB}) {
      VersionRef old = object("key", pattern(size));
      object("key", std::string(size, 'x'));
      for (Mode mode : {Mode::normal, Mode::past}) {
        EXPECT_EQ(get(old, {0, size}, mode).error().code(), Code::conflict);
      }
      EXPECT_FALSE(cache_->contains(whole(old).id));
    }
  }
}

TEST_F(CacheTest, a_stream_that_breaks_goes_on_where_it_was) {
  open();
  origin_->options().broken_body = 0.5;
  std::string bytes = pattern(2 * kMiB);
  VersionRef version = object("key", bytes);
  EXPECT_EQ(get(version, {0, 2 * kMiB}), bytes);
  EXPECT_EQ(served(), Served::miss);
  EXPECT_EQ(origin_bytes(), 2 * kMiB);
}

TEST_F(CacheTest, an_origin_that_stays_down_fails_the_fill_and_the_next_read_tries_anew) {
  open({.attempts = 2});
  VersionRef version = object("key", pattern(kMiB));
  for (int i = 0; i < 2; ++i) origin_->fail_next("get", fail(Code::unavailable, "down"));
  EXPECT_EQ(get(version, {0, kMiB}).error().code(), Code::unavailable);
  EXPECT_EQ(gauge("forebay_fills_failed_total"), "1");
  EXPECT_EQ(get(version, {0, kMiB}), pattern(kMiB));
  origin_->fail_next("get", fail(Code::denied, "no"));
  VersionRef other = object("other", pattern(kMiB));
  EXPECT_EQ(get(other, {0, kMiB}).error().code(), Code::denied) << "not tried twice";
}

TEST_F(CacheTest, a_fill_that_failed_and_is_still_read_keeps_no_other_from_its_place) {
  open({.attempts = 1});
  origin_->options().body_rate = 100 * kMiB;
  origin_->options().broken_body = 1;
  std::string bytes = pattern(4 * kMiB);
  VersionRef version = object("key", bytes);
  Opened slow =
      *world_->run(cache_->open(version, whole(version), {0, version->size}, Mode::normal, ctx()));
  EXPECT_TRUE(world_->run(io::sleep_until(loop_.now() + milliseconds(5), ctx())));
  origin_->options().error = 1;
  while (gauge("forebay_fills_failed_total") == "0") ASSERT_TRUE(world_->step());
  origin_->options().broken_body = 0;
  origin_->options().error = 0;
  EXPECT_EQ(get(version, {0, version->size}), bytes);
  EXPECT_EQ(served(), Served::miss);
  world_->settle();
  EXPECT_TRUE(cache_->contains(whole(version).id));
}

TEST_F(CacheTest, what_a_read_has_fetched_by_itself_is_a_hit) {
  open();
  VersionRef version = object("key", pattern(5000));
  cache_->admit_filled(version, whole(version), Bytes(pattern(5000)), Served::miss, loop_);
  world_->settle();
  EXPECT_EQ(get(version, {1000, 500}), pattern(5000).substr(1000, 500));
  EXPECT_EQ(served(), Served::hit);
  EXPECT_TRUE(cache_->find(whole(version), {0, 5000}));
  EXPECT_EQ(origin_bytes(), 0U);
  cache_->remove(whole(version).id);
  EXPECT_FALSE(cache_->find(whole(version), {0, 5000}));
}

// An origin that answers every range with all of the object.
class WholeAnswersTest : public CacheTest {
 protected:
  WholeAnswersTest() { origin_->options().ranges = false; }
  uint64_t requests() const { return origin_->counts("get").requests; }
  Task<> read_at(VersionRef version, Unit unit, ByteRange range, std::string expected,
                 Context ctx) {
    auto text = co_await co_await read(version, unit, range, Mode::normal, ctx);
    EXPECT_TRUE(text == expected) << range.offset;
    co_return ok;
  }
};

TEST_F(WholeAnswersTest, one_answer_fills_the_unit) {
  for (bool into : {false, true}) {
    if (cache_ == nullptr) open();
    origin_->options().reads_into = into;
    origin_->reset_counts();
    std::string bytes = pattern(20 * kMiB + 77);
    auto version = object(into ? "a" : "b", bytes);
    auto part = get(version, {9 * kMiB, 1000});
    ASSERT_TRUE(part) << part.error().text();
    EXPECT_TRUE(*part == bytes.substr(9 * kMiB, 1000));
    EXPECT_EQ(served(), Served::miss);
    world_->settle();
    EXPECT_TRUE(store_->contains(whole(version).id));
    EXPECT_TRUE(get(version, {0, version->size}).value_or("") == bytes);
    EXPECT_EQ(served(), Served::hit);
    EXPECT_EQ(requests(), 1U);
    EXPECT_EQ(origin_bytes(), bytes.size());
  }
}

TEST_F(WholeAnswersTest, nobody_overtakes_where_all_comes_in_order) {
  open();
  origin_->options().body_rate = 20 * kMiB;
  std::string bytes = pattern(20 * kMiB);
  auto version = object("key", bytes);
  io::Group group(ctx());
  group.spawn(read_at(version, whole(version), {kMiB, 10}, bytes.substr(kMiB, 10), ctx()));
  (void)world_->run(io::sleep_until(loop_.now() + milliseconds(30), ctx()));
  ByteRange last{19 * kMiB, 100};
  group.spawn(read_at(version, whole(version), last, bytes.substr(last.offset, 100), ctx()));
  EXPECT_TRUE(world_->run(group.join()));
  world_->settle();
  EXPECT_EQ(requests(), 1U);
}

TEST_F(WholeAnswersTest, a_second_unit_and_small_ones_take_what_they_want) {
  open();
  std::string bytes = pattern(6 * kMiB + 1000);
  auto version = object("key", bytes);
  for (ByteRange unit : {ByteRange{4 * kMiB, 2 * kMiB}, {6 * kMiB, 1000}, {0, 4 * kMiB}}) {
    for (Mode mode : {Mode::past, Mode::normal, Mode::normal}) {
      auto text = world_->run(read(version, unit_of(version, unit), unit, mode, ctx()));
      ASSERT_TRUE(text) << text.error().text();
      EXPECT_TRUE(*text == bytes.substr(unit.offset, unit.length)) << unit.offset;
      world_->settle();
    }
    EXPECT_EQ(served(), Served::hit);
  }
}

TEST_F(WholeAnswersTest, readers_in_all_places_at_once_and_bodies_that_break) {
  open();
  origin_->options().broken_body = 0.5;
  origin_->options().chunk_delay = milliseconds(2);
  std::string bytes = pattern(9 * kMiB + 5);
  auto version = object("key", bytes);
  for (int round = 0; round < 10; ++round) {
    io::Group group(ctx());
    for (uint64_t at = 8 * kMiB; at < bytes.size(); at -= kMiB / 2) {
      ByteRange range{at, std::min<uint64_t>(100'000, bytes.size() - at)};
      group.spawn(read_at(version, whole(version), range, bytes.substr(at, range.length), ctx()));
    }
    (void)world_->run(group.join());  // a fill may fail; then its readers say so
    world_->settle();
    if (store_->contains(whole(version).id)) {
      EXPECT_TRUE(get(version, {0, version->size}).value_or("") == bytes);
      store_->remove(whole(version).id);
    }
  }
}

TEST_F(WholeAnswersTest, another_version_is_not_used) {
  open();
  origin_->options().capabilities.conditional_get = false;
  auto version = object("key", pattern(3 * kMiB, 1));
  origin_->change("key", pattern(3 * kMiB, 2));
  EXPECT_EQ(get(version, {kMiB, 10}).error().code(), Code::conflict);
}

}  // namespace
}  // namespace forebay::unit
