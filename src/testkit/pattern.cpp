#include "testkit/pattern.h"

#include "base/hash.h"

namespace forebay::testkit {

std::string pattern(size_t size, uint64_t seed) {
  std::string out(size, '\0');
  uint64_t x = seed * 0x9e3779b97f4a7c15 + 1;
  for (size_t i = 0; i < size; ++i) {
    if (i % 8 == 0) x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    out[i] = static_cast<char>(x >> (i % 8 * 8));
  }
  return out;
}

std::string md5(std::string_view bytes) {
  auto sum = Checksum::make(ChecksumKind::md5);
  sum->update(as_bytes(bytes));
  return sum->digest();
}

}  // namespace forebay::testkit
