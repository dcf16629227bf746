// What one node is told about its disks, and what it tells about them. Plain structs; the words
// that callers of Store use.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "disk/index/index.h"

namespace forebay::disk {

/// Which promise the bytes of a unit carry. (Dirty, 2, joins when something stores it.)
enum class UnitClass : uint8_t {
  clean = 1,   ///< can be fetched again, may go at any moment
  native = 3,  ///< is nowhere else: durable before anybody is told, never evicted
};

/// Whose bytes a unit holds: what a node must know to find all of one bucket, or of one stretch of
/// the key space, which a hashed id does not tell.
struct UnitOwner {
  uint64_t incarnation = 0;  ///< the bucket's
  uint32_t slot = 0;         ///< the key's, see key_slot()
  bool operator==(const UnitOwner&) const = default;
};

/// When bytes are compared with their checksums before they are served.
enum class Verify {
  start,   ///< once after an unclean start of the machine; then never
  always,  ///< at each open: the blocks of the range are read through user space first
};

/// Where a new unit enters the order of eviction.
enum class Admission {
  hot,   ///< as if just read
  cold,  ///< first to go, until it is read (units written by clients)
};

/// On what terms a unit is kept.
struct Terms {
  // Of most units nothing else need be said.
  Terms(Admission how = Admission::hot) : admission(how) {}  // NOLINT(google-explicit-constructor)
  Terms(Admission how, UnitOwner whose, UnitClass what = UnitClass::clean)
      : admission(how), owner(whose), unit_class(what) {}
  Admission admission;
  UnitOwner owner = {};
  UnitClass unit_class = UnitClass::clean;
  /// Nobody knows when its bytes will come, if they do: what was reserved is for the first of them,
  /// and Writer::grow() finds room for others. Only for units in files of their own, whose writes
  /// then come one after another.
  bool grows = false;
  bool native() const { return unit_class == UnitClass::native; }
};

/// Told once, on any thread, when a put is over.
using PutDone = std::move_only_function<void(Result<>)>;

/// One disk: a folder that belongs to Forebay alone.
struct DiskOptions {
  /// Absolute path. Made when missing. A folder that holds other things is refused.
  std::string path;
  /// Bytes that may be used, index and all; 0: the file system's size less 5 %. Never more than
  /// what is there: what others use and a little that stays free come off. Disks on one file system
  /// share what is free of it, and without a setting its size.
  uint64_t capacity = 0;
  /// Opens this disk's index; called at each opening, may block. Empty: RocksDB in the folder
  /// `index`.
  std::function<Result<std::shared_ptr<Index>>()> open_index = {};
};

struct Options {
  std::vector<DiskOptions> disks;
  /// Names this boot of the machine (/proc/sys/kernel/random/boot_id). Units that were written
  /// under another one are verified before they are served first.
  std::string boot_id;
  /// Units up to this many bytes may be stored in segments (put_small). At most 1 MiB.
  uint32_t small_max = 64 << 10;
  /// Bytes of a segment file at most. A sixteenth of what may be used if that is less.
  uint32_t segment_bytes = 64 << 20;
  /// Units from this many bytes on are written past the page cache where the file system can:
  /// that takes a third of the processor time, and spares the page cache what may never be read.
  uint64_t direct_min = 1 << 20;
  /// Units in memory, all disks together. Each costs about 136 bytes, one in a file of its own
  /// 176 more and 4 per MiB (docs/formats/disk.md).
  uint64_t max_units = 4 << 20;
  /// Descriptors of data files held open while nobody reads them, all disks together.
  uint32_t max_open_files = 4096;
  /// How long a small unit waits for others to be appended with.
  Duration gather = milliseconds(2);
  /// Small units waiting to be appended, bytes per disk; more are refused as busy.
  uint64_t max_queued_bytes = 64 << 20;
  /// Index rows waiting for their batch, per disk; more make the writer commit them itself.
  uint32_t max_pending_rows = 16384;
  /// How often run_committer() hands rows to the index.
  Duration commit_interval = milliseconds(200);
  /// A disk with more failed calls than this within a minute is taken out until the restart. (One
  /// whose folder is gone is opened again.)
  uint32_t errors_until_out = 8;
  /// Bytes per second that run_scrubber() reads; 0: it does nothing.
  uint64_t scrub_rate = 16 << 20;
};

/// One disk's counters since open, and its present state.
struct DiskStats {
  std::string path;
  bool healthy = true;
  std::string trouble = {};             ///< why it is not healthy
  bool returns = false;                 ///< it is opened again as soon as that can be done
  uint64_t lost = 0;                    ///< times its folder, or a part of it, was gone
  uint64_t asked = 0;                   ///< DiskOptions::capacity
  uint32_t sharers = 1;                 ///< disks of this node on its file system
  uint64_t limit = 0;                   ///< bytes that may be used now
  uint64_t used = 0;                    ///< bytes on the disk: files, segments, reservations
  uint64_t files = 0, files_limit = 0;  ///< the same in files; no limit is UINT64_MAX
  bool bound_by_files = false;          ///< the file system has too few inodes for its bytes
  uint64_t index = 0;                   ///< bytes of the index, outside of `limit`
  uint64_t segment_bytes = 0;           ///< of the next segment
  uint64_t live = 0;                    ///< bytes of units that can be served
  uint64_t units = 0;
  uint64_t native = 0, native_units = 0;  ///< the part of these two that nothing evicts
  uint64_t native_lost = 0;               ///< at open: native units whose bytes are gone
  uint64_t evictions = 0, evicted_bytes = 0;
  uint64_t segments = 0;     ///< segment files now
  uint64_t recycled = 0;     ///< segments recycled
  uint64_t moved_bytes = 0;  ///< copied forward by recycling
  uint64_t refused = 0;      ///< reservations and puts without space
  uint64_t read_errors = 0, write_errors = 0;
  uint64_t verified = 0;         ///< units compared with their checksums
  uint64_t verify_failures = 0;  ///< units dropped because they were not what they should be
  uint64_t rows_dropped = 0;     ///< at open: rows without good data
  uint64_t files_removed = 0;    ///< at open: data without row
};

struct Stats {
  std::vector<DiskStats> disks;
  uint64_t open_files = 0;  ///< descriptors in the cache
};

}  // namespace forebay::disk
