#include "disk/verify.h"

#include <algorithm>
#include <vector>

#include "base/hash.h"
#include "disk/format.h"

namespace forebay::disk {

namespace {

Error wrong(const char* what) { return fail(Code::corrupt, what, kChecksum); }

Result<> verify_header(io::File& file, const UnitId& id, const Unit& unit) {
  std::array<std::byte, kRecordHeaderBytes> bytes;
  auto size = file.read_at(unit.offset - kRecordHeaderBytes, bytes);
  if (!size) return std::move(size.error());
  auto header = decode_record_header(ByteView(bytes).first(*size));
  RecordHeader expected{id, unit.file->number(), uint32_t(unit.length), unit.crcs[0]};
  if (!header || *header != expected) return wrong("another record lies where the unit should");
  return ok;
}

}  // namespace

Result<> verify_blocks(io::File& file, const UnitId& id, const Unit& unit, uint64_t first,
                       uint64_t count) {
  if (unit.file->is_segment()) {
    if (Result<> header = verify_header(file, id, unit); !header) return header;
  }
  std::vector<std::byte> buffer(std::min(unit.length, kBlockBytes));
  for (uint64_t block = first; block < first + count; ++block) {
    uint64_t at = block * kBlockBytes;
    ByteSpan into = ByteSpan(buffer).first(std::min(unit.length - at, kBlockBytes));
    auto size = file.read_at(unit.offset + at, into);
    if (!size) return std::move(size.error());
    if (*size < into.size()) return wrong("the file of a unit is too short");
    if (crc32c(into) != unit.crcs[block]) return wrong("a block of a unit has changed");
  }
  return ok;
}

}  // namespace forebay::disk
