// What is written is kept as it passes: through objects_.put(), whatever goes wrong on the way.
#include "object/tee.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "object/store.h"
#include "object/world_test.h"

namespace forebay::object {
namespace {

/// Gives `bytes` in chunks of one buffer; then ends, or fails as a body does that is not what its
/// hash says, or as one whose client has left.
class Upload final : public io::Source {
 public:
  Upload(std::string bytes, std::optional<Error> error)
      : bytes_(std::move(bytes)), error_(std::move(error)) {}
  Task<io::Chunk> next(Context ctx) override {
    co_await co_await io::sleep_until(ctx.loop->now() + microseconds(300), ctx);
    std::ranges::fill(buffer_, '!');  // the last chunk is gone
    uint64_t left = bytes_.size() - at_;
    if (left == 0 && error_) co_return *error_;
    buffer_ = bytes_.substr(at_, std::min<uint64_t>(left, 150'000));
    at_ += buffer_.size();
    co_return Bytes(nullptr, as_bytes(buffer_));
  }

 private:
  std::string bytes_;
  std::optional<Error> error_;
  std::string buffer_;
  uint64_t at_ = 0;
};

class TeeTest : public ObjectTest {
 protected:
  Result<origin::PutAnswer> put(std::string bytes, std::optional<Error> error = std::nullopt,
                                CancelToken* cancel = nullptr) {
    io::Body body{bytes.size(), nullptr};
    body.source = std::make_unique<Upload>(std::move(bytes), std::move(error));
    return run(
        objects_.put(bucket_, key_, {}, std::move(body), {.loop = &loop_, .cancel = cancel}));
  }
  Result<std::string> get() {
    auto answer = run(objects_.read({.bucket = bucket_, .key = key_}, ctx()));
    if (!answer) return std::move(answer.error());
    served_ = answer->served;
    return run(io::read_all(std::move(answer->body), 1 << 30, ctx()));
  }
  uint64_t gets() { return origin_->counts("get").requests; }
  disk::DiskStats disk() {
    EXPECT_TRUE(run(store_->evict(ctx())));
    return store_->stats().disks[0];
  }
  void nothing_is_left() {
    world_->settle();
    EXPECT_EQ(disk().units, 0U);
    EXPECT_EQ(disk().used, 0U);
  }

  BucketRef bucket_ = make_bucket(origin_, "immutable");
  unit::Served served_ = unit::Served::miss;
};

TEST_F(TeeTest, a_put_of_any_size_is_a_hit_when_it_is_acknowledged) {
  for (uint64_t size : {65'537, 1'000'000, 20'000'000}) {
    EXPECT_TRUE(put(pattern(size, size)));
    EXPECT_EQ(get(), pattern(size, size));
    EXPECT_EQ(served_, unit::Served::hit) << size;
    EXPECT_EQ(gets(), 0U);
  }
}

TEST_F(TeeTest, a_put_above_unit_max_is_kept_in_even_units) {
  bucket_ = make_bucket(origin_, "immutable", 400'000);
  EXPECT_TRUE(put(pattern(1'000'001)));
  EXPECT_EQ(disk().units, 3U);
  HeadRef head = heads_.believed(*bucket_, "key", loop_.now());
  EXPECT_EQ(head->first.range.length, 333'334U);
  for (uint64_t at : {0, 333'334, 666'668, 1'000'000}) {
    EXPECT_TRUE(cache_->contains(head->unit_at(at).id));
  }
  EXPECT_EQ(get(), pattern(1'000'001));
  EXPECT_EQ(gets(), 0U);
}

TEST_F(TeeTest, an_origin_that_knows_the_tag_only_when_asked_gets_no_copy) {
  origin_->options().tag_in_put = false;
  EXPECT_TRUE(put(pattern(kMiB)));
  nothing_is_left();
  EXPECT_EQ(get(), pattern(kMiB));
  EXPECT_EQ(served_, unit::Served::miss);
}

TEST_F(TeeTest, without_a_strong_tag_there_is_no_copy) {
  origin_->options().strong = false;
  EXPECT_TRUE(put(pattern(kMiB)));
  nothing_is_left();
}

TEST_F(TeeTest, without_cache_writes_there_is_no_copy) {
  Bucket plain = *bucket_;
  plain.cache_writes = false;
  bucket_ = std::make_shared<const Bucket>(std::move(plain));
  EXPECT_TRUE(put(pattern(kMiB)));
  EXPECT_TRUE(put(pattern(1000)));
  nothing_is_left();
}

TEST_F(TeeTest, a_put_that_fails_leaves_no_copy) {
  for (uint64_t size : {1000, 100'000, 3'000'000}) {
    origin_->fail_next("put", fail(Code::unavailable, "no"));
    EXPECT_EQ(put(pattern(size)).error().code(), Code::unavailable);
    Error wrong = fail(Code::invalid, "it is not what its hash says", "BadDigest");
    EXPECT_EQ(put(pattern(size), wrong).error().detail(), "BadDigest");
    nothing_is_left();
  }
  EXPECT_EQ(get().error().detail(), "NoSuchKey");
}

TEST_F(TeeTest, a_client_that_leaves_leaves_no_copy) {
  CancelToken gone;
  io::start<void>(loop_, io::sleep_until(loop_.now() + milliseconds(3), ctx()),
                  [&](Result<>) { gone.cancel(); });
  EXPECT_EQ(put(pattern(8 * kMiB), std::nullopt, &gone).error().code(), Code::cancelled);
  nothing_is_left();
}

TEST_F(TeeTest, a_disk_that_fails_or_is_full_does_not_fail_the_put) {
  world_->options().disk_error = 1;
  EXPECT_TRUE(put(pattern(3 * kMiB, 1)));
  world_->options().disk_error = 0;
  nothing_is_left();
  EXPECT_EQ(get(), pattern(3 * kMiB, 1));
  auto all = store_->reserve(UnitId{}, 55 * kMiB);
  ASSERT_TRUE(all);
  EXPECT_TRUE(put(pattern(3 * kMiB, 2)));
  all = disk::Reservation();
  world_->settle();
  EXPECT_EQ(get(), pattern(3 * kMiB, 2));
  EXPECT_EQ(served_, unit::Served::miss);
}

TEST_F(TeeTest, a_disk_that_hangs_delays_the_put_by_its_patience_only) {
  Time begun = loop_.now();
  EXPECT_TRUE(put(pattern(8 * kMiB, 1)));
  Duration usual = loop_.now() - begun;
  world_->options().disk_delay = seconds(1000);
  begun = loop_.now();
  EXPECT_TRUE(put(pattern(8 * kMiB, 2)));
  EXPECT_LE(loop_.now() - begun, usual + milliseconds(150));
}

Task<> put_one(Store* objects, BucketRef bucket, uint64_t seed, Context ctx) {
  io::Body body{kMiB, std::make_unique<Upload>(pattern(kMiB, seed), std::nullopt)};
  co_await co_await objects->put(bucket, *ObjectKey::parse("key"), {}, std::move(body), ctx);
  co_return ok;
}

Task<> put_many(Store* objects, BucketRef bucket, std::vector<uint64_t> seeds, Context ctx) {
  io::Group group(ctx);
  for (uint64_t seed : seeds) group.spawn(put_one(objects, bucket, seed, ctx));
  co_return co_await group.join();
}

TEST_F(TeeTest, writers_of_one_key_do_not_mix) {
  EXPECT_TRUE(run(put_many(&objects_, bucket_, {1, 2, 2}, ctx())));
  world_->settle();
  EXPECT_EQ(disk().units, 2U) << "equal bytes have one name";
  EXPECT_EQ(disk().used, 2 * kMiB);
  EXPECT_EQ(get(), origin_->bytes("key"));
  EXPECT_EQ(served_, unit::Served::hit);
}

}  // namespace
}  // namespace forebay::object
