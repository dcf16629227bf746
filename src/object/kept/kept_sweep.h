// KeptSweep: removes the rows of heads that nobody will find useful: of buckets that are gone, of
// objects whose bytes are not here any more, and those that cannot be read.
#pragma once

#include <functional>
#include <unordered_map>
#include <vector>

#include "job/job.h"
#include "object/bucket.h"
#include "object/kept/kept_rows.h"
#include "unit/cache.h"

namespace forebay::object {

struct KeptSweepOptions {
  /// Of this process: HeadOptions::life.
  uint64_t life = 0;
  /// Rows looked at in one go, and the pause after them: a thousand rows a second.
  uint32_t page = 100;
  Duration pause = milliseconds(100);
};

/// One pass is one run. Holds one page of rows.
class KeptSweep final : public job::Job {
 public:
  KeptSweep(KeptRows& rows [[clang::lifetimebound]], meta::Meta& meta [[clang::lifetimebound]],
            const Buckets& buckets [[clang::lifetimebound]],
            unit::Cache& units [[clang::lifetimebound]], KeptSweepOptions options)
      : rows_(rows), meta_(meta), buckets_(buckets), units_(units), options_(options) {}
  std::string name() const override { return "sweep-heads"; }
  std::string unit() const override { return "rows"; }
  Task<> run(job::Progress& progress, Context ctx) override;

 private:
  using Known = std::unordered_map<uint64_t, BucketRef>;  ///< by incarnation
  bool is_useful(const meta::Row& row, const Known& buckets) const;

  KeptRows& rows_;
  meta::Meta& meta_;
  const Buckets& buckets_;
  unit::Cache& units_;
  const KeptSweepOptions options_;
};

}  // namespace forebay::object
