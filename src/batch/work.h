// Work: what a job does, as its table sees it.
#pragma once

#include <optional>
#include <string>

#include "base/context.h"
#include "base/task.h"
#include "batch/record.h"

namespace forebay::batch {

/// What a job under way shows beside its record.
struct Way {
  uint64_t known_objects = 0;  ///< that it has been told of, those that are done among them
  uint64_t known_bytes = 0;
  bool listed = false;      ///< there are no others
  uint64_t bytes = 0;       ///< done now, parts of objects too
  uint64_t per_second = 0;  ///< bytes fetched in a second, of the last ten
  /// Until the end, where all are known and some come.
  std::optional<Duration> left;
  std::string trouble;  ///< why nothing goes on just now, though it will; empty: all is well
};

/// Keeps the record of a job that is under way.
class Keeper {
 public:
  virtual ~Keeper() = default;
  /// As it stands in Work::settled(); `durably`: a power cut does not take it back. An error ends
  /// the run.
  virtual Task<> keep(bool durably, Context ctx) = 0;
};

/// One run, on one loop. Nothing that it refers to goes before it.
class Work {
 public:
  /// So long the origin's list is asked for when it may be had later, with pauses that double up to
  /// the longest.
  static constexpr Duration kPatience = seconds(3600);
  static constexpr Duration kFirstPause = seconds(1);
  static constexpr Duration kLongestPause = seconds(60);
  /// Tries of an object that may be done a little later, with longer pauses between them.
  static constexpr int kTries = 4;
  /// So many failures one after the other end the job: it is not the objects' fault.
  static constexpr uint64_t kMostFailed = 100;
  /// Pages without a key that are followed.
  static constexpr int kEmptyPages = 100;

  virtual ~Work() = default;
  /// To its end, from where the record stands. Code::not_found, "NoSuchBucket": the bucket was
  /// removed; Code::cancelled.
  virtual Task<> run(Context ctx) = 0;
  virtual Way way(Time now) const = 0;
  /// Where the record stood when what it tells of was sure to outlive the process.
  virtual const Record& settled() const = 0;
};

}  // namespace forebay::batch
