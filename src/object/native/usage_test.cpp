#include "object/native/usage.h"

#include "object/native/native_world_test.h"

namespace forebay::object {
namespace {

constexpr uint64_t kInc = NativeMachine::kIncarnation;

class UsageTest : public NativeTest {
 protected:
  UsageTest() { EXPECT_TRUE(run(origin().count(ctx()))); }

  origin::Usage usage() {
    auto told = origin().usage();
    EXPECT_TRUE(told);
    return told.value_or(origin::Usage{});
  }
  /// What the rows say.
  origin::Usage truth() {
    origin::Usage out;
    std::string objects = meta::schema::objects(kInc);
    for (const meta::Row& row : machine_.all(objects)) {
      auto head = parse_native_head(row.value);
      out.bytes += head->size;
      out.objects += head->marker ? 0 : 1;
    }
    for (const meta::Row& row : machine_.all(meta::schema::parts(kInc))) {
      auto named = meta::schema::parse_part(row.key)->upload;
      std::string upload = meta::schema::upload(kInc, key_of(named.key), named.id);
      bool there = false;
      for (const meta::Row& one : machine_.all(upload)) there = there || one.key == upload;
      if (there) out.bytes += parse_native_part(row.value)->size;
    }
    return out;
  }
  std::string upload(std::string_view key) {
    auto id = run(origin().create_upload(key_of(key), {}, ctx()));
    EXPECT_TRUE(id);
    return id.value_or("");
  }
  Result<origin::PartInfo> part(std::string_view key, const std::string& id, uint32_t number,
                                uint64_t size) {
    return run(origin().put_part(key_of(key), id, number, {},
                                 testkit::body_of(bytes_of(size, number), 10'000), ctx()));
  }
  Result<origin::PutAnswer> complete(std::string_view key, const std::string& id,
                                     const std::vector<origin::PartInfo>& parts) {
    std::vector<origin::CompletedPart> asked;
    for (const origin::PartInfo& one : parts) asked.push_back({one.number, one.etag, {}});
    return run(origin().complete_upload(key_of(key), id, std::move(asked), {}, ctx()));
  }
  void refused(const auto& result) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), Code::denied);
    EXPECT_EQ(result.error().detail(), "QuotaExceeded");
  }
};

TEST_F(UsageTest, follows_every_kind_of_write) {
  EXPECT_EQ(usage(), origin::Usage{});
  ASSERT_TRUE(put("a", bytes_of(1000)));
  ASSERT_TRUE(put("b", bytes_of(250'000)));
  EXPECT_EQ(usage(), (origin::Usage{251'000, 2}));
  ASSERT_TRUE(put("a", bytes_of(300)));
  EXPECT_EQ(usage(), (origin::Usage{250'300, 2}));
  ASSERT_TRUE(put("empty", ""));
  EXPECT_EQ(usage(), (origin::Usage{250'300, 3}));
  ASSERT_TRUE(run(origin().remove(key_of("b"), ctx())));
  ASSERT_TRUE(run(origin().remove(key_of("b"), ctx())));
  EXPECT_EQ(usage(), (origin::Usage{300, 2}));

  std::string id = upload("up");
  auto one = part("up", id, 1, 5000);
  auto two = part("up", id, 2, 700);
  auto again = part("up", id, 2, 600);
  ASSERT_TRUE(part("up", id, 3, 50));  // is not listed
  EXPECT_EQ(usage(), (origin::Usage{300 + 5000 + 600 + 50, 2}));
  ASSERT_TRUE(complete("up", id, {*one, *again}));
  EXPECT_EQ(usage(), (origin::Usage{300 + 5600, 3}));
  ASSERT_TRUE(complete("up", id, {*one, *again})) << "repeated";
  EXPECT_EQ(usage(), (origin::Usage{300 + 5600, 3}));

  id = upload("up");
  ASSERT_TRUE(part("up", id, 1, 123));
  EXPECT_EQ(usage().bytes, 300U + 5600 + 123);
  ASSERT_TRUE(run(origin().abort_upload(key_of("up"), id, ctx())));
  EXPECT_EQ(usage(), (origin::Usage{300 + 5600, 3}));
  EXPECT_EQ(usage(), truth());
}

TEST_F(UsageTest, what_was_not_done_is_not_counted) {
  ASSERT_TRUE(put("a", bytes_of(1000)));
  EXPECT_FALSE(put("a", bytes_of(70), {.conditions = {.if_none_match_any = true}}));
  rows().answer = fail(Code::internal, "no");
  EXPECT_FALSE(put("b", bytes_of(500)));
  EXPECT_FALSE(put("a", bytes_of(5)));
  EXPECT_FALSE(run(origin().remove(key_of("a"), ctx())));
  rows().answer.reset();
  EXPECT_EQ(usage(), (origin::Usage{1000, 1}));
}

TEST_F(UsageTest, a_limit_holds_to_the_byte_and_the_object) {
  ASSERT_TRUE(origin().limit({.bytes = 1000, .objects = 2}));
  ASSERT_TRUE(put("a", bytes_of(1000)));
  refused(put("b", bytes_of(1)));
  ASSERT_TRUE(put("b", "")) << "no byte more";
  refused(put("c", ""));
  ASSERT_TRUE(put("a", bytes_of(999))) << "what is replaced makes room";
  ASSERT_TRUE(put("b", bytes_of(1)));
  refused(put("b", bytes_of(2)));
  refused(put("a", bytes_of(1000)));
  EXPECT_EQ(usage(), (origin::Usage{1000, 2}));
  ASSERT_TRUE(run(origin().remove(key_of("b"), ctx())));
  ASSERT_TRUE(put("a", bytes_of(1000)));
  EXPECT_EQ(usage(), truth());
}

TEST_F(UsageTest, parts_take_room_and_completing_them_takes_none) {
  ASSERT_TRUE(origin().limit({.bytes = 1000, .objects = 1}));
  std::string id = upload("up");
  auto one = part("up", id, 1, 600);
  refused(part("up", id, 2, 401));
  auto two = part("up", id, 2, 400);
  ASSERT_TRUE(two);
  refused(put("other", bytes_of(1)));
  EXPECT_TRUE(part("up", id, 1, 600)) << "one that is sent again";
  ASSERT_TRUE(complete("up", id, {*one, *two}));
  EXPECT_EQ(usage(), (origin::Usage{1000, 1}));
  std::string second = upload("second");
  auto nothing = part("second", second, 1, 0);
  refused(complete("second", second, {*nothing}));
}

TEST_F(UsageTest, less_than_there_is_lets_nothing_grow_and_everything_shrink) {
  ASSERT_TRUE(put("a", bytes_of(1000)));
  ASSERT_TRUE(put("b", bytes_of(1000)));
  ASSERT_TRUE(origin().limit({.bytes = 100, .objects = 1}));
  refused(put("c", ""));
  refused(put("a", bytes_of(1001)));
  ASSERT_TRUE(put("a", bytes_of(500)));
  ASSERT_TRUE(run(origin().remove(key_of("b"), ctx())));
  ASSERT_TRUE(origin().limit({}));
  ASSERT_TRUE(put("c", bytes_of(3000)));
  EXPECT_EQ(usage(), (origin::Usage{3500, 2}));
}

TEST_F(UsageTest, writes_that_come_at_once_do_not_share_the_last_room) {
  ASSERT_TRUE(origin().limit({.bytes = 1000}));
  size_t done = 0, refused = 0;
  io::Group group(ctx());
  auto write = [&](int number) -> Task<> {
    auto made = co_await origin().put(key_of("k" + std::to_string(number)), {},
                                      testkit::body_of(bytes_of(300), 100), ctx());
    ++(made ? done : refused);
    co_return ok;
  };
  for (int i = 0; i < 8; ++i) group.spawn(write(i));
  ASSERT_TRUE(run(group.join()));
  EXPECT_EQ(done, 3U);
  EXPECT_EQ(refused, 5U);
  EXPECT_EQ(usage(), (origin::Usage{900, 3}));
}

/// A body that stops before its end.
class Stopped final : public io::Source {
 public:
  explicit Stopped(std::string bytes) : bytes_(std::move(bytes)) {}
  Task<io::Chunk> next(Context ctx) override {
    if (!std::exchange(given_, true)) co_return Bytes(nullptr, as_bytes(bytes_));
    co_await co_await io::sleep_until(ctx.loop->now() + seconds(3600), ctx);
    co_return fail(Code::timeout, "it never came");
  }

 private:
  std::string bytes_;
  bool given_ = false;
};

TEST_F(UsageTest, bodies_that_do_not_end_hold_no_more_than_the_bucket_may) {
  ASSERT_TRUE(origin().limit({.bytes = 1000}));
  EXPECT_TRUE(put("k", bytes_of(400)));
  CancelToken gone;
  size_t refused = 0, ended = 0;
  auto stop = [&](int number) {
    io::Body body{600, std::make_unique<Stopped>(bytes_of(300))};
    Context own{.loop = ctx().loop, .cancel = &gone};
    auto put = origin().put(key_of("s" + std::to_string(number)), {}, std::move(body), own);
    io::start<origin::PutAnswer>(*own.loop, std::move(put), [&](auto made) {
      ++ended;
      if (made || made.error().code() != Code::busy) return;
      EXPECT_EQ(made.error().detail(), "SlowDown");
      ++refused;
    });
    EXPECT_TRUE(run(io::sleep_until(ctx().loop->now() + seconds(1), ctx())));
  };
  for (int number = 0; number < 6; ++number) stop(number);
  EXPECT_EQ(refused, 3U) << "three hold 900 bytes";
  EXPECT_TRUE(put("k", bytes_of(100)));
  EXPECT_EQ(put("k", bytes_of(101)).error().detail(), "SlowDown");
  ASSERT_TRUE(origin().limit({}));
  EXPECT_TRUE(put("k", bytes_of(101))) << "without a quota there is none";
  gone.cancel();
  EXPECT_TRUE(run(io::sleep_until(ctx().loop->now() + seconds(1), ctx())));
  EXPECT_EQ(ended, 6U);
  ASSERT_TRUE(origin().limit({.bytes = 1000}));
  EXPECT_TRUE(put("k", bytes_of(1000))) << "who is gone holds nothing";
  ASSERT_TRUE(origin().limit({.bytes = 10}));
  EXPECT_TRUE(put("k", bytes_of(999))) << "less than there was, and nobody else";
}

// Every moment of the count meets every kind of write; the sum is that of the rows all the same.
TEST_F(UsageTest, is_right_after_a_start_however_writes_and_count_meet) {
  constexpr int kKeys = 2500;
  std::vector<std::string> uploads;
  std::vector<origin::PartInfo> firsts;
  for (int i = 0; i < kKeys; ++i) {
    meta::Txn txn;
    NativeHead head{.size = static_cast<uint64_t>(i), .copies = {std::string(32, 'a')}};
    loop().random_bytes(head.write);
    txn.put(meta::schema::object(kInc, key_of("k" + std::to_string(i))), *encode(head));
    ASSERT_TRUE(run(machine_.rows.commit(std::move(txn), ctx())));
  }
  for (int i = 0; i < 40; ++i) {
    uploads.push_back(upload("up" + std::to_string(i)));
    auto made = part("up" + std::to_string(i), uploads.back(), 1, 100 + i);
    ASSERT_TRUE(made);
    firsts.push_back(*made);
  }
  machine_.kill();
  machine_.start();
  // Slow rows: the count and the writes overlap.
  machine_.process->faulty.options().delay = milliseconds(3);
  ASSERT_FALSE(origin().usage());
  // A bucket is opened while those that are open are tended: both count.
  std::vector<Result<>> counted(2, fail(Code::internal, "not yet"));
  for (Result<>& one : counted) {
    machine_.spawn([](NativeOrigin& origin, Result<>& out, Context ctx) -> Task<> {
      out = co_await origin.count(ctx);
      co_return ok;
    }(origin(), one, ctx()));
  }
  for (int i = 0; i < 40; ++i) {
    std::string up = "up" + std::to_string(i);
    ASSERT_TRUE(put("k" + std::to_string(i * 60), bytes_of(10)));
    ASSERT_TRUE(put("new" + std::to_string(i), bytes_of(7)));
    ASSERT_TRUE(run(origin().remove(key_of("k" + std::to_string(i * 60 + 1)), ctx())));
    if (i % 3 == 0) {
      ASSERT_TRUE(complete(up, uploads[i], {firsts[i]}));
    } else if (i % 3 == 1) {
      ASSERT_TRUE(run(origin().abort_upload(key_of(up), uploads[i], ctx())));
    } else {
      ASSERT_TRUE(part(up, uploads[i], 2, 1000));
    }
  }
  sleep(seconds(5));
  for (const Result<>& one : counted) EXPECT_TRUE(one) << one.error().text();
  EXPECT_EQ(usage(), truth());
}

TEST_F(UsageTest, with_a_limit_writes_wait_for_the_count) {
  ASSERT_TRUE(put("a", bytes_of(900)));
  machine_.kill();
  machine_.start();
  ASSERT_TRUE(origin().limit({.bytes = 1000}));
  auto made = put("b", bytes_of(50));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), Code::busy);
  ASSERT_TRUE(run(origin().count(ctx())));
  ASSERT_TRUE(put("b", bytes_of(100)));
  refused(put("c", bytes_of(1)));
}

TEST_F(UsageTest, a_count_that_failed_goes_on) {
  ASSERT_TRUE(put("a", bytes_of(900)));
  std::string id = upload("up");
  ASSERT_TRUE(part("up", id, 1, 11));
  machine_.kill();
  machine_.start();
  for (int failing : {1, 2}) {
    rows().fail_scan = failing;
    EXPECT_FALSE(run(origin().count(ctx())));
  }
  ASSERT_TRUE(put("b", bytes_of(50))) << "nobody waits for a count that is not going on";
  ASSERT_TRUE(run(origin().count(ctx())));
  EXPECT_EQ(usage(), truth());
}

}  // namespace
}  // namespace forebay::object
