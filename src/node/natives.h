// The native buckets of this node: makes their origins, and gives back the space of what these have
// let go.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/allowance.h"
#include "job/job.h"
#include "meta/store.h"
#include "object/bucket.h"
#include "object/native/native_origin.h"
#include "unit/native.h"

namespace forebay::node {

/// Any thread.
class Natives {
 public:
  struct Options {
    std::shared_ptr<disk::Store> disks;
    meta::Meta& meta;                      ///< outlives it
    std::string self;                      ///< load_identity()
    uint64_t small_max;                    ///< the disks' own
    uint64_t memory;                       ///< of units on their way to the disks
    std::shared_ptr<Allowance> documents;  ///< for pages of lists
  };
  explicit Natives(Options options);

  /// Must not outlive this.
  std::shared_ptr<origin::Origin> open(const object::Bucket& bucket,
                                       std::shared_ptr<origin::Meter> meter);
  /// One round: a bucket that was opened since is swept, and of all what is due is removed.
  Task<> tend(Context ctx);
  /// Rounds once a second.
  Result<> start(job::Runner& jobs);

 private:
  struct Opened {
    std::weak_ptr<object::NativeOrigin> origin;
    bool swept = false;
  };
  class Rounds;
  /// Those that are open, and whether they have been swept.
  std::vector<std::pair<std::shared_ptr<object::NativeOrigin>, bool>> now();

  const Options options_;
  unit::Native units_;
  std::mutex mutex_;
  std::vector<Opened> opened_;
};

}  // namespace forebay::node
