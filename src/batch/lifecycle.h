// LifecycleDuty: ends what its time is over of in native buckets, by the buckets' rules: once for
// each day in UTC, and when rules have changed. It keeps nothing that must outlive the process:
// what has ended is gone, and a pass that was cut off is begun anew.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "job/job.h"
#include "meta/store.h"
#include "object/bucket.h"
#include "object/native/native_expiry.h"
#include "object/store.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "obs/seldom.h"

namespace forebay::batch {

/// Metrics of all passes.
struct LifecycleMetrics {
  explicit LifecycleMetrics(obs::Registry& registry);
  obs::Counter& rows;
  obs::Counter& objects;
  obs::Counter& older;
  obs::Counter& markers;
  obs::Counter& uploads;
  obs::Counter& failures;
  obs::Counter& good;
  obs::Counter& bad;
  obs::Gauge& running;
  obs::Gauge& last;  ///< when a pass ended well, seconds since 1970; 0: none has
};

/// One run goes through all buckets whose turn it is, a page of each by turns, and ends when there
/// is nothing to do. On the runner's loop.
class LifecycleDuty final : public job::Job {
 public:
  /// After each page of NativeExpiry::kRows: 20,000 rows a second at most.
  static constexpr Duration kPause = milliseconds(10);
  /// What ends takes one write each; none may hold up the others for longer.
  static constexpr Duration kPatience = seconds(60);
  /// A pass ends after so many failures one after the other.
  static constexpr uint32_t kMostFailures = 10;
  /// A pass that failed is begun again after this long, doubled each time up to the last.
  static constexpr Duration kFirstPause = seconds(60), kLastPause = seconds(3600);
  /// Between two looks at which buckets' turn it is.
  static constexpr Duration kPeriod = seconds(1);

  struct World {
    meta::Meta& meta;
    const object::Buckets& buckets;
    object::Store& objects;
    obs::Log& log;
    obs::Registry& metrics;
  };
  explicit LifecycleDuty(World world) : world_(world), metrics_(world.metrics) {}

  std::string name() const override { return "lifecycle"; }
  std::string unit() const override { return "rows"; }
  Task<> run(job::Progress& progress, Context ctx) override;

 private:
  /// What one pass has done.
  struct Counts {
    uint64_t rows = 0, damaged = 0;
    uint64_t objects = 0, older = 0, markers = 0, uploads = 0;
    uint64_t changed = 0;  ///< were another when they were to go, and stayed
    uint64_t failed = 0;
  };
  struct Pass {
    Pass(meta::Meta& meta, const object::Bucket& bucket, object::Day today, Time now)
        : name(bucket.name.text()),
          rules(bucket.settings.lifecycle),
          walk(meta, bucket.incarnation, rules),
          day(today),
          began(now) {}
    std::string name;
    object::LifecycleRef rules;
    object::NativeExpiry walk;
    object::Day day;
    Time began;
    Counts counts = {};
    uint32_t in_a_row = 0;  ///< failures
  };
  /// A bucket that has rules.
  struct Known {
    object::LifecycleRef tried = {};       ///< the rules of the last pass that was begun
    std::optional<object::Day> done = {};  ///< of the last pass with them that ended well
    Time due = {};                         ///< not before
    Duration pause = {};                   ///< before that
    std::unique_ptr<Pass> pass = {};       ///< under way
  };

  /// Begins the passes that are due; ends those whose bucket or rules are others now.
  void take_up(Context ctx);
  Task<> step(uint64_t incarnation, job::Progress& progress, Context ctx);
  /// The bucket while it is there and has those rules.
  std::optional<object::BucketRef> bucket_of(const Pass& pass, uint64_t incarnation) const;
  /// Counts what came of one; an error ends the pass.
  Result<> note(Pass& pass, object::NativeDue::What what, const std::string& key, Result<> done,
                Time now);
  void end(Known& known, Result<> result, Context ctx);

  const World world_;
  LifecycleMetrics metrics_;
  obs::Seldom told_;
  std::map<uint64_t, Known> known_;  ///< by incarnation
};

}  // namespace forebay::batch
