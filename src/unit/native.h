// Native units: bytes of buckets without an origin, which cannot be fetched again. They are durable
// before anybody is told, and nothing evicts them (docs/semantics.md, "Disks").
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/allowance.h"
#include "base/bytes.h"
#include "base/context.h"
#include "base/names.h"
#include "base/range.h"
#include "base/task.h"
#include "disk/store.h"
#include "io/file.h"
#include "unit/blocks.h"

namespace forebay::unit {

using disk::UnitOwner;
using disk::Verify;

/// All loops share one.
class Native {
 public:
  /// How long a unit waits for clean ones to make room for it.
  static constexpr Duration kRoomWait = seconds(10);
  /// And so long for them alone, where there are any.
  static constexpr Duration kEvictionFirst = seconds(1);
  /// Room for so much is taken before the first byte is written, of what does not gather in memory.
  static constexpr uint64_t kFirstRoom = 64 << 10;

  /// `memory`: bytes in which large units may gather before they are written, all together, and as
  /// many for small ones; who finds none left is written as it comes, into a file of its own.
  Native(std::shared_ptr<disk::Store> disks, uint64_t small_max, uint64_t memory)
      : disks_(std::move(disks)),
        small_max_(small_max),
        blocks_(memory),
        small_(std::make_shared<Allowance>(memory)) {}

  /// Called when there is no room, before a unit waits for any: gives up what is kept without need,
  /// and tells whether more may still be found. Before the first unit; any thread calls it.
  void when_full(std::function<bool()> relief) { relief_ = std::move(relief); }

  /// A unit under way. One at a time calls it; without commit() nothing is left of it.
  class Writing {
   public:
    uint64_t left() const { return length_ - size_; }
    /// The unit's next bytes, which live until it returns; at most left(). Waits for room, as
    /// begin().
    Task<> add(ByteView bytes, Context ctx);
    /// Durable, and found, when it returns. Code::invalid while bytes are missing. After an error
    /// it is as if it had never been begun.
    Task<> commit(Context ctx);

   private:
    friend class Native;
    Writing(Native& native, UnitId id, UnitOwner owner, uint64_t length)
        : native_(&native), id_(id), owner_(owner), length_(length) {}
    Task<> begin_file(Context ctx);
    Task<> write_block(Context ctx);
    Task<> write(uint64_t at, ByteView bytes, Context ctx);
    Task<> store_small(Context ctx);

    Native* native_;
    UnitId id_;
    UnitOwner owner_;
    uint64_t length_;
    uint64_t size_ = 0;  ///< added so far
    Allowance::Share small_memory_;
    std::string small_;     ///< all of a small unit that found memory
    bool gathers_ = false;  ///< a large one
    Block block_;           ///< what of that is not written yet, so many bytes
    uint64_t held_ = 0;
    std::shared_ptr<disk::Writer> writer_;
  };

  /// Begins a unit of `length` bytes (≥ 1). It takes room as its bytes come, and waits for it:
  /// Code::busy, "InsufficientStorage", when there is none after kRoomWait, or can be none for all
  /// of it; Code::unavailable when no disk is healthy.
  Task<Writing> begin(UnitId id, UnitOwner owner, uint64_t length, Context ctx);

  /// Where the bytes `in_unit` of a unit are. Code::not_found when it is not here (its disk is
  /// out, or it was removed); Code::corrupt when they are not what was written.
  Task<io::FileSlice> open(UnitId id, ByteRange in_unit, Verify verify, Context ctx);

  /// Removes the unit for good; its space comes back soon. Not durable by itself: after a crash it
  /// may be there again, which of() shows.
  void remove(const UnitId& id) { disks_->remove_native(id); }
  /// All native units of one bucket, by its incarnation; in order of id. Slow: looks at all units.
  std::vector<UnitId> of(uint64_t incarnation) const { return disks_->native_units(incarnation); }

 private:
  /// Whether there may be room later; gives up what is kept without need where that is due.
  bool may_hope(const UnitId& id, uint64_t length, Duration waited);
  Task<> await_room(UnitId id, uint64_t length, Time began, Context ctx);

  std::shared_ptr<disk::Store> disks_;
  const uint64_t small_max_;
  BlockPool blocks_;
  std::shared_ptr<Allowance> small_;
  std::function<bool()> relief_ = [] { return false; };
};

}  // namespace forebay::unit
