#include "node/rows_watch.h"

#include <utility>

namespace forebay::node {

namespace {

class RowsWatch final : public job::Job {
 public:
  RowsWatch(obs::Log& log, meta::RocksStore& rows, std::shared_ptr<RowsTrouble> trouble)
      : log_(log), rows_(rows), trouble_(std::move(trouble)) {}
  std::string name() const override { return "watch-rows"; }
  Task<> run(job::Progress&, Context ctx) override {
    std::string now = co_await co_await rows_.trouble(ctx);
    bool well = now.empty();
    std::string shown = now;
    bool was_well = trouble_->set(std::move(now)).empty();
    if (!well && was_well) {
      log_.error(
          "rows cannot be written: native buckets, and all that makes or changes buckets, take "
          "nothing new; reads go on",
          {{"why", shown}});
    }
    if (well && !was_well) log_.warn("rows can be written again", {});
    co_return ok;
  }

 private:
  obs::Log& log_;
  meta::RocksStore& rows_;
  std::shared_ptr<RowsTrouble> trouble_;
};

}  // namespace

Result<std::shared_ptr<const RowsTrouble>> watch_rows(job::Runner& jobs, obs::Log& log,
                                                      meta::RocksStore& rows,
                                                      obs::Registry& metrics) {
  auto trouble = std::make_shared<RowsTrouble>();
  metrics.gauge_from("forebay_rows_writable",
                     "1: rows of the data folder can be added; 0: they cannot.", {},
                     [trouble] { return trouble->get().empty() ? 1.0 : 0.0; });
  auto watch = std::make_shared<RowsWatch>(log, rows, trouble);
  if (Result<> started = jobs.start(std::move(watch), {.period = seconds(2)}); !started) {
    return std::move(started.error());
  }
  return std::shared_ptr<const RowsTrouble>(std::move(trouble));
}

}  // namespace forebay::node
