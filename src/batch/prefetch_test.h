// What the tests of Prefetch share. Only tests of this room include it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "batch/prefetch.h"
#include "batch/world_test.h"

namespace forebay::batch {

/// Keeps what was to be kept, as a row would.
class Kept final : public Keeper {
 public:
  Task<> keep(bool, Context) override {
    rows.push_back(encode(work->settled()));
    if (full) co_return fail(Code::unavailable, "the disk is full");
    co_return ok;
  }
  std::vector<std::string> rows;
  bool full = false;
  Prefetch* work = nullptr;
};

class PrefetchTest : public BatchTest {
 protected:
  explicit PrefetchTest(uint64_t capacity = 64 * kMiB, size_t disks = 1)
      : BatchTest(capacity, disks) {}
  Record record(const std::string& prefix = "") {
    Record out;
    out.id = "0123456789abcdef";
    out.bucket = "data";
    out.incarnation = (*buckets_.get("data"))->incarnation;
    out.prefix = prefix;
    return out;
  }
  Result<> prefetch(Record& record, CancelToken* cancel = nullptr) {
    kept_ = std::make_unique<Kept>();
    work_ = std::make_unique<Prefetch>(Prefetch::World{buckets_, objects_, held_, *kept_}, record);
    kept_->work = work_.get();
    Context context = ctx();
    if (cancel != nullptr) context = context.under(*cancel);
    Result<> end = run(work_->run(context));
    way_ = work_->way(loop_.now());
    work_.reset();
    EXPECT_EQ(held_.bytes + held_.units, 0U);
    return end;
  }
  /// The same in the background.
  void begin(Record& record, CancelToken& cancel) {
    kept_ = std::make_unique<Kept>();
    work_ = std::make_unique<Prefetch>(Prefetch::World{buckets_, objects_, held_, *kept_}, record);
    kept_->work = work_.get();
    io::start<void>(loop_, work_->run(ctx().under(cancel)),
                    [this](Result<> end) { ended_.emplace(std::move(end)); });
  }
  static std::string text(const Result<>& end) { return end ? "" : end.error().text(); }

  Held held_;
  Way way_;
  std::unique_ptr<Kept> kept_;
  std::unique_ptr<Prefetch> work_;
  std::optional<Result<>> ended_;
};

}  // namespace forebay::batch
