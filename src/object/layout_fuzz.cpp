// A layout of any numbers: units have bytes, hold what they are asked for, follow one another and
// end with the object.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "base/check.h"
#include "object/layout.h"

namespace {

using namespace forebay;
using namespace forebay::object;

/// The next eight bytes; zeros after the last.
uint64_t take(const uint8_t*& data, size_t& size) {
  uint64_t value = 0;
  size_t count = size < sizeof value ? size : sizeof value;
  if (count > 0) std::memcpy(&value, data, count);
  data += count;
  size -= count;
  return value;
}

void look(const Layout& layout, uint64_t offset) {
  if (layout.size() == 0) return;
  uint64_t at = offset % layout.size();
  ByteRange unit = layout.unit_at(at);
  check(unit.offset <= at && unit.length > at - unit.offset, "the unit that holds it");
  check(unit.length <= layout.size() - unit.offset, "a unit within the object");
  check(layout.unit_at(unit.end() - 1) == unit, "one unit for all of its bytes");
  Layout::Named named = layout.named_at(at);
  check(named.unit == unit && named.base <= unit.offset, "one unit, whatever its name");
  check(named.piece == nullptr || unit.end() - named.base <= named.piece->size, "in its piece");
  if (unit.end() < layout.size()) {
    check(layout.unit_at(unit.end()).offset == unit.end(), "units without gaps");
  }
  auto part = layout.part(static_cast<uint32_t>(offset));
  if (part) check(part->length <= layout.size() - part->offset, "a part within the object");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  uint64_t unit_max = take(data, size), offset = take(data, size), bytes = take(data, size);
  uint64_t count = take(data, size), first = take(data, size);
  look(Layout::guess(bytes, ETag("\"a-" + std::to_string(count) + "\""), first, unit_max), offset);
  std::vector<uint64_t> sizes;
  while (size > 0) sizes.push_back(take(data, size));
  std::vector<origin::Piece> pieces;
  for (uint64_t each : sizes) pieces.push_back({.size = each});
  if (auto layout = Layout::of_parts(std::move(sizes), unit_max)) look(*layout, offset);
  auto layout = Layout::of_pieces(origin::Pieces(std::move(pieces)), unit_max);
  if (layout) look(*layout, offset);
  return 0;
}
