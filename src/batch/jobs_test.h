// What the tests of Jobs share. Only tests of this room include it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "batch/jobs.h"
#include "batch/world_test.h"
#include "meta/schema.h"

namespace forebay::batch {

/// A store that shows what its rows are after each commit.
class Watched final : public meta::Store {
 public:
  explicit Watched(meta::Store& under) : under_(under) {}
  Task<std::optional<std::string>> get(std::string key, Context ctx) override {
    co_return co_await under_.get(std::move(key), ctx);
  }
  Task<meta::Page> scan(meta::Range range, uint32_t limit, Context ctx) override {
    co_return co_await under_.scan(std::move(range), limit, ctx);
  }
  Task<> commit(meta::Txn txn, Context ctx) override {
    if (delay > Duration{}) co_await co_await io::sleep_until(ctx.loop->now() + delay, ctx);
    Result<> answer = ok;
    if (fails > 0) {
      --fails;
      answer = fail(code, "no answer");
      if (happens == Happens::late) late = txn;
      if (happens != Happens::all_the_same) co_return answer;
    }
    for (const auto& change : txn.changes) {
      if (change.value) rows[change.key] = *change.value;
      if (!change.value) rows.erase(change.key);
    }
    moments.push_back(rows);
    co_await co_await under_.commit(std::move(txn), ctx);
    co_return answer;
  }
  enum class Happens { never, all_the_same, late };
  std::map<std::string, std::string> rows;
  std::vector<std::map<std::string, std::string>> moments;
  Duration delay;  ///< of each commit
  int fails = 0;   ///< so many of the next commits
  Code code = Code::unavailable;
  Happens happens = Happens::never;  ///< what becomes of those
  std::optional<meta::Txn> late;     ///< the last that may happen yet

 private:
  meta::Store& under_;
};

class JobsTest : public BatchTest {
 protected:
  ~JobsTest() override { close(); }
  std::unique_ptr<Jobs> make_jobs(meta::Store& rows) {
    return std::make_unique<Jobs>(Jobs::World{rows, buckets_, objects_, obs::Log::none()});
  }
  /// A process's jobs, which may have been those of another one before.
  void open(bool running = true) {
    jobs_ = make_jobs(watched_);
    ASSERT_TRUE(run(jobs_->load(ctx())));
    if (!running) return;
    runner_ = std::make_unique<job::Runner>(loop_, obs::Log::none(), metrics_);
    ASSERT_TRUE(jobs_->start(*runner_));
  }
  void close() {
    if (runner_ != nullptr) {
      EXPECT_TRUE(run(jobs_->stop(ctx())));
      EXPECT_TRUE(run(runner_->stop(ctx())));
    }
    runner_.reset();
    jobs_.reset();
  }
  std::string order(const std::string& prefix, const std::string& bucket = "data") {
    auto made = run(jobs_->prefetch(bucket, prefix, ctx()));
    EXPECT_TRUE(made) << made.error().text();
    return made ? made->record.id : "";
  }
  /// A job of 300 objects that is stopped once it has brought a hundred of them.
  std::string stop_on_its_way() {
    fill("k", 300, 1000);
    origin_->options().delay = milliseconds(300);
    open();
    std::string id = order("");
    while (shown(id).record.counts.objects < 100) {
      bool goes_on = world_->step();
      EXPECT_TRUE(goes_on);
      if (!goes_on) break;
    }
    close();
    return id;
  }
  Shown shown(const std::string& id) { return jobs_->get(id, loop_).value(); }
  State state(const std::string& id) { return shown(id).record.state; }
  size_t rows() { return watched_.rows.size(); }

  Watched watched_{rows_};
  std::unique_ptr<Jobs> jobs_;
  std::unique_ptr<job::Runner> runner_;
};

}  // namespace forebay::batch
