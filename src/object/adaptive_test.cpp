// Adaptive buckets: as much of an object is fetched as its reads have earned.
#include <algorithm>

#include "object/reader.h"
#include "object/store.h"
#include "object/world_test.h"

namespace forebay::object {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kExtent = Bucket::kExtent;

class AdaptiveTest : public ObjectTest {
 protected:
  explicit AdaptiveTest(uint64_t capacity = 64 * kMiB) : ObjectTest(capacity) {
    remake(128 * kMiB);
  }
  void remake(uint64_t unit_max) {
    Bucket bucket = *make_bucket(origin_, "immutable", unit_max);
    bucket.fill = Filling::adaptive;
    bucket.incarnation += ++remade_;
    bucket_ = std::make_shared<const Bucket>(std::move(bucket));
  }
  ReadRequest request() { return {.bucket = bucket_, .key = key_}; }
  Task<std::string> read(ReadRequest request, Context ctx) {
    auto answer = co_await co_await objects_.read(std::move(request), ctx);
    served_ = answer.served;
    co_return co_await io::read_all(std::move(answer.body), 1 << 30, ctx);
  }
  Result<std::string> get(uint64_t offset, uint64_t length, unit::Mode mode = unit::Mode::normal) {
    ReadRequest asked = request();
    asked.mode = mode;
    asked.range = RangeRequest::parse("bytes=" + std::to_string(offset) + "-" +
                                      std::to_string(offset + length - 1));
    auto text = run(read(std::move(asked), ctx()));
    world_->settle();
    return text;
  }
  /// Whether these bytes come, and cost the origin so many at most; returns the requests.
  uint64_t expect(const std::string& all, uint64_t offset, uint64_t length, uint64_t most_bytes) {
    auto before = origin_->counts("get");
    auto text = get(offset, length);
    EXPECT_TRUE(text) << (text ? "" : text.error().text());
    EXPECT_TRUE(text && *text == all.substr(offset, length)) << offset;
    auto after = origin_->counts("get");
    EXPECT_LE(after.bytes - before.bytes, most_bytes) << offset;
    return after.requests - before.requests;
  }
  uint64_t bytes() const { return origin_->counts("get").bytes; }
  uint64_t requests() const { return origin_->counts("get").requests; }
  Task<> read_whole(std::string all, Context ctx) {
    auto text = co_await co_await read(request(), ctx);
    EXPECT_TRUE(text == all);
    co_return ok;
  }
  Task<> read_range(std::string all, uint64_t offset, uint64_t length, Context ctx) {
    ReadRequest asked = request();
    asked.range = RangeRequest::parse("bytes=" + std::to_string(offset) + "-" +
                                      std::to_string(offset + length - 1));
    auto text = co_await co_await read(std::move(asked), ctx);
    EXPECT_TRUE(text == all.substr(offset, length)) << offset;
    co_return ok;
  }

  uint64_t remade_ = 0;
  BucketRef bucket_;
  unit::Served served_ = unit::Served::hit;
};

TEST_F(AdaptiveTest, a_footer_costs_its_neighbourhood) {
  std::string all = pattern(20 * kMiB);
  origin_->change("key", all);
  EXPECT_EQ(expect(all, all.size() - 65536, 65536, kExtent), 1U);
  EXPECT_EQ(served_, unit::Served::miss);
  EXPECT_EQ(expect(all, all.size() - kMiB, kMiB, 0), 0U);
  EXPECT_EQ(served_, unit::Served::hit);
}

TEST_F(AdaptiveTest, a_column_costs_itself_and_its_edges) {
  std::string all = pattern(20 * kMiB + 12345);
  origin_->change("key", all);
  EXPECT_EQ(expect(all, 7 * kMiB + 77, 5 * kMiB, 5 * kMiB + 2 * kExtent), 1U);
  EXPECT_EQ(expect(all, 7 * kMiB + 77, 5 * kMiB, 0), 0U);
  // Part of it is there: one request ends before it, the next begins behind it, and may bring as
  // much as is there before it.
  EXPECT_EQ(expect(all, 0, 15 * kMiB, 14 * kMiB), 2U);
  uint64_t asked = 0;
  for (const auto& get : origin_->requests()) {
    if (get.operation == "get") asked += get.range->length;
  }
  EXPECT_EQ(asked, bytes()) << "no request is broken off";
}

TEST_F(AdaptiveTest, one_who_reads_all_costs_one_request_and_each_byte_once) {
  for (bool into : {false, true}) {
    origin_->options().reads_into = into;
    remake(128 * kMiB);
    std::string all = pattern(21 * kMiB + 77, into);
    origin_->change("key", all);
    EXPECT_EQ(expect(all, 0, all.size(), all.size()), 1U);
    EXPECT_EQ(expect(all, 0, all.size(), 0), 0U);
    EXPECT_EQ(served_, unit::Served::hit);
  }
}

TEST_F(AdaptiveTest, one_who_reads_on_gets_more_each_time) {
  std::string all = pattern(30 * kMiB);
  origin_->change("key", all);
  uint64_t asked = 0, most = 0;
  for (uint64_t at = 0; at < all.size(); at += 512 << 10) {
    expect(all, at, 512 << 10, 64 * kMiB);
    asked = at + (512 << 10);
    most = std::max(most, bytes() - asked);
    EXPECT_LE(bytes(), 2 * asked + kExtent) << "never more than twice what was asked";
  }
  EXPECT_EQ(bytes(), all.size());
  EXPECT_LE(requests(), 6U) << "1, 1, 2, 4, 7 units";
  EXPECT_GT(most, 4 * kMiB);
}

TEST_F(AdaptiveTest, readers_share_what_is_on_its_way) {
  std::string all = pattern(24 * kMiB);
  origin_->change("key", all);
  origin_->options().body_rate = 100 * kMiB;
  origin_->options().chunk_delay = milliseconds(1);
  io::Group group(ctx());
  for (int i = 0; i < 16; ++i) group.spawn(read_whole(all, ctx()));
  EXPECT_TRUE(run(group.join()));
  world_->settle();
  EXPECT_EQ(bytes(), all.size());
  EXPECT_EQ(requests(), 1U);
}

/// A reader that stands still for `pause` where it has come to `stop`.
class Pausing final : public io::Source {
 public:
  Pausing(std::unique_ptr<io::Source> source, uint64_t stop, Duration pause)
      : source_(std::move(source)), stop_(stop), pause_(pause) {}
  Task<io::Chunk> next(Context ctx) override {
    if (at_ >= stop_) {
      Time until = ctx.loop->now() + std::exchange(pause_, Duration());
      co_await co_await io::sleep_until(until, ctx);
    }
    io::Chunk chunk = co_await co_await source_->next(ctx);
    at_ += io::size(chunk);
    co_return chunk;
  }

 private:
  std::unique_ptr<io::Source> source_;
  uint64_t at_ = 0;
  uint64_t stop_;
  Duration pause_;
};

class LongAdaptiveTest : public AdaptiveTest {
 protected:
  LongAdaptiveTest() : AdaptiveTest(512 * kMiB) {}
  Task<> read_with_a_pause(std::string all, uint64_t stop, Duration pause, Context ctx) {
    auto answer = co_await co_await objects_.read(request(), ctx);
    io::Body body = std::move(answer.body);
    body.source = std::make_unique<Pausing>(std::move(body.source), stop, pause);
    auto text = co_await co_await io::read_all(std::move(body), 1 << 30, ctx);
    EXPECT_TRUE(text == all);
    co_return ok;
  }
};

TEST_F(LongAdaptiveTest, who_falls_behind_breaks_no_run_of_the_others) {
  std::string all = pattern(110 * kMiB);
  for (int64_t pause : {300, 500}) {
    remake(128 * kMiB);
    origin_->change("key", all);
    origin_->reset_counts();
    origin_->options().body_rate = 100 * kMiB;
    io::Group group(ctx());
    group.spawn(read_with_a_pause(all, 20 * kMiB, milliseconds(pause), ctx()));
    group.spawn(read_whole(all, ctx()));
    EXPECT_TRUE(run(group.join()));
    world_->settle();
    EXPECT_EQ(bytes(), all.size()) << pause;
    EXPECT_EQ(requests(), 2U) << pause;
  }
}

TEST_F(AdaptiveTest, a_reader_far_ahead_does_not_wait_for_all_before_him) {
  std::string all = pattern(24 * kMiB);
  origin_->change("key", all);
  origin_->options().body_rate = 4 * kMiB;
  io::Group group(ctx());
  Time began = loop_.now();
  group.spawn(read_whole(all, ctx()));
  EXPECT_TRUE(run(read_range(all, 22 * kMiB, 1000, ctx())));
  EXPECT_LT((loop_.now() - began).milliseconds(), 1500) << "of 6 s that the whole takes";
  EXPECT_TRUE(run(group.join()));
  world_->settle();
  EXPECT_TRUE(get(0, all.size()).value_or("") == all);
  EXPECT_EQ(served_, unit::Served::hit);
}

TEST_F(AdaptiveTest, a_version_that_changes_is_never_mixed) {
  std::string one = pattern(16 * kMiB, 1), two = pattern(16 * kMiB, 2);
  for (int64_t after : {0, 1, 40, 80, 200}) {
    for (bool conditional : {true, false}) {
      remake(128 * kMiB);
      origin_->options().capabilities.conditional_get = conditional;
      origin_->options().body_rate = 100 * kMiB;
      origin_->options().broken_body = 0.5;
      origin_->change("key", one);
      EXPECT_TRUE(get(3 * kMiB, 1000) || true);
      std::optional<Result<std::string>> text;
      io::start<std::string>(loop_, read(request(), ctx()),
                             [&](Result<std::string> r) { text = std::move(r); });
      sleep(milliseconds(after));
      origin_->change("key", two);
      world_->settle();
      ASSERT_TRUE(text);
      EXPECT_TRUE(!*text || **text == one || **text == two) << after;
      origin_->options().broken_body = 0;
      auto now = get(0, two.size());
      if (!now) now = get(0, two.size());  // the first was told that its head is old
      EXPECT_TRUE(now.value_or("") == two) << after;
    }
  }
}

TEST_F(AdaptiveTest, bodies_that_break_are_gone_on_with) {
  origin_->options().broken_body = 0.4;
  origin_->options().vary_chunks = true;
  for (int round = 0; round < 20; ++round) {
    remake(128 * kMiB);
    std::string all = pattern(9 * kMiB + 3, static_cast<uint64_t>(round));
    origin_->change("key", all);
    auto text = get(0, all.size());
    EXPECT_TRUE(!text || *text == all);
    origin_->options().broken_body = 0;
    EXPECT_TRUE(get(0, all.size()).value_or("") == all);
    origin_->options().broken_body = 0.4;
  }
}

TEST_F(AdaptiveTest, without_room_few_requests_read_past_the_cache) {
  // Larger than the cache: what comes first is pushed out or nothing more fits.
  std::string all = pattern(100 * kMiB);
  origin_->change("key", all);
  auto text = get(0, all.size());
  EXPECT_TRUE(text.value_or("") == all);
  EXPECT_LE(bytes(), 2 * all.size());
  EXPECT_LE(requests(), 20U);
}

TEST_F(AdaptiveTest, no_cache_and_no_store_take_what_is_missing_in_one_piece) {
  std::string all = pattern(20 * kMiB);
  origin_->change("key", all);
  expect(all, 10 * kMiB, 1000, kExtent);
  origin_->reset_counts();
  EXPECT_TRUE(get(0, all.size(), unit::Mode::keep).value_or("") == all);
  EXPECT_EQ(requests(), 2U) << "before and behind what is there";
  EXPECT_EQ(bytes(), all.size() - kExtent);
  origin_->reset_counts();
  EXPECT_TRUE(get(0, all.size(), unit::Mode::past).value_or("") == all);
  EXPECT_EQ(requests(), 1U);
}

TEST_F(AdaptiveTest, what_was_written_is_there_and_a_removal_takes_it_away) {
  std::string all = pattern(20 * kMiB + 5);
  EXPECT_TRUE(run(objects_.put(bucket_, key_, {}, io::Body::of(Bytes(std::string(all))), ctx())));
  world_->settle();
  EXPECT_EQ(expect(all, 0, all.size(), 0), 0U);
  EXPECT_EQ(served_, unit::Served::hit);
  HeadRef head = heads_.last_seen(*bucket_, key_);
  EXPECT_TRUE(cache_->contains(head->unit_at(all.size() - 1).id));
  EXPECT_TRUE(run(objects_.remove(bucket_, key_, ctx())));
  for (uint64_t at = 0; at < all.size(); at += kExtent) {
    EXPECT_FALSE(cache_->contains(head->unit_at(at).id));
  }
}

TEST_F(AdaptiveTest, parts_small_ones_too_are_read_in_runs) {
  origin_->options().min_part = 1;
  std::vector<std::string> parts;
  std::string all;
  for (uint64_t size : {5 * kMiB, kMiB, uint64_t{1000}, 3 * kMiB, uint64_t{70'000}}) {
    parts.push_back(pattern(size, size));
    all += parts.back();
  }
  CompleteRequest complete{bucket_, key_, {}, {}, {}};
  complete.upload_id = *run(origin_->create_upload(key_, {}, ctx()));
  for (uint32_t i = 0; i < parts.size(); ++i) {
    auto part = *run(origin_->put_part(key_, complete.upload_id, i + 1, {},
                                       io::Body::of(Bytes(std::string(parts[i]))), ctx()));
    complete.parts.push_back({i + 1, part.etag, {}});
  }
  EXPECT_TRUE(run(objects_.complete(complete, ctx())));
  EXPECT_LE(expect(all, 0, all.size(), all.size()), 3U) << "a small part is asked for alone";
  EXPECT_EQ(expect(all, 0, all.size(), 0), 0U);
}

TEST_F(AdaptiveTest, an_origin_without_ranges) {
  origin_->options().ranges = false;
  std::string all = pattern(9 * kMiB);
  origin_->change("key", all);
  expect(all, 5 * kMiB, 1000, all.size());
  expect(all, 0, all.size(), 2 * all.size());
  EXPECT_EQ(expect(all, 0, all.size(), 0), 0U);
}

}  // namespace
}  // namespace forebay::object
