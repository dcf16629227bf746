// What one disk can run out of, as numbers: bytes and files (inodes). What may be used, what is,
// and what is on its way out. Room is taken here before anything is written.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace forebay::disk {

/// One quantity of a disk. Any thread.
class Quota {
 public:
  explicit Quota(uint64_t limit) : limit_(limit) {}

  /// False when less than `n` and `kept` is left; then `n` is wanted, unless it can never be had:
  /// that must not empty the disk.
  bool take(uint64_t n, uint64_t kept);
  /// Whether take() may succeed: now, when what leaves has gone, or after evictions if there is
  /// something to evict.
  bool may_take(uint64_t n, uint64_t kept, bool evictable) const;
  void give(uint64_t n) { used_.fetch_sub(n, std::memory_order_relaxed); }
  /// What is there already, whatever the limit says.
  void found(uint64_t n) { used_.fetch_add(n, std::memory_order_relaxed); }
  /// Given up, but not yet gone (unlink pending, or somebody reads).
  void add_leaving(uint64_t n) { leaving_.fetch_add(n, std::memory_order_relaxed); }
  void remove_leaving(uint64_t n) { leaving_.fetch_sub(n, std::memory_order_relaxed); }
  /// Eviction has made the room that was refused, or cannot.
  void forget_wanted() { wanted_.store(0, std::memory_order_relaxed); }

  void set_limit(uint64_t limit) { limit_.store(limit, std::memory_order_relaxed); }
  uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }
  uint64_t used() const { return used_.load(std::memory_order_relaxed); }
  /// What `used` will be when all that leaves has gone.
  uint64_t staying() const;
  /// The largest request refused since the last eviction.
  uint64_t wanted() const { return wanted_.load(std::memory_order_relaxed); }
  /// How much must go so that `target` is free.
  uint64_t excess(uint64_t target) const;

 private:
  std::atomic<uint64_t> limit_;
  std::atomic<uint64_t> used_ = 0;
  std::atomic<uint64_t> leaving_ = 0;
  std::atomic<uint64_t> wanted_ = 0;
};

/// One disk's account. Any thread. Shared by all that holds room on the disk, so it outlives it.
class Space {
 public:
  /// `kept` bytes, and one file, are for the recycler alone, which needs room before it can make
  /// any. As many files as one likes, until set_files_limit().
  Space(uint64_t limit, uint64_t kept) : bytes_(limit), files_(UINT64_MAX), kept_(kept) {}
  Space(const Space&) = delete;
  Space& operator=(const Space&) = delete;

  /// Room for one file of `bytes`; false when there is none.
  bool take(uint64_t bytes) { return take(bytes, kept(), 1); }
  bool may_take(uint64_t bytes, bool evictable) const {
    return bytes_.may_take(bytes, kept(), evictable) && files_.may_take(1, 1, evictable);
  }
  /// The same for a file that has grown by so much.
  bool take_more(uint64_t bytes) { return bytes_.take(bytes, kept()); }
  bool take_for_recycler(uint64_t bytes) { return take(bytes, 0, 0); }
  /// A file of `bytes` is gone.
  void give(uint64_t bytes) {
    bytes_.give(bytes);
    files_.give(1);
  }
  /// A file needs so much less than was taken for it.
  void give_back(uint64_t bytes) { bytes_.give(bytes); }
  /// At open: a file that is there already.
  void found(uint64_t bytes) {
    bytes_.found(bytes);
    files_.found(1);
  }
  void add_leaving(uint64_t bytes) {
    bytes_.add_leaving(bytes);
    files_.add_leaving(1);
  }
  void remove_leaving(uint64_t bytes) {
    bytes_.remove_leaving(bytes);
    files_.remove_leaving(1);
  }
  void forget_wanted() {
    bytes_.forget_wanted();
    files_.forget_wanted();
  }

  void set_limits(uint64_t bytes, uint64_t files, uint64_t kept);
  uint64_t limit() const { return bytes_.limit(); }
  uint64_t used() const { return bytes_.used(); }
  uint64_t staying() const { return bytes_.staying(); }
  const Quota& files() const { return files_; }
  uint64_t kept() const { return kept_.load(std::memory_order_relaxed); }
  /// How much room eviction keeps free ahead of need: a twentieth, at least two segments (`kept`
  /// is one), at most a quarter and 16 GiB; and always what was last refused.
  uint64_t target() const;
  /// The same without what was refused.
  uint64_t usual_target() const;
  /// How many bytes must go to reach the target; 0 when all is well.
  uint64_t excess() const { return bytes_.excess(target()); }
  /// How many files must go: a twentieth is kept free, at least 16, at most a quarter.
  uint64_t excess_files() const;
  /// Whether files run out before bytes do.
  bool bound_by_files() const;

 private:
  bool take(uint64_t bytes, uint64_t kept, uint64_t kept_files);

  Quota bytes_;
  Quota files_;
  std::atomic<uint64_t> kept_;
};

/// What is known of a disk when it is measured.
struct Measured {
  uint64_t setting = 0;          ///< bytes that may be used; 0: the disk less 5 %
  uint64_t total = 0, free = 0;  ///< bytes of the file system
  uint64_t inodes = 0, free_inodes = 0;
  uint32_t sharers = 1;          ///< disks of ours on that file system: what is free is theirs
  uint64_t used = 0, files = 0;  ///< the account's: part of them may not be written yet
  uint64_t index = 0;            ///< bytes of the index
  uint32_t most_segment = 0;     ///< Options::segment_bytes
  uint32_t least_segment = 0;    ///< the largest small unit must fit
};

/// What follows from it, at every size.
struct Shares {
  uint64_t limit = 0;  ///< bytes of units
  uint64_t files_limit = 0;
  uint32_t segment_bytes = 0;
};
Shares share_out(const Measured& disk);

/// What a file of `length` bytes takes: whole pages.
constexpr uint64_t disk_bytes(uint64_t length) { return (length + 4095) & ~uint64_t{4095}; }

}  // namespace forebay::disk
