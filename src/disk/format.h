// The bytes of a disk, written and read: identity, segment and record headers, index rows
// (docs/formats/disk.md). Pure; decoding takes any bytes.
#pragma once

#include <array>
#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/names.h"
#include "base/result.h"
#include "disk/options.h"

namespace forebay::disk {

/// Checksums are taken over blocks of this many bytes of a unit.
inline constexpr uint64_t kBlockBytes = 1 << 20;
inline constexpr size_t kSegmentHeaderBytes = 64;
inline constexpr size_t kRecordHeaderBytes = 40;
/// The largest unit that fits a record.
inline constexpr uint32_t kMaxRecordData = 1 << 20;

/// Blocks of a unit of `length` bytes.
constexpr uint64_t block_count(uint64_t length) { return (length + kBlockBytes - 1) / kBlockBytes; }
/// Bytes that a record with `length` bytes of data takes in its segment.
constexpr uint64_t record_bytes(uint64_t length) {
  return (kRecordHeaderBytes + length + 7) & ~uint64_t{7};
}

/// Drawn when a disk is made.
using DiskId = std::array<uint8_t, 16>;

std::string encode_identity(const DiskId& id);
/// Code::invalid when it is not an identity, or of a later format.
Result<DiskId> decode_identity(std::string_view text);

struct SegmentHeader {
  uint64_t number = 0;
  DiskId disk{};
  bool operator==(const SegmentHeader&) const = default;
};
void encode(const SegmentHeader& header, std::span<std::byte, kSegmentHeaderBytes> into);
/// Code::corrupt unless `bytes` begin with a whole segment header.
Result<SegmentHeader> decode_segment_header(ByteView bytes);

struct RecordHeader {
  UnitId id;
  uint64_t number = 0;  ///< of its segment
  uint32_t length = 0;
  uint32_t crc = 0;  ///< of the data
  bool operator==(const RecordHeader&) const = default;
};
void encode(const RecordHeader& header, std::span<std::byte, kRecordHeaderBytes> into);
/// Code::corrupt unless `bytes` begin with a whole record header.
Result<RecordHeader> decode_record_header(ByteView bytes);

/// The checksums of a unit, one per block; small units have one block.
using BlockCrcs = boost::container::small_vector<uint32_t, 1>;

/// What the index knows of a unit.
struct Row {
  UnitClass unit_class = UnitClass::clean;
  UnitOwner owner = {};
  bool in_segment = false;
  uint64_t number = 0;  ///< of its file
  uint32_t offset = 0;  ///< of its first byte in the file
  uint64_t length = 0;
  uint64_t boot = 0;
  uint64_t stamp = 0;
  BlockCrcs crcs;
  bool operator==(const Row&) const = default;
};
std::string encode(const Row& row);
/// Code::corrupt when it is not a row; Code::invalid when it is one of a version or class that this
/// build does not know.
Result<Row> decode_row(ByteView bytes);

/// The number of a boot in rows.
uint64_t boot_number(std::string_view boot_id);

/// Where a file lies under the disk's folder.
std::string unit_path(const UnitId& id, uint64_t number);
std::string segment_path(uint64_t number);
std::string new_path(uint64_t number);
/// Reads the last part of unit_path(); Code::invalid when it is none.
struct UnitFileName {
  UnitId id;
  uint64_t number = 0;
};
Result<UnitFileName> parse_unit_name(std::string_view name);
/// Reads a file number, exactly 16 lower-case hex digits; Code::invalid otherwise.
Result<uint64_t> parse_number(std::string_view name);

}  // namespace forebay::disk
