// What object's tests share: a simulated machine with one origin in memory, its buckets, heads,
// units and objects. Only tests of this room include it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "disk/index/index.h"
#include "io/sim.h"
#include "meta/faulty_store.h"
#include "meta/memory_store.h"
#include "object/store.h"
#include "testkit/memory_origin.h"

namespace forebay::object {

/// Gives every bucket the same origin.
class OneOrigin final : public OriginFactory {
 public:
  explicit OneOrigin(std::shared_ptr<origin::Origin> origin) : origin_(std::move(origin)) {}
  Result<OriginConfig> default_config(const BucketName& name) override {
    return OriginConfig{.url = "memory:" + name.text(), .access_key = {}, .secret = {}};
  }
  Task<std::shared_ptr<origin::Origin>> open(const Bucket& bucket, bool create, obs::Counter& read,
                                             Context) override {
    counter = &read;
    opened.push_back(bucket.config.url + (create ? " create" : ""));
    if (bucket.config.url == "bad:") co_return fail(Code::denied, "no", "AccessDenied");
    co_return origin_;
  }
  Task<> discard(OriginConfig config, Context) override {
    discarded.push_back(config.url);
    co_return ok;
  }
  std::vector<std::string> opened, discarded;
  obs::Counter* counter = nullptr;  ///< of the bucket opened last

 private:
  std::shared_ptr<origin::Origin> origin_;
};

/// `size` bytes that differ by `seed`.
inline std::string pattern(uint64_t size, uint64_t seed = 0) {
  std::string out(size, '\0');
  for (uint64_t i = 0; i < size; ++i) {
    out[i] = static_cast<char>(((i + seed * 7919) * 2654435761U) >> 13);
  }
  return out;
}

inline BucketRef make_bucket(std::shared_ptr<origin::Origin> origin, std::string_view freshness,
                             uint64_t unit_max = 128 << 20) {
  Bucket bucket(*BucketName::parse("bucket"));
  bucket.incarnation = 7;
  bucket.freshness = *Freshness::parse(freshness);
  bucket.unit_max = unit_max;
  bucket.origin = std::move(origin);
  bucket.capabilities.part_number = true;
  return std::make_shared<const Bucket>(std::move(bucket));
}

class ObjectTest : public testing::Test {
 protected:
  /// So many disks of `capacity` bytes each.
  explicit ObjectTest(uint64_t capacity = 64 << 20, size_t disks = 1)
      : capacity_(capacity), disks_(disks) {}
  std::shared_ptr<disk::Store> open_disks() {
    crews_.add(loop_);
    disk::Options disks;
    for (size_t i = 0; i < disks_; ++i) {
      std::string path = "/disk" + std::to_string(i);
      disks.disks.push_back({.path = path, .capacity = capacity_, .open_index = [] {
                               return Result<std::shared_ptr<disk::Index>>(
                                   std::make_shared<disk::MemoryIndex>());
                             }});
    }
    disks.boot_id = "boot";
    return *run(disk::Store::open(std::move(disks), ctx()));
  }
  ~ObjectTest() override { EXPECT_TRUE(run(crews_.of(loop_).stop())); }

  Context ctx() { return {.loop = &loop_}; }
  template <class T>
  Result<T> run(Task<T> task) {
    return world_->run(std::move(task));
  }
  void sleep(Duration time) { EXPECT_TRUE(run(io::sleep_until(loop_.now() + time, ctx()))); }
  uint64_t checks() { return origin_->counts("head").requests; }

  uint64_t capacity_;
  size_t disks_;
  std::unique_ptr<io::Simulation> world_ = io::Simulation::make({.seed = 5});
  io::Loop& loop_ = world_->loop();
  std::shared_ptr<testkit::MemoryOrigin> origin_ = std::make_shared<testkit::MemoryOrigin>(loop_);
  obs::Registry metrics_;
  job::Crews crews_;
  meta::MemoryStore rows_;
  meta::SingleMeta meta_{rows_};
  std::shared_ptr<disk::Store> store_ = open_disks();
  std::unique_ptr<unit::Cache> cache_ = std::make_unique<unit::Cache>(
      store_, crews_, std::vector<io::Loop*>{&loop_}, unit::Options{}, metrics_);
  Heads heads_{meta_, crews_, {.max_bytes = 1 << 20}, metrics_};
  Store objects_{heads_, *cache_, crews_, metrics_};
  ObjectKey key_ = *ObjectKey::parse("key");
};

}  // namespace forebay::object
