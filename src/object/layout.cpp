#include "object/layout.h"

#include <algorithm>
#include <limits>

#include "base/bytes.h"
#include "base/check.h"

namespace forebay::object {

namespace {

// Any numbers: the sum of two may be none.
uint64_t divide_up(uint64_t n, uint64_t by) { return n / by + (n % by == 0 ? 0 : 1); }

}  // namespace

Layout Layout::whole(uint64_t size, uint64_t unit_max) {
  Layout layout;
  layout.size_ = size;
  layout.unit_max_ = unit_max;
  layout.uniform_ = std::max<uint64_t>(size, 1);
  layout.known_ = true;
  return layout;
}

Layout Layout::small(uint64_t size, const ETag& etag, uint64_t unit_max) {
  Layout layout = whole(size, unit_max);
  layout.known_ = etag.part_count() <= 1;
  return layout;
}

std::optional<Layout> Layout::of_parts(std::vector<uint64_t> sizes, uint64_t unit_max) {
  Layout layout;
  layout.unit_max_ = unit_max;
  layout.known_ = true;
  for (uint64_t size : sizes) {
    if (size > std::numeric_limits<uint64_t>::max() - layout.size_) return std::nullopt;
    layout.size_ += size;
  }
  bool uniform = !sizes.empty() && sizes.back() > 0 && sizes.back() <= sizes.front() &&
                 std::ranges::all_of(sizes.begin(), sizes.end() - 1,
                                     [&](uint64_t s) { return s == sizes.front(); });
  if (uniform) {
    layout.uniform_ = sizes.front();
    return layout;
  }
  uint64_t end = 0;
  for (uint64_t size : sizes) layout.ends_.push_back(end += size);
  if (sizes.empty()) layout.uniform_ = 1;
  return layout;
}

std::optional<Layout> Layout::of_pieces(origin::Pieces pieces, uint64_t unit_max) {
  std::vector<uint64_t> sizes;
  sizes.reserve(pieces.size());
  for (size_t i = 0; i < pieces.size(); ++i) sizes.push_back(pieces[i].size);
  auto layout = of_parts(std::move(sizes), unit_max);
  if (layout) layout->pieces_ = std::move(pieces);
  return layout;
}

Layout Layout::guess(uint64_t size, const ETag& etag, uint64_t first_part, uint64_t unit_max) {
  uint32_t count = etag.part_count();
  Layout layout = whole(size, unit_max);
  if (count == 0) return layout;
  layout.known_ = count == 1;
  if (count == 1 || size == 0) return layout;
  auto explains = [&](uint64_t part) { return part > 0 && divide_up(size, part) == count; };
  uint64_t round = divide_up(divide_up(size, count), kMiB) * kMiB;
  if (explains(first_part)) {
    layout.uniform_ = first_part;
  } else if (explains(round)) {
    layout.uniform_ = round;
  } else {
    layout.uniform_ = kFixedPart;
  }
  return layout;
}

Layout Layout::of_uniform(uint64_t size, uint64_t part, bool known, uint64_t unit_max) {
  Layout layout = whole(size, unit_max);
  if (part != 0) layout.uniform_ = part;
  layout.known_ = known;
  return layout;
}

uint64_t Layout::parts() const {
  if (uniform_ == 0) return ends_.size();
  return std::max<uint64_t>(1, divide_up(size_, uniform_));
}

std::optional<ByteRange> Layout::part(uint32_t number) const {
  if (number == 0 || number > parts()) return std::nullopt;
  return at(number - 1);
}

ByteRange Layout::at(uint64_t index) const {
  if (uniform_ != 0) {
    uint64_t offset = index * uniform_;
    return {offset, std::min(uniform_, size_ - offset)};
  }
  uint64_t offset = index == 0 ? 0 : ends_[index - 1];
  return {offset, ends_[index] - offset};
}

uint64_t Layout::index_at(uint64_t offset) const {
  check(offset < size_, "no unit beyond the object");
  if (uniform_ != 0) return offset / uniform_;
  auto it = std::ranges::upper_bound(ends_, offset);
  return static_cast<uint64_t>(it - ends_.begin());
}

ByteRange Layout::cut(ByteRange part, uint64_t offset) const {
  if (unit_max_ == 0 || part.length <= unit_max_) return part;
  uint64_t piece = divide_up(part.length, divide_up(part.length, unit_max_));
  uint64_t start = part.offset + (offset - part.offset) / piece * piece;
  return {start, std::min(piece, part.end() - start)};
}

ByteRange Layout::unit_at(uint64_t offset) const { return cut(at(index_at(offset)), offset); }

Layout::Named Layout::named_at(uint64_t offset) const {
  uint64_t index = index_at(offset);
  ByteRange part = at(index);
  if (pieces_.empty() || !pieces_[index].named()) return {.unit = cut(part, offset)};
  return {.unit = cut(part, offset), .base = part.offset, .piece = &pieces_[index]};
}

std::vector<uint64_t> Layout::part_sizes() const {
  std::vector<uint64_t> sizes;
  sizes.reserve(parts());
  for (uint64_t index = 0; index < parts(); ++index) sizes.push_back(at(index).length);
  return sizes;
}

}  // namespace forebay::object
