// Strong types for what must not be swapped. They are made by parsing (or, where any bytes are
// allowed, by an explicit constructor), so a value that exists is a valid one.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace forebay {

/// Whether `text` is UTF-8 (RFC 3629).
bool is_utf8(std::string_view text);

/// An S3 bucket name: 3–63 characters of a–z, 0–9, '-' and '.', beginning and ending with a
/// letter or digit, no "..", not an IPv4 address (AWS "Bucket naming rules").
class BucketName {
 public:
  static Result<BucketName> parse(std::string_view text);
  const std::string& text() const { return text_; }
  auto operator<=>(const BucketName&) const = default;

 private:
  explicit BucketName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// An object key: 1–1024 bytes of UTF-8 without NUL.
class ObjectKey {
 public:
  static constexpr size_t kMaxBytes = 1024;
  static Result<ObjectKey> parse(std::string_view text);
  const std::string& text() const { return text_; }
  auto operator<=>(const ObjectKey&) const = default;

 private:
  explicit ObjectKey(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// What clients see as ETag, with its quotes, exactly as the origin gave it. May be weak (W/"…").
class ETag {
 public:
  ETag() = default;
  explicit ETag(std::string with_quotes) : text_(std::move(with_quotes)) {}
  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }
  bool weak() const { return text_.starts_with("W/"); }
  /// The number of parts after the last '-' ("…-20" → 20); 0 when there is none.
  uint32_t part_count() const;
  bool operator==(const ETag&) const = default;

 private:
  std::string text_;
};

/// What names bytes: two objects with the same key and tag have the same bytes. Empty means that
/// the origin gave nothing strong enough; then nothing is cached.
class Tag {
 public:
  Tag() = default;
  explicit Tag(std::string text) : text_(std::move(text)) {}
  const std::string& text() const { return text_; }
  bool strong() const { return !text_.empty(); }
  bool operator==(const Tag&) const = default;

 private:
  std::string text_;
};

/// The name of one cached unit: the first 16 bytes of a SHA-256 over bucket incarnation, key, tag,
/// SSE-C key digest, offset and length (docs/formats/unit-id.md). Bytes under one id never change.
struct UnitId {
  std::array<uint8_t, 16> bytes{};
  auto operator<=>(const UnitId&) const = default;
  std::string hex() const;
  /// 32 lower-case hex digits.
  static Result<UnitId> parse(std::string_view hex);
};

/// Slots of the key space (docs/formats/unit-id.md).
inline constexpr uint32_t kSlots = 1U << 20;
/// Where a key lies in the key space of all nodes: below kSlots.
uint32_t key_slot(uint64_t incarnation, std::string_view key);

/// The parts a UnitId is made of.
struct UnitName {
  uint64_t incarnation = 0;  ///< new whenever a bucket is created or its origin changes
  std::string_view key;
  std::string_view tag;
  std::string_view customer_key_digest = {};  ///< SSE-C; empty without
  uint64_t offset = 0;
  uint64_t length = 0;
  UnitId id() const;
};

}  // namespace forebay

template <>
struct std::hash<forebay::UnitId> {
  size_t operator()(const forebay::UnitId& id) const noexcept {
    size_t value;
    static_assert(sizeof value <= sizeof id.bytes);
    __builtin_memcpy(&value, id.bytes.data(), sizeof value);
    return value;
  }
};
