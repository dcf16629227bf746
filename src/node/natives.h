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
    std::shared_ptr<io::Md5Lanes> md5 = std::make_shared<io::Md5Lanes>();
  };
  explicit Natives(Options options);

  /// Must not outlive this.
  std::shared_ptr<origin::Origin> open(const object::Bucket& bucket,
                                       std::shared_ptr<origin::Meter> meter);
  /// One round: what was just opened is counted; of all buckets what is due is removed; those are
  /// swept whose turn it is: at first, when a disk was out, some hours later, and after an error in
  /// growing pauses.
  Task<> tend(Context ctx);
  /// Rounds once a second.
  Result<> start(job::Runner& jobs);

 private:
  struct Known {
    std::weak_ptr<object::NativeOrigin> origin;
    Time due = {};        ///< its next sweep
    Duration pause = {};  ///< before that one; nothing: it has never been swept
  };
  struct Opened {
    std::shared_ptr<object::NativeOrigin> origin;
    Time due;
    Duration pause;
  };
  class Rounds;
  std::vector<Opened> open_now();
  void swept(const std::shared_ptr<object::NativeOrigin>& origin, bool good, Time now);
  void look_at_disks();

  const Options options_;
  unit::Native units_;
  std::mutex mutex_;
  std::vector<Known> known_;
  uint64_t disks_out_ = 0;  ///< tend()'s
};

}  // namespace forebay::node
