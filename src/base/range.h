// Byte ranges: what a client asks for (RFC 9110 section 14) and what that means for an object.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace forebay {

/// `length` bytes from `offset`. Never wraps.
struct ByteRange {
  uint64_t offset = 0;
  uint64_t length = 0;
  uint64_t end() const { return offset + length; }
  bool operator==(const ByteRange&) const = default;
  /// Whether `other` lies wholly inside.
  bool covers(const ByteRange& other) const {
    return other.offset >= offset && other.end() <= end();
  }
};

/// A range as asked: first-last, first-, or the last `suffix` bytes.
struct RangeRequest {
  std::optional<uint64_t> first;
  std::optional<uint64_t> last;    ///< inclusive; only with first
  std::optional<uint64_t> suffix;  ///< only without first
  bool operator==(const RangeRequest&) const = default;

  /// Reads a Range header. S3 ignores what is not exactly one well-formed byte range (several
  /// ranges, other units, last < first): nullopt, the whole object is served. A
  /// number beyond 64 bits counts as the largest.
  static std::optional<RangeRequest> parse(std::string_view header);

  /// The bytes of an object of `size`; not satisfiable → Code::invalid with detail InvalidRange.
  Result<ByteRange> resolve(uint64_t size) const;
};

/// `bytes first-last/total` of an answer. An unknown total (`*`) is refused as invalid.
struct ContentRange {
  ByteRange range;
  uint64_t total = 0;
  static Result<ContentRange> parse(std::string_view header);
  std::string to_string() const;
};

}  // namespace forebay
