// Loops on several threads read and write the same few keys: heads, tickets, fills and the disk
// under them, for the thread sanitizer, and for bodies that must be one version and no other.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "disk/store.h"
#include "meta/memory_store.h"
#include "object/loops_test.h"
#include "object/store.h"
#include "testkit/memory_origin.h"

namespace forebay::object {
namespace {

constexpr int kKeys = 6;

// A version is one letter, as often as the letter says: a body of two versions cannot look whole.
std::string version_of(uint64_t n) {
  char letter = static_cast<char>('a' + n % 20);
  return std::string(size_t{1} << (n % 20), letter);
}

testing::AssertionResult is_version(const std::string& body) {
  if (!body.empty() && body == version_of(body[0] - 'a')) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "a body of " << body.size() << " bytes is no version";
}

class StoreThreads : public testing::TestWithParam<Filling>, protected Loops {
 protected:
  StoreThreads() {
    store_ = open_disks(16 << 20);
    cache_ = std::make_unique<unit::Cache>(store_, crews_, loops_, unit::Options{}, metrics_);
    objects_ = std::make_unique<Store>(heads_, *cache_, crews_, metrics_);
    Bucket bucket(*BucketName::parse("bucket"));
    bucket.incarnation = 7;
    bucket.freshness = *Freshness::parse("ttl:5ms");
    bucket.unit_max = 128 << 10;
    bucket.fill = GetParam();
    bucket.origin = origin_;
    bucket_ = std::make_shared<const Bucket>(std::move(bucket));
    for (int i = 0; i < kKeys; ++i) origin_->change(key(i).text(), version_of(16 + i % 4));
  }
  static ObjectKey key(uint64_t n) { return *ObjectKey::parse("key" + std::to_string(n)); }

  Task<std::string> read(ObjectKey key, Context ctx) {
    ReadRequest request{.bucket = bucket_, .key = key};
    ReadAnswer answer;
    if (auto now = objects_->read_now(request, *ctx.loop)) {
      answer = std::move(*now);
    } else {
      answer = co_await co_await objects_->read(std::move(request), ctx);
    }
    std::string out;
    std::vector<std::byte> buffer(64 << 10);
    while (out.size() < answer.range.length) {
      io::Chunk chunk = co_await co_await answer.body.source->next(ctx);
      if (io::size(chunk) == 0) co_return fail(Code::corrupt, "a short body that looks whole");
      for (uint64_t done = 0; done < io::size(chunk);) {
        ByteView part = co_await co_await io::load(chunk, done, buffer, ctx);
        out += as_text(part);
        done += part.size();
      }
    }
    co_return out;
  }
  // A version that changes under a read ends it with an error, and never with wrong bytes.
  Task<> act(uint64_t seed, Context ctx) {
    std::mt19937_64 random(seed);
    for (int i = 0; i < 200; ++i) {
      ObjectKey at = key(random() % kKeys);
      uint64_t what = random() % 10;
      if (what == 0) {
        std::string bytes = version_of(random());
        EXPECT_TRUE(co_await objects_->put(bucket_, at, {}, io::Body::of(Bytes(bytes)), ctx));
      } else if (what == 1) {
        origin_->change(at.text(), version_of(random()));
      } else if (what == 2) {
        // Some wait for it, beside others who ask for the same on other loops.
        Time until = ctx.loop->now() + milliseconds(static_cast<int64_t>(random() % 20));
        ReadRequest request{.bucket = bucket_, .key = at};
        auto staged = co_await objects_->stage(std::move(request), until, ctx);
        EXPECT_TRUE(staged || moved(staged.error()) || staged.error().detail() == "SlowDown")
            << staged.error().text();
        if (staged && staged->state == StageAnswer::State::coming) ++staged_;
      } else if (auto body = co_await read(at, ctx)) {
        EXPECT_TRUE(is_version(*body));
        ++bodies_;
      } else {
        EXPECT_EQ(body.error().code(), Code::conflict) << body.error().text();
      }
    }
    co_return ok;
  }

  std::shared_ptr<testkit::MemoryOrigin> origin_ =
      std::make_shared<testkit::MemoryOrigin>(engine_->loop(0));
  obs::Registry metrics_;
  meta::MemoryStore rows_;
  meta::SingleMeta meta_{rows_};
  std::shared_ptr<disk::Store> store_;
  std::unique_ptr<unit::Cache> cache_;
  Heads heads_{meta_, crews_, {.max_bytes = 1 << 20}, metrics_};
  std::unique_ptr<Store> objects_;
  BucketRef bucket_;
  std::atomic<uint64_t> bodies_ = 0, staged_ = 0;
};

TEST_P(StoreThreads, loops_read_and_write_the_same_keys) {
  for (uint64_t i = 0; i < 12; ++i) {
    io::Loop* loop = loops_[i % kLoops];
    start_on(*loop, act(i, {.loop = loop}));
  }
  wait_for_all();
  stop_crews();
  EXPECT_TRUE(engine_->run_task(store_->close({.loop = loops_[0]})));
  EXPECT_GT(bodies_, 1000U);
  EXPECT_GT(staged_, 10U);
  EXPECT_EQ(store_->stats().disks[0].verify_failures, 0U);
}

INSTANTIATE_TEST_SUITE_P(Fill, StoreThreads, testing::Values(Filling::part, Filling::adaptive),
                         [](const auto& info) { return std::string(name(info.param)); });

}  // namespace
}  // namespace forebay::object
