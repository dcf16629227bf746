// Whether rows can be written: what the log, the metrics and the status tell of the data folder.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "job/job.h"
#include "meta/rocks_store.h"
#include "obs/log.h"
#include "obs/metrics.h"

namespace forebay::node {

/// What is wrong with the rows, as it was seen last. Any thread.
class RowsTrouble {
 public:
  /// Empty: nothing.
  std::string get() const {
    std::lock_guard lock(mutex_);
    return why_;
  }
  /// Gives what it was before.
  std::string set(std::string why) {
    std::lock_guard lock(mutex_);
    return std::exchange(why_, std::move(why));
  }

 private:
  mutable std::mutex mutex_;
  std::string why_;
};

/// Looks every two seconds; logs it once when it begins and when it ends, and publishes
/// forebay_rows_writable. `rows` and `log` outlive the jobs.
Result<std::shared_ptr<const RowsTrouble>> watch_rows(job::Runner& jobs,
                                                      obs::Log& log [[clang::lifetimebound]],
                                                      meta::RocksStore& rows
                                                      [[clang::lifetimebound]],
                                                      obs::Registry& metrics);

}  // namespace forebay::node
