// Job: everything that one process does in the background is one of these, with a name, a state,
// progress and its last error, so that an operator sees all of it in one list. Runner starts them
// on its loop, repeats the periodic ones, and ends all of them before the process does. What must
// outlive the process is not kept here.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "io/sync.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "obs/seldom.h"

namespace forebay::job {

enum class State {
  waiting,  ///< a periodic one between two runs
  running,
  done,     ///< ended well; will not run again
  failed,   ///< ended with an error; will not run again
  stopped,  ///< ended because it was told to
};
std::string_view name(State state);

/// How far a run is. Written by the job, read by any thread.
class Progress {
 public:
  /// Begins anew. `total` 0: not known.
  void start(uint64_t total) {
    done_.store(0, std::memory_order_relaxed);
    total_.store(total, std::memory_order_relaxed);
  }
  void add(uint64_t n) { done_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t done() const { return done_.load(std::memory_order_relaxed); }
  uint64_t total() const { return total_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> done_{0};
  std::atomic<uint64_t> total_{0};
};

/// One duty. A room derives from it beside the data it touches.
class Job {
 public:
  virtual ~Job() = default;
  /// Unique in its runner; small letters and dashes: "scrub-disk-0". A label of metrics.
  virtual std::string name() const = 0;
  /// What progress counts: "bytes", "objects".
  virtual std::string unit() const { return "steps"; }
  /// Once, to its end. Ends soon after ctx.cancel with Code::cancelled.
  virtual Task<> run(Progress& progress, Context ctx) = 0;
};

struct Schedule {
  /// Time between the end of a run and the next; nothing: it runs once.
  std::optional<Duration> period;
  /// A periodic job that failed runs again after this long, doubled up to the period (or to
  /// itself when the period is shorter).
  Duration retry = seconds(1);
  /// Whether the first run waits for one period.
  bool delay_first = false;
};

/// What an operator sees of a job.
struct Status {
  std::string name;
  std::string unit;
  State state = State::waiting;
  uint64_t done = 0;
  uint64_t total = 0;               ///< 0: not known
  uint64_t runs = 0;                ///< runs that ended
  uint64_t failures = 0;            ///< of them with an error
  std::string last_error;           ///< of the last run that failed; stays until a run is good
  std::optional<WallTime> started;  ///< of the last run
  std::optional<WallTime> ended;    ///< of the last run; nothing while the first one runs
};

/// Runs jobs on one loop. All methods on that loop, but list(), which any thread may call. stop()
/// is due before it is destroyed.
class Runner {
 public:
  Runner(io::Loop& loop, obs::Log& log, obs::Registry& metrics);
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  ~Runner();

  /// Starts `job` soon. A name that is already there (and not ended) → Code::exists; after stop()
  /// → Code::cancelled.
  Result<> start(std::shared_ptr<Job> job, Schedule schedule);
  /// Every job that was started, by name; one that has ended stays until its name is used again.
  std::vector<Status> list() const;
  /// Cancels all jobs and waits for them. Those that have not ended by ctx.deadline are named in a
  /// Code::timeout; call it again for them.
  Task<> stop(Context ctx);

 private:
  struct Entry;
  Task<> drive(std::shared_ptr<Entry> entry);
  Task<> one_run(std::shared_ptr<Entry> entry);

  io::Loop& loop_;
  obs::Log& log_;
  obs::Registry& metrics_;
  CancelToken cancel_;
  obs::Seldom failed_;  ///< what a duty that is begun again and again has told already
  io::Progress ended_;
  size_t running_ = 0;
  mutable std::mutex mutex_;  ///< entries_ and their statuses
  std::map<std::string, std::shared_ptr<Entry>> entries_;
};

}  // namespace forebay::job
