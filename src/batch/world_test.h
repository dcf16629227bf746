// What batch's tests share: buckets over one origin in memory, on a simulated machine. Only tests
// of this room include it.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "batch/jobs.h"
#include "object/world_test.h"

namespace forebay::batch {

constexpr uint64_t kMiB = 1 << 20;

/// Holds up all GETs until it is told to go on.
class Gate final : public testkit::MemoryHook {
 public:
  Task<> at(testkit::MemoryStep step, testkit::MemoryRequest request, Context ctx) override {
    if (request.operation != "get" || step != testkit::MemoryStep::arrive) co_return ok;
    ++inside;
    most = std::max(most, inside);
    Result<> went = co_await go.wait(ctx);
    --inside;
    co_return went;
  }
  size_t inside = 0, most = 0;
  io::Event go;
};

class BatchTest : public object::ObjectTest {
 protected:
  explicit BatchTest(uint64_t capacity = 64 * kMiB, size_t disks = 1)
      : ObjectTest(capacity, disks) {
    make("data");
  }
  ~BatchTest() override {
    gate_.go.set();
    world_->settle();
    origin_->set_hook(nullptr);
  }

  void make(const std::string& name, object::BucketSpec spec = {}) {
    auto made = run(buckets_.create(*BucketName::parse(name), std::move(spec), ctx()));
    EXPECT_TRUE(made) << made.error().text();
  }
  void wait(Duration time) { EXPECT_TRUE(run(io::sleep_until(loop_.now() + time, ctx()))); }
  static std::string numbered(const std::string& prefix, uint64_t number) {
    std::string digits = std::to_string(number);
    return prefix + std::string(6 - digits.size(), '0') + digits;
  }
  /// So many objects of that size each, under "PREFIX000000" and so on.
  void fill(const std::string& prefix, uint64_t objects, uint64_t size) {
    for (uint64_t i = 0; i < objects; ++i) {
      origin_->change(numbered(prefix, i), object::pattern(size, i));
    }
  }
  uint64_t bytes() const { return origin_->counts("get").bytes; }
  uint64_t lists() const { return origin_->counts("list").requests; }
  /// Whether all of the object is in the cache.
  bool here(const std::string& key) {
    object::ReadRequest request{.bucket = *buckets_.get("data"), .key = *ObjectKey::parse(key)};
    auto staged = run(objects_.stage(std::move(request), Time{}, ctx()));
    return staged && staged->state == object::StageAnswer::State::here;
  }

  object::OneOrigin factory_{origin_};
  object::Buckets buckets_{rows_, factory_, metrics_};
  Gate gate_;
};

}  // namespace forebay::batch
