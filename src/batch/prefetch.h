// Prefetch: fetches every object of a bucket, or of a prefix of it, into the cache before anybody
// reads it. It lists page by page and never further than its work has come; several objects are
// under way at once. It stops where it would begin to push out what it has brought.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "batch/record.h"
#include "batch/walk.h"
#include "io/sync.h"
#include "object/bucket.h"
#include "object/store.h"

namespace forebay::batch {

/// What all jobs under way have brought: they share the cache, and one must not push out what
/// another has brought. One loop.
struct Held {
  uint64_t bytes = 0;  ///< on the disks
  uint64_t units = 0;
  double squares = 0;  ///< the sum of the squares of the units' bytes
};

/// What is left of so many bytes at that rate, which is not 0; nothing when it is more than
/// kLongestLeft.
std::optional<Duration> time_left(uint64_t bytes, uint64_t per_second);
inline constexpr Duration kLongestLeft = seconds(int64_t{10} * 366 * 24 * 3600);

/// One run, on one loop. Nothing that it refers to goes before it.
class Prefetch final : public Walk {
 public:
  /// Objects under way at once, and their bytes; a larger one goes alone.
  static constexpr size_t kMostObjects = 16;
  static constexpr uint64_t kMostBytes = uint64_t{256} << 20;
  /// Objects between the last one of which all before it are done, and the newest under way.
  static constexpr size_t kWindow = 256;
  /// The row is written at most so often; longer than the disk keeps rows of units in memory.
  static constexpr Duration kSaved = seconds(1);
  struct World {
    object::Buckets& buckets;
    object::Store& objects;
    Held& held;
    Keeper& keeper;
  };
  /// `record` is moved on as the work is done.
  Prefetch(World world, Record& record);
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;
  ~Prefetch() override;

  /// Also Code::busy, "CacheFull": the next object would push out what is here.
  Task<> run(Context ctx) override;
  Way way(Time now) const override;
  /// Where the record stood when it was kept the last time but one: what had come by then is sure
  /// to be found by another process, also if this one is killed now.
  const Record& settled() const override { return settled_; }

 private:
  struct Item {
    std::string key;
    uint64_t size = 0;  ///< as the list told
    WallTime modified;
    Held cost = {};    ///< counted in Held; nothing where it is not brought
    bool odd = false;  ///< no client can ask for such a key, and no list go on behind it
    object::Brought so_far = {};
    uint64_t earlier = 0;  ///< bytes fetched by earlier tries
    uint64_t most = 0;     ///< bytes that were here after any of them
    std::optional<Result<>> end = std::nullopt;

    uint64_t here() const { return std::max(most, so_far.here + so_far.fetched); }
    uint64_t fetched() const { return earlier + so_far.fetched; }
    void begin_again();
  };
  struct Sample {
    Time when;
    uint64_t fetched;
  };

  Task<> walk(io::Group& group, Context ctx);
  Task<> begin(const Listed& object, io::Group& group, Context ctx);
  Task<> bring(object::BucketRef bucket, ObjectKey key, Item& item, Context ctx);
  Task<> wait_until(bool (Prefetch::*may)(uint64_t) const, uint64_t bytes, Context ctx);
  Task<> pause(Time until, Context ctx) override;
  Task<> look_after(Context ctx);
  bool may_begin(uint64_t bytes) const;
  bool is_idle(uint64_t) const { return window_.empty(); }
  Result<> settle(Time now);
  void count(const Item& item, const Result<>& end);
  void note_odd(const Item& item, const Error& error);
  void count_odd();
  /// What an object of so many bytes takes of the cache.
  Held cost(uint64_t bytes) const;
  bool fits(const Held& more, const Held& beside) const;
  void hold(const Held& its);
  void let_go(const Held& its);
  uint64_t fetched() const;

  World world_;
  uint64_t unit_max_ = 0;
  std::deque<std::unique_ptr<Item>> window_;  ///< in the order of the list
  size_t active_ = 0;
  uint64_t active_bytes_ = 0;
  uint64_t failed_in_a_row_ = 0;
  std::string last_reason_;
  /// Odd keys behind record_.after: they count as failed when it has passed them, for else they are
  /// listed again.
  uint64_t odd_ = 0;
  std::vector<Failure> odd_ones_;  ///< the first of them
  Held mine_;
  double spread_ = 0;     ///< squares of what is in record_.taken
  uint64_t fetched_ = 0;  ///< by items that have left the window
  std::deque<Sample> samples_;
  Record settled_;
  bool unsaved_ = false;
  Time saved_;
  io::Progress moved_;  ///< an item has ended
};

}  // namespace forebay::batch
