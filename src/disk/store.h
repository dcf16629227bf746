// Units on this node's disks: found, filled, evicted, and checked. Clean ones (docs/semantics.md,
// "Disks") may vanish at any moment, and a caller that gets an error or finds no space reads from
// the origin instead. Native ones stay until they are removed.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <unordered_set>
#include <vector>

#include "base/bytes.h"
#include "base/context.h"
#include "base/names.h"
#include "base/range.h"
#include "base/task.h"
#include "disk/file/writer.h"
#include "disk/options.h"
#include "io/file.h"
#include "io/sync.h"
#include "job/crew.h"

namespace forebay::disk {

class Appender;
class DataFile;
class Disk;
class OpenFiles;
class Recycler;
class UnitMap;
struct Unit;

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

/// What clean units may fill before the first of them is evicted for the last, all healthy disks
/// together. A unit's disk is drawn by its id, a larger disk more often, so that some disk is full
/// before all are.
struct Room {
  uint64_t bytes = 0;  ///< were the units to lie evenly
  uint64_t least = 0;  ///< of the disk with the least: these fit wherever they come to lie
  uint64_t units = 0;
  /// (1 - p) / p of the disk that is drawn most seldom; 0 for one disk. What stays below `bytes` by
  /// a few times √(odds · sum of the units' squares) fits as they do lie.
  double odds = 0;
};

/// All disks of a node. Any thread, except that a Task runs on the loop of its context; the Store
/// outlives its Tasks. Slices may outlive the Store. The duties run_…() are started by job or node,
/// end with ok when their context is cancelled, and have ended before close().
class Store : public std::enable_shared_from_this<Store> {
 public:
  /// Opens every disk: reads the index, forgets rows without data, removes data without rows. A
  /// disk that cannot be opened is out (stats() tell); none at all is an error.
  static Task<std::shared_ptr<Store>> open(Options options, Context ctx);
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store();
  /// Nothing pending, the index durable. The last call.
  Task<> close(Context ctx);

  /// Where the bytes `range` of the unit are. Never blocks, allocates nothing. Counts as a use.
  /// The slice stays good after an eviction. A range outside of the unit is absent.
  Found find(const UnitId& id, ByteRange range, Verify verify = Verify::start);
  /// The same, waiting for the disk: opens the file, verifies what must be. Code::not_found when
  /// it is not here; Code::corrupt when its bytes were wrong or unreadable (then it is dropped);
  /// Code::busy when the process is out of descriptors.
  Task<io::FileSlice> open(UnitId id, ByteRange range, Verify verify, Context ctx);
  /// Whether the unit is here. Does not count as a use.
  bool contains(const UnitId& id) const;

  /// Sets aside room for a unit of `bytes` on the disk where it would go. Code::busy with detail
  /// "ENOSPC" when there is none now; the evictor then hurries. Code::unavailable when no disk is
  /// healthy.
  Result<Reservation> reserve(const UnitId& id, uint64_t bytes);
  /// Whether reserve() may succeed, now or when what is here has been evicted. Changes nothing.
  bool may_take(const UnitId& id, uint64_t bytes) const;
  /// Begins a unit in a file of its own; `length` ≥ 1, at most what was reserved for this very id
  /// (or more than that if it grows, see Terms). Code::exists when it is here. The Writer publishes
  /// it; of several that write the same unit (one may have been given up and not be gone yet) the
  /// first to do so wins.
  Task<std::shared_ptr<Writer>> create(UnitId id, uint64_t length, Reservation reservation,
                                       Terms terms, Context ctx);
  /// The same for a unit whose name is known only when its bytes are all there, reserved for an id
  /// drawn at random. Writer::commit_as() names it; until then nothing can meet it.
  Task<std::shared_ptr<Writer>> create_nameless(uint64_t length, Reservation reservation,
                                                Terms terms, Context ctx);
  /// Stores a unit of 1…small_max bytes; it can be found when this returns, and a native one is
  /// durable. Puts that come together share one write, and one sync. Code::exists as above;
  /// Code::busy when the queue or the disk (detail "ENOSPC") is full. A put that is cancelled may
  /// still be made.
  Task<> put_small(UnitId id, Bytes bytes, Terms terms, Context ctx);
  /// The same without waiting: `crew` sees to the writing, `done` may be called before this
  /// returns.
  void put_small_soon(UnitId id, Bytes bytes, Terms terms, job::Crew& crew, PutDone done);
  /// Drops the unit if it is here and clean. Its space comes back later.
  void remove(const UnitId& id);
  /// Removes a native unit. Its space comes back later; a crash soon after may bring it back.
  void remove_native(const UnitId& id);
  /// All native units of one bucket (by its incarnation), in order of id; slow.
  std::vector<UnitId> native_units(uint64_t incarnation) const;

  Stats stats() const;
  /// Bytes that may be used now, all healthy disks together.
  uint64_t limit() const;
  Room room() const;

  /// Keeps space free: evicts least recently used units, unlinks, closes.
  Task<> run_evictor(Context ctx);
  /// Copies what lives in mostly dead segments forward and unlinks them.
  Task<> run_recycler(Context ctx);
  /// Hands rows to the index in batches.
  Task<> run_committer(Context ctx);
  /// Reads all units, slowly, round and round, and drops those that have rotted.
  Task<> run_scrubber(Context ctx);

  /// One pass of each duty, for tests. Two passes of one duty must not run at once.
  Task<> evict(Context ctx);
  Task<> recycle(Context ctx);
  Task<> commit_rows(Context ctx);
  /// `rate`: bytes per second at most; 0: as fast as it goes.
  Task<> scrub(uint64_t rate, Context ctx);

 private:
  friend class Writer;
  explicit Store(Options options);
  Disk* choose(const UnitId& id) const;
  Result<Appender*> appender_for(const UnitId& id, uint64_t bytes, const Terms& terms) const;
  Disk& disk_of(const Unit& unit) const;
  Result<Disk*> disk_of(const Reservation& reservation, uint64_t least) const;
  Result<> take_more(Disk& disk, uint64_t wish, uint64_t least, DataFile& of);
  Task<std::shared_ptr<Writer>> make_writer(Disk* disk, std::optional<UnitId> id, uint64_t length,
                                            Reservation reservation, Terms terms, Context ctx);
  bool publish(Disk& disk, const UnitId& id, Unit unit, Admission admission,
               const std::shared_ptr<io::File>& file);
  void keep_map_bounded();
  bool evict_one(Disk& disk);
  void count_sharers();
  void forget_units(const Disk& disk);
  // Duties of one disk, once or until they are cancelled.
  using Duty = Task<> (Store::*)(Disk&, Context);
  Task<> on_each(Duty duty, Context ctx);
  Task<> look_after(Disk& disk [[clang::lifetimebound]], Context ctx);
  Task<> evict_of(Disk& disk [[clang::lifetimebound]], Context ctx);
  Task<> recycle_of(Disk& disk [[clang::lifetimebound]], Context ctx);
  Task<> commit_rows_of(Disk& disk [[clang::lifetimebound]], Context ctx);
  Task<> keep_evicting(Disk& disk [[clang::lifetimebound]], Context ctx);
  Task<> keep_recycling(Disk& disk [[clang::lifetimebound]], Context ctx);
  Task<> keep_committing(Disk& disk [[clang::lifetimebound]], Context ctx);
  static bool short_of_room(const Disk& disk);
  bool over(const Disk& disk) const;
  bool drop(const UnitId& id, const Unit* at, UnitClass of = UnitClass::clean);
  Task<std::shared_ptr<io::File>> wake(UnitId id, Unit unit, Context ctx);
  Task<> verify(UnitId id, Unit unit, std::shared_ptr<io::File> file, ByteRange range, Context ctx);

  const Options options_;
  const std::unique_ptr<UnitMap> units_;
  const std::unique_ptr<OpenFiles> open_files_;
  // One of each per disk.
  std::vector<std::unique_ptr<Disk>> disks_;
  std::vector<std::unique_ptr<Appender>> appenders_;  // of clean units
  std::vector<std::unique_ptr<Appender>> natives_;    // apart, so that clean ones wait for no sync
  std::vector<std::unique_ptr<Recycler>> recyclers_;
  io::Progress pressure_;  // space is short: evict, recycle
  io::Progress verified_;  // somebody has verified a unit

  std::vector<Time> next_looks_;  // the evictor's, at each disk

  static constexpr size_t kMaxUnreadable = 4096;
  /// Told once for each native unit: it stays, and is asked for again and again.
  void unreadable(Disk& disk, const UnitId& id, const Unit& unit, const Error& error);

  mutable std::mutex mutex_;
  std::unordered_set<UnitId> unreadable_;  ///< native ones; at most kMaxUnreadable
  std::unordered_set<UnitId> verifying_;
};

}  // namespace forebay::disk
