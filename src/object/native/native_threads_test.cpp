// Loops on several threads write and read the same few keys of one native bucket, beside sweeps:
// for the thread sanitizer, and for bodies that must be one version and no other.
#include <gtest/gtest.h>

#include <random>

#include "object/loops_test.h"
#include "object/native/native_world_test.h"
#include "object/world_test.h"

namespace forebay::object {
namespace {

class NativeThreads : public testing::Test, protected Loops {
 protected:
  NativeThreads() {
    disks_ = open_disks(256 << 20);
    units_ = std::make_unique<unit::Native>(disks_, 64 << 10, 8 << 20);
    origin_ =
        std::make_shared<NativeOrigin>(NativeOptions{.incarnation = NativeMachine::kIncarnation,
                                                     .unit_max = kNativeUnit,
                                                     .self = std::string(32, 'a'),
                                                     .units = *units_,
                                                     .meta = meta_,
                                                     .min_part = 0});
    cache_ = std::make_unique<unit::Cache>(disks_, crews_, loops_, unit::Options{}, metrics_);
    objects_ = std::make_unique<Store>(heads_, *cache_, crews_, metrics_);
    Bucket bucket = *make_bucket(origin_, "immutable", kNativeUnit);
    bucket.cache_writes = false;
    bucket_ = std::make_shared<const Bucket>(std::move(bucket));
  }

  /// One letter, as often as it says: a body of two versions cannot look whole.
  static std::string version_of(uint64_t n) {
    return std::string(1 + 20'000 * (n % 20), static_cast<char>('a' + n % 20));
  }
  static bool is_whole(const std::string& body) {
    return !body.empty() && body == version_of(static_cast<uint64_t>(body[0] - 'a'));
  }
  Task<> upload(ObjectKey key, std::string text, Context ctx) {
    std::string id = co_await co_await origin_->create_upload(key, {}, ctx);
    std::vector<origin::CompletedPart> parts;
    for (std::string piece : {text.substr(0, text.size() / 3), text.substr(text.size() / 3)}) {
      auto number = static_cast<uint32_t>(parts.size() + 1);
      auto part =
          co_await co_await origin_->put_part(key, id, number, {}, testkit::body_of(piece), ctx);
      parts.push_back({number, part.etag, {}});
    }
    auto done = co_await objects_->complete({bucket_, key, id, parts, {}}, ctx);
    if (!done) co_return std::move(done.error());
    co_return ok;
  }
  Task<std::string> read(ObjectKey key, Context ctx) {
    ReadRequest request{.bucket = bucket_, .key = std::move(key)};
    ReadAnswer answer;
    if (auto now = objects_->read_now(request, *ctx.loop)) {
      answer = std::move(*now);
    } else {
      answer = co_await co_await objects_->read(std::move(request), ctx);
    }
    co_return co_await io::read_all(std::move(answer.body), 8 << 20, ctx);
  }
  Task<> act(uint64_t seed, Context ctx) {
    std::mt19937_64 random(seed);
    for (int i = 0; i < 60; ++i) {
      ObjectKey key = testkit::key_of("key" + std::to_string(random() % 4));
      std::string text = version_of(random());
      uint64_t what = random() % 12;
      if (what < 3) {
        auto put = co_await objects_->put(bucket_, key, {}, testkit::body_of(text), ctx);
        EXPECT_TRUE(put) << put.error().text();
      } else if (what < 4) {
        Result<> removed = co_await objects_->remove(bucket_, key, ctx);
        EXPECT_TRUE(removed) << removed.error().text();
      } else if (what < 5) {
        Result<> uploaded = co_await upload(key, text, ctx);
        EXPECT_TRUE(uploaded) << uploaded.error().text();
      } else if (what < 6) {
        Result<> swept = co_await origin_->sweep(ctx);
        EXPECT_TRUE(swept) << swept.error().text();
      } else if (auto body = co_await read(key, ctx)) {
        EXPECT_TRUE(is_whole(*body)) << body->size();
        ++bodies_;
      } else {
        EXPECT_EQ(body.error().detail(), "NoSuchKey") << body.error().text();
      }
    }
    co_return ok;
  }

  obs::Registry metrics_;
  meta::MemoryStore rows_;
  meta::SingleMeta meta_{rows_};
  std::shared_ptr<disk::Store> disks_;
  std::unique_ptr<unit::Native> units_;
  std::shared_ptr<NativeOrigin> origin_;
  std::unique_ptr<unit::Cache> cache_;
  Heads heads_{meta_, crews_, {.max_bytes = 1 << 20}, metrics_};
  std::unique_ptr<Store> objects_;
  BucketRef bucket_;
  std::atomic<uint64_t> bodies_ = 0;
};

TEST_F(NativeThreads, loops_write_and_read_the_same_keys) {
  for (uint64_t i = 0; i < 9; ++i) {
    io::Loop* loop = loops_[i % kLoops];
    start_on(*loop, act(i, {.loop = loop}));
  }
  wait_for_all();
  stop_crews();
  EXPECT_GT(bodies_, 50U);
  origin_->remove_retired();
  Context ctx{.loop = loops_[0]};
  EXPECT_TRUE(engine_->run_task(origin_->sweep(ctx)));
  for (int i = 0; i < 4; ++i) {
    auto body = engine_->run_task(read(testkit::key_of("key" + std::to_string(i)), ctx));
    if (body) EXPECT_TRUE(is_whole(*body));
    if (!body) EXPECT_EQ(body.error().detail(), "NoSuchKey") << body.error().text();
  }
  EXPECT_TRUE(engine_->run_task(disks_->close(ctx)));
}

}  // namespace
}  // namespace forebay::object
