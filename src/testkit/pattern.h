// Bytes for tests: any two places and seeds differ, so that a mix-up shows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace forebay::testkit {

/// Bytes that differ at every place: `size` of them, by `seed`.
std::string pattern(size_t size, uint64_t seed = 1);

}  // namespace forebay::testkit
