#include "disk/space.h"

#include <algorithm>

#include "disk/writer.h"

namespace forebay::disk {

bool Space::take_up_to(const std::atomic<uint64_t>& limit, uint64_t bytes, uint64_t kept) {
  uint64_t most = limit.load(std::memory_order_relaxed);
  most -= std::min(most, kept);
  uint64_t used = used_.load(std::memory_order_relaxed);
  do {
    if (used > most || bytes > most - used) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return true;
}

uint64_t Space::target() const {
  uint64_t all = limit();
  uint64_t usual = std::min({std::max(all / 20, kept_ * 2), all / 4, uint64_t{16} << 30});
  uint64_t wanted = wanted_.load(std::memory_order_relaxed);
  return wanted == 0 ? usual : std::min(all, std::max(usual, wanted + kept_));
}

uint64_t Space::excess() const {
  uint64_t now = staying();
  uint64_t most = limit() - target();
  return now > most ? now - most : 0;
}

Reservation::~Reservation() {
  if (space_ != nullptr && bytes_ != 0) space_->give(bytes_);
}

}  // namespace forebay::disk
