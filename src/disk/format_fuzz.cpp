// What decodes encodes back to the same bytes; nothing else may happen.
#include <cstdlib>

#include "disk/format.h"

using namespace forebay;
using namespace forebay::disk;

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

template <size_t N, class Header>
void same(const Result<Header>& header, ByteView bytes) {
  if (!header) return;
  std::array<std::byte, N> again;
  encode(*header, again);
  must(as_text(again) == as_text(bytes.first(N)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteView bytes(reinterpret_cast<const std::byte*>(data), size);
  std::string_view text = as_text(bytes);
  if (auto row = decode_row(bytes)) must(encode(*row) == text);
  same<kRecordHeaderBytes>(decode_record_header(bytes), bytes);
  if (auto header = decode_segment_header(bytes)) {
    std::array<std::byte, kSegmentHeaderBytes> again;
    encode(*header, again);
    must(*decode_segment_header(again) == *header);
  }
  if (auto id = decode_identity(text)) must(*decode_identity(encode_identity(*id)) == *id);
  if (auto name = parse_unit_name(text)) {
    must(parse_unit_name(unit_path(name->id, name->number).substr(9))->id == name->id);
  }
  if (auto number = parse_number(text)) must(segment_path(*number).ends_with(text));
  return 0;
}
