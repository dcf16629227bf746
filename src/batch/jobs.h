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

  /// Reads the rows; once, after the buckets are there. What had not ended waits for its turn; of
  /// what had, those that are not told of any more are removed, however many there are.
  Task<> load(Context ctx);
  /// Begins to run them, as the duty "batch".
  Result<> start(job::Runner& runner);
  /// Those under way stop where they are, to go on when the process starts again. None begins after
  /// that.
  Task<> stop(Context ctx);

  /// Orders the objects of a bucket, or those whose keys begin with `prefix`, to be fetched into
  /// the cache; durable when it returns. Code::not_found, "NoSuchBucket"; Code::invalid: a native
  /// bucket, or no prefix; Code::exists, "JobExists": the same is ordered and has not ended;
  /// Code::busy, "TooManyJobs". Code::unavailable: whether it was kept is not known; it is not
  /// carried out, and may be told of as cancelled.
  Task<Shown> prefetch(std::string bucket, std::string prefix, Context ctx);
  /// The same for objects to be removed, of a native bucket too; in one that keeps versions each
  /// gets a delete marker. What is written meanwhile may go with the others.
  Task<Shown> removal(std::string bucket, std::string prefix, Context ctx);
  /// In the order of their beginning, the oldest first.
  std::vector<Shown> list(const io::Loop& loop) const;
  /// Code::not_found, "NoSuchJob".
  Result<Shown> get(std::string_view id, const io::Loop& loop) const;
  /// Ends it; what it has brought stays. Durable when it returns, and a removal removes nothing any
  /// more then (with Code::timeout it is ended, but deletes are still under way). Code::not_found,
  /// "NoSuchJob"; Code::conflict, "JobEnded". With any other error it goes on.
  Task<Shown> cancel(std::string id, Context ctx);

 private:
  struct Entry;
  /// What an order says.
  struct Order {
    Kind kind;
    object::BucketRef bucket;
    std::string prefix;
  };
  class Duty;
  class Keeping;
  using EntryRef = std::shared_ptr<Entry>;

  Task<Shown> order(Order order, Context ctx);
  std::unique_ptr<Work> work_of(Record& record, Keeper& keeper);
  Task<> drive(Context ctx);
  Task<> carry_out(EntryRef entry, Context ctx);
  Task<> save(EntryRef entry, bool durably, Context ctx);
  Task<> write(Record record, bool durably, Context ctx);
  Task<> withdraw(Context ctx);
  /// What cannot be removed now is found by the next load().
  Task<> forget_old(Context ctx);
  void found(std::string_view key, std::string_view row);
  std::vector<EntryRef> in_order() const;
  std::vector<EntryRef> old_ones(WallTime now) const;
  EntryRef next_waiting() const;
  static Record row_of(const Entry& entry);
  size_t count(State state) const;
  static Shown show(const Entry& entry, const io::Loop& loop);

  World world_;
  std::map<std::string, EntryRef, std::less<>> entries_;
  /// Orders whose rows may be there, or come yet, although those who gave them were told of an
  /// error: cancelled, which is not written yet.
  std::vector<EntryRef> withdrawn_;
  Held held_;
  size_t running_ = 0;
  bool stopped_ = false;
  io::Progress changed_;
};

}  // namespace forebay::batch
