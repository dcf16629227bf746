// Bytes for tests: any two places and seeds differ, so that a mix-up shows; and what S3 makes of
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace forebay::testkit {

/// Bytes that differ at every place: `size` of them, by `seed`.
std::string pattern(size_t size, uint64_t seed = 1);

/// The MD5 of `bytes`: 16 raw ones.
std::string md5(std::string_view bytes);

}  // namespace forebay::testkit
