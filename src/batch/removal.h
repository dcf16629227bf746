// Removal: deletes every object of a bucket, or of a prefix of it, page by page, several at once.
// In a bucket that keeps versions each gets a delete marker, as by a DELETE of its own.
#pragma once

#include <string>
#include <vector>

#include "batch/walk.h"
#include "object/store.h"

namespace forebay::batch {

/// What is written behind Record::after meanwhile goes with the rest; what is written before it
/// stays.
class Removal final : public Walk {
 public:
  /// Objects under way at once.
  static constexpr size_t kAtOnce = 16;

  struct World {
    object::Buckets& buckets;
    object::Store& objects;
    Keeper& keeper;
  };
  Removal(World world, Record& record);

  Task<> run(Context ctx) override;
  Way way(Time now) const override;
  /// Where it stood after the last page, which is kept before the next one is begun: whatever is
  /// written before that place later is never removed, also by another process.
  const Record& settled() const override { return settled_; }

 private:
  /// One page's removal.
  struct Batch {
    object::BucketRef bucket;
    const Page& page;
    size_t end;  ///< what is behind it is listed again
    size_t next = 0;
  };
  Task<> pause(Time until, Context ctx) override;
  Task<> remove(const Page& page, Context ctx);
  Task<> work(Batch& batch, Context ctx);
  Task<> remove_one(object::BucketRef bucket, const Listed& object, Context ctx);
  Task<> move_on(const Page& page, Context ctx);
  bool told_to_end() const { return record_.state == State::cancelled; }

  World world_;
  Record settled_;
  uint64_t failed_in_a_row_ = 0;
  std::string last_reason_;
};

}  // namespace forebay::batch
