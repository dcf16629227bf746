#include "disk/space.h"

#include <algorithm>

#include "disk/file/writer.h"

namespace forebay::disk {

namespace {

constexpr uint64_t kMiB = 1 << 20;
// Names that the index and the folders of units may still need.
constexpr uint64_t kOwnFiles = 384;

uint64_t less(uint64_t a, uint64_t b) { return a - std::min(a, b); }

}  // namespace

// --- Quota

bool Quota::take(uint64_t n, uint64_t kept) {
  uint64_t most = less(limit(), kept);
  uint64_t used = used_.load(std::memory_order_relaxed);
  while (used <= most && n <= most - used) {
    if (used_.compare_exchange_weak(used, used + n, std::memory_order_relaxed)) return true;
  }
  if (n > most) return false;
  uint64_t seen = wanted();
  while (seen < n && !wanted_.compare_exchange_weak(seen, n, std::memory_order_relaxed)) {
  }
  return false;
}

bool Quota::may_take(uint64_t n, uint64_t kept, bool evictable) const {
  uint64_t most = less(limit(), kept);
  if (n > most) return false;
  return evictable || staying() <= most - n;
}

uint64_t Quota::staying() const { return less(used(), leaving_.load(std::memory_order_relaxed)); }

uint64_t Quota::excess(uint64_t target) const { return less(staying(), less(limit(), target)); }

// --- Space

bool Space::take(uint64_t bytes, uint64_t kept, uint64_t kept_files) {
  if (!bytes_.take(bytes, kept)) return false;
  if (files_.take(1, kept_files)) return true;
  bytes_.give(bytes);
  return false;
}

void Space::set_limits(uint64_t bytes, uint64_t files, uint64_t kept) {
  bytes_.set_limit(bytes);
  files_.set_limit(files);
  kept_.store(kept, std::memory_order_relaxed);
}

uint64_t Space::usual_target() const {
  uint64_t all = limit();
  return std::min({std::max(all / 20, kept() * 2), all / 4, uint64_t{16} << 30});
}

uint64_t Space::target() const {
  uint64_t all = limit();
  uint64_t usual = usual_target();
  uint64_t wanted = bytes_.wanted();
  return wanted == 0 ? usual : std::min(all, std::max(usual, wanted + kept()));
}

uint64_t Space::excess_files() const {
  uint64_t all = files_.limit();
  return files_.excess(
      std::max(std::min(std::max(all / 20, uint64_t{16}), all / 4), files_.wanted()));
}

bool Space::bound_by_files() const {
  if (excess_files() > 0) return true;
  auto share = [](uint64_t used, uint64_t limit) {
    return static_cast<double>(used) / static_cast<double>(std::max<uint64_t>(limit, 1));
  };
  double files = share(files_.used(), files_.limit());
  return files > 0.75 && files > share(used(), limit());
}

Shares share_out(const Measured& disk) {
  // What the file system would give us if nobody else wrote. Something of it stays free, so that
  // the index, which cannot evict, does not meet a full disk.
  uint64_t there = disk.used + disk.free / disk.sharers;
  uint64_t headroom = std::min(std::clamp(there / 64, kMiB, 256 * kMiB), there / 8);
  uint64_t most = (disk.total - disk.total / 20) / disk.sharers;
  uint64_t setting = disk.setting != 0 ? disk.setting : most;
  Shares out;
  out.limit = std::min(less(setting, disk.index), there - headroom);
  out.files_limit = UINT64_MAX;
  if (disk.inodes != 0) {
    out.files_limit =
        disk.files + less(disk.free_inodes / disk.sharers, std::min(kOwnFiles, disk.inodes / 8));
  }
  uint64_t segment = std::min<uint64_t>(disk.most_segment, out.limit / 16) & ~uint64_t{4095};
  out.segment_bytes = static_cast<uint32_t>(std::max<uint64_t>(segment, disk.least_segment));
  return out;
}

Reservation::~Reservation() {
  if (space_ != nullptr && bytes_ != 0) space_->give(bytes_);
}

}  // namespace forebay::disk
