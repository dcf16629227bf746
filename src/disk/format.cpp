#include "disk/format.h"

#include <algorithm>
#include <bit>
#include <charconv>

#include "base/encoding.h"
#include "base/hash.h"

namespace forebay::disk {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

namespace {

constexpr std::string_view kSegmentMagic = "FBSEGM01";
constexpr uint32_t kRecordMagic = 0x31524246;
constexpr uint8_t kRowVersion = 2;
// Of a time when rows did not tell whose bytes they are. All were clean: they are fetched again.
constexpr uint8_t kOldRowVersion = 1;
constexpr size_t kRowFixedBytes = 56;
// Longer than any unit: a row that claims more is not one of ours.
constexpr uint64_t kMaxLength = 1ULL << 46;
constexpr std::string_view kIdentityHead = "forebay disk\nformat ";

template <class N>
void put(ByteSpan into, size_t at, N value) {
  std::memcpy(into.data() + at, &value, sizeof value);
}
template <class N>
N get(ByteView from, size_t at) {
  N value;
  std::memcpy(&value, from.data() + at, sizeof value);
  return value;
}

Error corrupt(const char* what) { return fail(Code::corrupt, what); }

std::string hex_number(uint64_t number) {
  std::string out(16, '0');
  for (int i = 15; i >= 0; --i, number >>= 4) {
    out[static_cast<size_t>(i)] = "0123456789abcdef"[number & 15];
  }
  return out;
}

}  // namespace

std::string encode_identity(const DiskId& id) {
  return std::string(kIdentityHead) + "1\nid " + UnitId{id}.hex() + "\n";
}

Result<DiskId> decode_identity(std::string_view text) {
  if (!text.starts_with(kIdentityHead)) return fail(Code::invalid, "not the identity of a disk");
  text.remove_prefix(kIdentityHead.size());
  if (!text.starts_with("1\n")) return fail(Code::invalid, "a disk of a later format");
  text.remove_prefix(2);
  if (text.size() != 36 || !text.starts_with("id ") || !text.ends_with('\n')) {
    return fail(Code::invalid, "not the identity of a disk");
  }
  Result<UnitId> id = UnitId::parse(text.substr(3, 32));
  if (!id) return id.error_in("identity of a disk");
  return id->bytes;
}

void encode(const SegmentHeader& header, std::span<std::byte, kSegmentHeaderBytes> into) {
  std::ranges::fill(into, std::byte{0});
  std::memcpy(into.data(), kSegmentMagic.data(), kSegmentMagic.size());
  put(into, 8, header.number);
  put(into, 16, header.disk);
  put(into, 60, crc32c(into.first(60)));
}

Result<SegmentHeader> decode_segment_header(ByteView bytes) {
  if (bytes.size() < kSegmentHeaderBytes || !as_text(bytes).starts_with(kSegmentMagic) ||
      get<uint32_t>(bytes, 60) != crc32c(bytes.first(60))) {
    return corrupt("not a segment");
  }
  return SegmentHeader{get<uint64_t>(bytes, 8), get<DiskId>(bytes, 16)};
}

void encode(const RecordHeader& header, std::span<std::byte, kRecordHeaderBytes> into) {
  put(into, 0, kRecordMagic);
  put(into, 4, header.length);
  put(into, 8, header.id.bytes);
  put(into, 24, header.number);
  put(into, 32, header.crc);
  put(into, 36, crc32c(into.first(36)));
}

Result<RecordHeader> decode_record_header(ByteView bytes) {
  if (bytes.size() < kRecordHeaderBytes || get<uint32_t>(bytes, 0) != kRecordMagic ||
      get<uint32_t>(bytes, 36) != crc32c(bytes.first(36))) {
    return corrupt("not a record");
  }
  RecordHeader header{.id = UnitId{get<std::array<uint8_t, 16>>(bytes, 8)},
                      .number = get<uint64_t>(bytes, 24),
                      .length = get<uint32_t>(bytes, 4),
                      .crc = get<uint32_t>(bytes, 32)};
  if (header.length == 0 || header.length > kMaxRecordData) {
    return corrupt("a record of an impossible length");
  }
  return header;
}

std::string encode(const Row& row) {
  std::string out(kRowFixedBytes + row.crcs.size() * 4, '\0');
  ByteSpan into(reinterpret_cast<std::byte*>(out.data()), out.size());
  put(into, 0, kRowVersion);
  put(into, 1, row.unit_class);
  put(into, 2, static_cast<uint8_t>(row.in_segment));
  put(into, 4, row.offset);
  put(into, 8, row.number);
  put(into, 16, row.length);
  put(into, 24, row.boot);
  put(into, 32, row.stamp);
  put(into, 40, row.owner.incarnation);
  put(into, 48, row.owner.slot);
  std::memcpy(into.data() + kRowFixedBytes, row.crcs.data(), row.crcs.size() * 4);
  return out;
}

Result<Row> decode_row(ByteView bytes) {
  if (bytes.size() < 2) return corrupt("not a row");
  if (get<uint8_t>(bytes, 0) == kOldRowVersion) return corrupt("a row of an old version");
  if (get<uint8_t>(bytes, 0) != kRowVersion) {
    return fail(Code::invalid, "a row of an unknown version");
  }
  auto unit_class = static_cast<UnitClass>(get<uint8_t>(bytes, 1));
  if (unit_class != UnitClass::clean && unit_class != UnitClass::native) {
    return fail(Code::invalid, "a row of an unknown class");
  }
  if (bytes.size() < kRowFixedBytes || get<uint8_t>(bytes, 2) > 1 || get<uint8_t>(bytes, 3) != 0 ||
      get<uint32_t>(bytes, 52) != 0) {
    return corrupt("not a row");
  }
  Row row{.unit_class = unit_class,
          .owner = {get<uint64_t>(bytes, 40), get<uint32_t>(bytes, 48)},
          .in_segment = get<uint8_t>(bytes, 2) == 1,
          .number = get<uint64_t>(bytes, 8),
          .offset = get<uint32_t>(bytes, 4),
          .length = get<uint64_t>(bytes, 16),
          .boot = get<uint64_t>(bytes, 24),
          .stamp = get<uint64_t>(bytes, 32),
          .crcs = {}};
  if (row.length == 0 || row.length > (row.in_segment ? kMaxRecordData : kMaxLength) ||
      bytes.size() != kRowFixedBytes + block_count(row.length) * 4 ||
      (row.in_segment ? row.offset < kSegmentHeaderBytes + kRecordHeaderBytes : row.offset != 0)) {
    return corrupt("a row that contradicts itself");
  }
  row.crcs.resize(block_count(row.length));
  std::memcpy(row.crcs.data(), bytes.data() + kRowFixedBytes, row.crcs.size() * 4);
  return row;
}

uint64_t boot_number(std::string_view boot_id) {
  return get<uint64_t>(Sha256::of(as_bytes(boot_id)), 0);
}

std::string unit_path(const UnitId& id, uint64_t number) {
  std::string hex = id.hex();
  return "units/" + hex.substr(0, 2) + "/" + hex + "-" + hex_number(number);
}
std::string segment_path(uint64_t number) { return "segments/" + hex_number(number); }
std::string new_path(uint64_t number) { return "new/" + hex_number(number); }

Result<UnitFileName> parse_unit_name(std::string_view name) {
  if (name.size() != 49 || name[32] != '-') return fail(Code::invalid, "not a unit's file");
  Result<UnitId> id = UnitId::parse(name.substr(0, 32));
  if (!id) return id.error_in("name of a unit's file");
  Result<uint64_t> number = parse_number(name.substr(33));
  if (!number) return number.error_in("name of a unit's file");
  return UnitFileName{*id, *number};
}

Result<uint64_t> parse_number(std::string_view name) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number, 16);
  if (error != std::errc() || hex_number(number) != name) {
    return fail(Code::invalid, "not the number of a file");
  }
  return number;
}

}  // namespace forebay::disk
