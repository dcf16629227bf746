#include "unit/ranges.h"

#include <algorithm>

namespace forebay::unit {

void Ranges::add(ByteRange range) {
  if (range.length == 0) return;
  uint64_t start = range.offset;
  uint64_t end = range.end();
  auto it = ends_.upper_bound(start);
  if (it != ends_.begin() && std::prev(it)->second >= start) --it;
  while (it != ends_.end() && it->first <= end) {
    start = std::min(start, it->first);
    end = std::max(end, it->second);
    total_ -= it->second - it->first;
    it = ends_.erase(it);
  }
  ends_.emplace(start, end);
  total_ += end - start;
}

uint64_t Ranges::covered_from(uint64_t offset) const {
  auto it = ends_.upper_bound(offset);
  if (it == ends_.begin()) return 0;
  --it;
  return it->second > offset ? it->second - offset : 0;
}

uint64_t Ranges::covered_before(uint64_t offset) const {
  auto it = ends_.upper_bound(offset);
  return it == ends_.begin() ? 0 : std::prev(it)->second;
}

uint64_t Ranges::next_covered(uint64_t offset, uint64_t limit) const {
  if (covered_from(offset) > 0) return std::min(offset, limit);
  auto it = ends_.upper_bound(offset);
  return it == ends_.end() ? limit : std::min(it->first, limit);
}

}  // namespace forebay::unit
