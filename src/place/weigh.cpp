#include "place/weigh.h"

#include <bit>

#include "base/check.h"
#include "base/encoding.h"
#include "base/hash.h"

namespace forebay::place {

namespace {

constexpr int kTableBits = 10;
constexpr int kFractionBits = 32;
constexpr size_t kPoints = (size_t{1} << kTableBits) + 1;
/// What is dropped of a logarithm times an inverse weight, so that a cost fits 63 bits.
constexpr int kDropped = 8;

// log2(1 + i / 2^kTableBits), by squaring: each time the value passes 2 there is one more bit. No
// floating point: libraries round differently.
constexpr uint64_t log2_of_point(uint64_t i) {
  if (i == kPoints - 1) return uint64_t{1} << kFractionBits;
  constexpr int kOne = 62;
  uint64_t value = (uint64_t{1} << kOne) + (i << (kOne - kTableBits));
  uint64_t log = 0;
  for (int bit = 0; bit < kFractionBits; ++bit) {
    auto square = static_cast<unsigned __int128>(value) * value >> kOne;
    bool passed = square >> (kOne + 1) != 0;
    value = static_cast<uint64_t>(passed ? square >> 1 : square);
    log = log << 1 | static_cast<uint64_t>(passed);
  }
  return log;
}

constexpr std::array<uint64_t, kPoints> make_table() {
  std::array<uint64_t, kPoints> table{};
  for (size_t i = 0; i < kPoints; ++i) table[i] = log2_of_point(i);
  return table;
}

constexpr std::array<uint64_t, kPoints> kLog2 = make_table();

}  // namespace

uint64_t minus_log2(uint64_t hash) {
  if (hash == UINT64_MAX) return 0;
  uint64_t value = hash + 1;
  int zeros = std::countl_zero(value);
  // The highest bit is 1 and goes; the next ten name a point, those behind it how far past it.
  uint64_t mantissa = value << zeros << 1;
  uint64_t point = mantissa >> (64 - kTableBits);
  uint64_t past = mantissa << kTableBits >> 32;
  uint64_t step = kLog2[point + 1] - kLog2[point];
  uint64_t log = kLog2[point] + (step * past >> 32);
  return (static_cast<uint64_t>(zeros + 1) << kFractionBits) - log;
}

Weight::Weight(std::string_view disk, uint32_t weight) {
  std::string bytes = from_hex(disk).value_or("");
  check(bytes.size() == disk_.size() && weight > 0, "a member of a map has a disk");
  bytes.copy(disk_.data(), disk_.size());
  inverse_ = (uint64_t{1} << 32) / weight;
}

uint64_t Weight::cost(uint32_t slot) const {
  uint64_t log = minus_log2(xxh3({disk_.data(), disk_.size()}, slot));
  return static_cast<uint64_t>(static_cast<unsigned __int128>(log) * inverse_ >> kDropped);
}

}  // namespace forebay::place
