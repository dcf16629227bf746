// Cached units on this node's disks: found, filled, evicted, and checked. Everything here is clean
// (docs/semantics.md, "Disks"): it may vanish at any moment, and a caller that gets an error or
// finds no space reads from the origin instead.
#pragma once

#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/context.h"
#include "base/names.h"
#include "base/range.h"
#include "base/task.h"
#include "disk/options.h"
#include "disk/writer.h"
#include "io/file.h"

namespace forebay::disk {

/// What find() knows without touching a disk.
struct Found {
  enum class State {
    absent,  ///< not here
    ready,   ///< `slice` can be sent now (its pages may still be cold)
    asleep,  ///< here, but its file must be opened or its bytes verified: use open()
  };
  State state = State::absent;
  io::FileSlice slice = {};
};

/// All disks of a node. Any thread, except that a Task runs on the loop of its context. Slices and
/// Writers may outlive the Store. The duties run_…() are started by job or node, end with ok when
/// their context is cancelled, and must have ended before close().
class Store : public std::enable_shared_from_this<Store> {
 public:
  /// Opens every disk: reads the index, forgets rows without data, removes data without rows. A
  /// disk that cannot be opened is out (stats() tell); none at all is an error.
  static Task<std::shared_ptr<Store>> open(Options options, Context ctx);
  /// Durable index, nothing pending. The last call.
  virtual Task<> close(Context ctx) = 0;
  virtual ~Store() = default;

  /// Where the bytes `range` of the unit are. Never blocks, allocates nothing. Counts as a use.
  /// The slice stays good after an eviction. A range outside of the unit is absent.
  virtual Found find(const UnitId& id, ByteRange range, Verify verify = Verify::start) = 0;
  /// The same, waiting for the disk: opens the file, verifies what must be. Code::not_found when
  /// it is not here; Code::corrupt when its bytes were wrong or unreadable (then it is dropped).
  virtual Task<io::FileSlice> open(UnitId id, ByteRange range, Verify verify, Context ctx) = 0;
  /// Whether the unit is here. Does not count as a use.
  virtual bool contains(const UnitId& id) const = 0;

  /// Sets aside room for a unit of `bytes` on the disk where it would go. Code::busy with detail
  /// "ENOSPC" when there is none now; the evictor then hurries. Code::unavailable when no disk is
  /// healthy.
  virtual Result<Reservation> reserve(const UnitId& id, uint64_t bytes) = 0;
  /// Begins a unit in a file of its own; `length` ≥ 1, at most what was reserved for this very id.
  /// Code::exists when it is here or being written. The Writer publishes it.
  virtual Task<std::shared_ptr<Writer>> create(UnitId id, uint64_t length, Reservation reservation,
                                               Admission admission, Context ctx) = 0;
  /// Stores a unit of 1…small_max bytes; it can be found when this returns. Puts that come
  /// together share one write. Code::exists as above; Code::busy when the queue or the disk is
  /// full. A put that is cancelled may still be made.
  virtual Task<> put_small(UnitId id, Bytes bytes, Admission admission, Context ctx) = 0;
  /// Drops the unit if it is here. Its space comes back later.
  virtual void remove(const UnitId& id) = 0;
  /// Tells that sending from this unit's file failed: the unit is dropped, its disk blamed.
  virtual void read_failed(const UnitId& id) = 0;

  virtual Stats stats() const = 0;

  /// Keeps space free: evicts least recently used units, unlinks, closes.
  virtual Task<> run_evictor(Context ctx) = 0;
  /// Copies what lives in mostly dead segments forward and unlinks them.
  virtual Task<> run_recycler(Context ctx) = 0;
  /// Hands rows to the index in batches.
  virtual Task<> run_committer(Context ctx) = 0;
  /// Reads all units, slowly, round and round, and drops those that have rotted.
  virtual Task<> run_scrubber(Context ctx) = 0;

  /// One pass of each duty, for tests and for close().
  virtual Task<> evict(Context ctx) = 0;
  virtual Task<> recycle(Context ctx) = 0;
  virtual Task<> commit_rows(Context ctx) = 0;
  virtual Task<> scrub(Context ctx) = 0;
};

}  // namespace forebay::disk
