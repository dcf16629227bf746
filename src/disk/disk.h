// One disk: its folder, identity, index, account and health. It knows nothing of the order of use
// (unit_map) nor of what is appended where (appender).
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "disk/file/data_file.h"
#include "disk/format.h"
#include "disk/index/index.h"
#include "disk/index/unit_map.h"
#include "disk/options.h"
#include "disk/space.h"
#include "io/file.h"

namespace forebay::disk {

/// Any thread. Belongs to the Store, as do the map and the options it refers to.
class Disk {
 public:
  Disk(const Options& options, uint8_t number, UnitMap& units);
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  /// Opens folder and index and fills the map with what is whole. After an error the disk is out.
  Task<> open(Context ctx);
  /// Looks whether the folder and its parts are where they were; if not the disk is out, and lost.
  /// Blocks.
  void look(io::Loop& loop);
  /// Opens a lost disk again: what is gone is made again, if that is on the same file system. Until
  /// it is done the disk is out. Nobody appends, and no unit of it is in the map.
  Task<> reopen(Context ctx);
  /// Gone, or too full to be opened.
  bool lost() const { return lost_.load(std::memory_order_relaxed); }
  /// Applies and flushes everything. Blocks.
  Result<> close();

  bool healthy() const { return healthy_.load(std::memory_order_acquire); }
  /// Weighs this disk for a unit; the healthy disk with the largest weight gets it (rendezvous).
  double weight(const UnitId& id) const;

  uint8_t number() const { return number_; }
  uint64_t boot() const { return boot_; }
  /// Of the next segment; follows what the disk has.
  uint32_t segment_bytes() const { return segment_bytes_.load(std::memory_order_relaxed); }
  DiskId id() const;
  std::shared_ptr<io::Directory> directory() const;
  /// Where calls to this disk block: one that hangs holds up nothing else.
  io::Lane* lane() const { return lane_.get(); }
  const std::shared_ptr<Space>& space() const { return space_; }

  /// A call to this disk failed: counted, and too many take it out. Being full or out of
  /// descriptors is no fault of the disk.
  void failed(bool writing, const Error& error);
  /// Errors so far are no longer held against it.
  void forgive() { recent_errors_.store(0, std::memory_order_relaxed); }

  /// Queues a row; called by the map under its lock, so rows are in the order of its changes.
  void queue_put(const UnitId& id, const Unit& unit);
  void queue_remove(const UnitId& id, UnitClass of);
  size_t pending() const;
  /// Hands what is queued to the index. Blocks.
  Result<> commit();
  /// The same of native units, and what was queued before the call survives a power loss when it
  /// returns. From the first one on nothing that is missing of this disk is made anew. Those who
  /// call together share one sync.
  /// Code::unavailable when the disk has been out since `opening`: then they may be lost.
  Result<> commit_durably(uint64_t opening);
  /// How often it has been taken out; what began under another number is not here any more.
  uint64_t opening() const { return opening_.load(std::memory_order_acquire); }

  /// Gives a finished unit's file its final name; `durably`, or it may have none after a power
  /// loss. Blocks.
  Result<> give_name(const DataFile& file, bool durably);
  /// The file of a unit that is gone, or a segment: unlinked by the next sweep. That of a `native`
  /// unit only when its row is durably gone: a row without its bytes is a loss.
  void leave(std::shared_ptr<DataFile> file, bool native = false);
  /// A file that never got its final name.
  void leave_new(std::shared_ptr<DataFile> file);
  /// Unlinks what has left. Blocks.
  void sweep();
  size_t leaving() const;

  /// A new segment; `recycler` may take the room that is kept for it. Code::busy "ENOSPC".
  struct NewFile {
    std::shared_ptr<DataFile> data;
    std::shared_ptr<io::File> file;
  };
  Task<NewFile> make_segment(bool recycler, Context ctx);
  std::vector<std::shared_ptr<DataFile>> segments() const;
  /// Nothing is appended to it any more.
  void seal(DataFile& segment);
  /// Bytes of all segments that are sealed.
  uint64_t sealed_bytes() const { return sealed_bytes_.load(std::memory_order_relaxed); }
  /// Forgets a segment in which nothing lives; its file leaves.
  void remove_segment(const std::shared_ptr<DataFile>& segment);

  /// The number of the file system it was opened on; 0 when it never was, or is out for good.
  uint64_t file_system() const { return healthy() || lost() ? home_.device : 0; }
  /// How many disks, this one among them, share that file system; from the next measurement on.
  void set_sharers(uint32_t sharers) { sharers_.store(sharers, std::memory_order_relaxed); }
  uint32_t sharers() const { return sharers_.load(std::memory_order_relaxed); }
  /// Measures the disk and shares out what it has. Blocks.
  void refresh_limit();
  DiskStats stats() const;

  /// Counted by whoever does it.
  struct Counters {
    std::atomic<uint64_t> evictions = 0, evicted_bytes = 0, recycled = 0, moved_bytes = 0,
                          refused = 0, read_errors = 0, write_errors = 0, verified = 0,
                          verify_failures = 0, rows_dropped = 0, files_removed = 0, lost = 0,
                          native_lost = 0;
  };
  Counters counters;

 private:
  struct Leaving {
    std::string path;
    std::shared_ptr<DataFile> file;
    bool native = false;
  };
  class Loader;

  // Steps of open(); all block.
  Task<> open_steps(bool again, Context ctx);
  Result<std::shared_ptr<io::Directory>> find_folder(io::Loop& loop, bool again);
  Result<> open_folder(std::shared_ptr<io::Directory> directory, const DiskId& fresh);
  Result<> write_identity(const DiskId& fresh);
  /// What of the disk is not where it was; empty: nothing.
  std::string missing(io::Loop& loop);
  void forget_files();
  void set_id(const DiskId& id);
  Result<> open_index();
  Result<> expect_natives();
  Result<> note_natives();
  Result<> flush_index();
  Result<uint64_t> measure_index();
  Result<> find_segments();
  Result<> load_rows();
  Result<> drop_dead_segments();
  void take_out(std::string why);
  void push_leaving(Leaving leaving);
  void push_pending(Change change);

  const Options& options_;
  const DiskOptions& mine_;
  UnitMap& units_;
  const uint8_t number_;
  const uint64_t boot_;
  std::array<std::atomic<uint64_t>, 2> id_{};  // words, since others may look while it changes
  std::atomic<uint32_t> segment_bytes_ = 0;
  std::atomic<uint64_t> sealed_bytes_ = 0;
  std::atomic<uint64_t> index_bytes_ = 0;
  std::atomic<uint32_t> sharers_ = 1;
  std::shared_ptr<io::Lane> lane_;
  std::shared_ptr<io::Directory> directory_;  // under mutex_
  std::shared_ptr<Index> index_;              // under commit_mutex_, but for the opener
  io::FileStat home_;                         // the folder when it was opened
  bool index_in_folder_ = false;
  std::shared_ptr<Space> space_;
  std::atomic<bool> healthy_ = false;
  std::atomic<bool> lost_ = false;
  std::atomic<bool> natives_ = false;  ///< it has held native units
  std::atomic<uint64_t> opening_ = 0;
  std::atomic<uint32_t> recent_errors_ = 0;

  std::mutex sync_mutex_;    // held while rows are made durable; before commit_mutex_
  uint64_t durable_ = 0;     // of the rows ever queued, so many first ones are
  std::mutex commit_mutex_;  // held while a batch is applied, so batches keep their order
  mutable std::mutex mutex_;
  std::string trouble_;
  std::vector<Change> pending_;
  uint64_t queued_ = 0;  // rows ever queued
  std::vector<Leaving> leaving_;
  std::vector<std::shared_ptr<DataFile>> segments_;
};

}  // namespace forebay::disk
