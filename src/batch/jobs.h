// Jobs: the table of all jobs over many keys: what was ordered, what is under way, what came of it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "batch/prefetch.h"
#include "batch/record.h"
#include "io/sync.h"
#include "job/job.h"
#include "meta/store.h"
#include "obs/log.h"

namespace forebay::batch {

/// A job as it is now. `way` stands still where the job does.
struct Shown {
  Record record;
  Way way;
};

/// All calls on one loop, which is also the runner's. What it refers to outlives it.
class Jobs {
 public:
  /// Jobs that run at once; others wait for their turn, in the order in which they were ordered.
  static constexpr size_t kMostRunning = 4;
  /// Jobs that wait.
  static constexpr size_t kMostWaiting = 100;
  /// Jobs that have ended and are told of: the newest, and for so long.
  static constexpr size_t kMostEnded = 100;
  static constexpr Duration kKept = seconds(7 * 24 * 3600);

  struct World {
    meta::Store& rows;
    object::Buckets& buckets;
    object::Store& objects;
    obs::Log& log;
  };
  explicit Jobs(World world);
  ~Jobs();

  /// Reads the rows; once, after the buckets are there. What had not ended waits for its turn.
  Task<> load(Context ctx);
  /// Begins to run them, as the duty "batch".
  Result<> start(job::Runner& runner);
  /// Those under way stop where they are, to go on when the process starts again. None begins after
  /// that.
  Task<> stop(Context ctx);

  /// Orders the objects of a bucket, or those whose keys begin with `prefix`, to be fetched into
  /// the cache; durable when it returns. Code::not_found, "NoSuchBucket"; Code::invalid: a native
  /// bucket, or no prefix; Code::exists, "JobExists": the same is ordered and has not ended;
  /// Code::busy, "TooManyJobs".
  Task<Shown> prefetch(std::string bucket, std::string prefix, Context ctx);
  /// In the order of their beginning, the oldest first.
  std::vector<Shown> list(const io::Loop& loop) const;
  /// Code::not_found, "NoSuchJob".
  Result<Shown> get(std::string_view id, const io::Loop& loop) const;
  /// Ends it; what it has brought stays. Durable when it returns. Code::not_found, "NoSuchJob";
  /// Code::conflict, "JobEnded".
  Task<Shown> cancel(std::string id, Context ctx);

 private:
  struct Entry;
  class Duty;
  class Keeping;
  using EntryRef = std::shared_ptr<Entry>;

  Task<> drive(Context ctx);
  Task<> carry_out(EntryRef entry, Context ctx);
  Task<> save(EntryRef entry, bool durably, Context ctx);
  Task<> forget_old(Context ctx);
  std::vector<EntryRef> in_order() const;
  std::vector<EntryRef> old_ones(WallTime now) const;
  EntryRef next_waiting() const;
  size_t count(State state) const;
  static Shown show(const Entry& entry, const io::Loop& loop);

  World world_;
  std::map<std::string, EntryRef, std::less<>> entries_;
  Held held_;
  size_t running_ = 0;
  bool stopped_ = false;
  io::Progress changed_;
};

}  // namespace forebay::batch
