// The bytes of one disk as numbers: what may be used, what is, and what is on its way out. Room is
// taken here before anything is written.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace forebay::disk {

/// One disk's account. Any thread. Shared by all that holds bytes of the disk, so it outlives it.
class Space {
 public:
  /// `kept` bytes are for the recycler alone, which needs room before it can make any.
  Space(uint64_t limit, uint64_t kept) : limit_(limit), kept_(kept) {}
  Space(const Space&) = delete;
  Space& operator=(const Space&) = delete;

  /// False when there is no room for `bytes`.
  bool take(uint64_t bytes) {
    if (take_up_to(limit_, bytes, kept_)) return true;
    // What can never fit must not empty the disk.
    if (limit() < kept_ || bytes > limit() - kept_) return false;
    uint64_t seen = wanted_.load(std::memory_order_relaxed);
    while (seen < bytes && !wanted_.compare_exchange_weak(seen, bytes, std::memory_order_relaxed)) {
    }
    return false;
  }
  /// Eviction has made the room that was refused, or cannot.
  void forget_wanted() { wanted_.store(0, std::memory_order_relaxed); }
  bool take_for_recycler(uint64_t bytes) { return take_up_to(limit_, bytes, 0); }
  void give(uint64_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  /// At open: bytes that are there already, whatever the limit says.
  void found(uint64_t bytes) { used_.fetch_add(bytes, std::memory_order_relaxed); }

  /// Bytes of files already given up, but not yet gone (unlink pending, or somebody reads).
  void add_leaving(uint64_t bytes) { leaving_.fetch_add(bytes, std::memory_order_relaxed); }
  void remove_leaving(uint64_t bytes) { leaving_.fetch_sub(bytes, std::memory_order_relaxed); }

  void set_limit(uint64_t limit) { limit_.store(limit, std::memory_order_relaxed); }
  uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }
  uint64_t used() const { return used_.load(std::memory_order_relaxed); }
  /// What `used` will be when all that leaves has gone.
  uint64_t staying() const {
    uint64_t leaving = leaving_.load(std::memory_order_relaxed);
    uint64_t all = used();
    return all > leaving ? all - leaving : 0;
  }
  uint64_t kept() const { return kept_; }
  /// How much room eviction keeps free ahead of need: a twentieth, at least two segments (`kept`
  /// is one), at most a quarter and 16 GiB; and always what was last refused.
  uint64_t target() const;
  /// How many bytes must go to reach the target; 0 when all is well.
  uint64_t excess() const;

 private:
  bool take_up_to(const std::atomic<uint64_t>& limit, uint64_t bytes, uint64_t kept);

  std::atomic<uint64_t> limit_;
  std::atomic<uint64_t> used_ = 0;
  std::atomic<uint64_t> leaving_ = 0;
  std::atomic<uint64_t> wanted_ = 0;  ///< the largest request refused since the last eviction
  uint64_t kept_;
};

/// What a file of `length` bytes takes: whole pages.
constexpr uint64_t disk_bytes(uint64_t length) { return (length + 4095) & ~uint64_t{4095}; }

}  // namespace forebay::disk
