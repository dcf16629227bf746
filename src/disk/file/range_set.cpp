#include "disk/file/range_set.h"

namespace forebay::disk {

bool RangeSet::add(ByteRange range) {
  if (range.length == 0) return true;
  auto next = ends_.lower_bound(range.offset);
  if (next != ends_.end() && next->first < range.end()) return false;
  auto before = next == ends_.begin() ? ends_.end() : std::prev(next);
  if (before != ends_.end() && before->second > range.offset) return false;
  uint64_t end = range.end();
  if (next != ends_.end() && next->first == end) {
    end = next->second;
    ends_.erase(next);
  }
  if (before != ends_.end() && before->second == range.offset) {
    before->second = end;
  } else {
    ends_.emplace(range.offset, end);
  }
  return true;
}

uint64_t RangeSet::length_from(uint64_t offset) const {
  auto next = ends_.upper_bound(offset);
  if (next == ends_.begin()) return 0;
  uint64_t end = std::prev(next)->second;
  return end > offset ? end - offset : 0;
}

}  // namespace forebay::disk
