#include "base/names.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "base/hash.h"

namespace forebay {

namespace {

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool looks_like_ipv4(std::string_view text) {
  int dots = 0;
  for (char c : text) {
    if (c == '.') {
      ++dots;
    } else if (c < '0' || c > '9') {
      return false;
    }
  }
  return dots == 3;
}

}  // namespace

// RFC 3629: no overlong forms, no surrogates, at most U+10FFFF.
bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    auto byte = [&](size_t k) { return static_cast<unsigned char>(text[k]); };
    unsigned char lead = byte(i);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4 || i + more >= text.size()) return false;
    unsigned char second = byte(i + 1);
    if (lead == 0xE0 && second < 0xA0) return false;
    if (lead == 0xED && second > 0x9F) return false;
    if (lead == 0xF0 && second < 0x90) return false;
    if (lead == 0xF4 && second > 0x8F) return false;
    for (size_t k = 1; k <= more; ++k) {
      if ((byte(i + k) & 0xC0) != 0x80) return false;
    }
    i += more + 1;
  }
  return true;
}

Result<BucketName> BucketName::parse(std::string_view text) {
  bool good = text.size() >= 3 && text.size() <= 63 && is_lower_or_digit(text.front()) &&
              is_lower_or_digit(text.back()) && text.find("..") == std::string_view::npos &&
              std::ranges::all_of(
                  text, [](char c) { return is_lower_or_digit(c) || c == '-' || c == '.'; }) &&
              !looks_like_ipv4(text);
  if (!good) {
    return fail(Code::invalid, "The specified bucket is not valid.", "InvalidBucketName");
  }
  return BucketName(std::string(text));
}

Result<ObjectKey> ObjectKey::parse(std::string_view text) {
  if (text.size() > kMaxBytes) {
    return fail(Code::too_large, "Your key is too long", "KeyTooLongError");
  }
  if (text.empty() || text.find('\0') != std::string_view::npos || !is_utf8(text)) {
    return fail(Code::invalid, "A key is 1 to 1024 bytes of UTF-8 without NUL", "InvalidArgument");
  }
  return ObjectKey(std::string(text));
}

uint32_t ETag::part_count() const {
  std::string_view text = text_;
  if (text.ends_with('"')) text.remove_suffix(1);
  size_t dash = text.rfind('-');
  if (dash == std::string_view::npos) return 0;
  std::string_view digits = text.substr(dash + 1);
  uint32_t count = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  bool whole = error == std::errc() && end == digits.data() + digits.size();
  return whole && count <= 10'000 ? count : 0;
}

std::string UnitId::hex() const { return to_hex(std::as_bytes(std::span(bytes))); }

Result<UnitId> UnitId::parse(std::string_view hex) {
  UnitId id;
  auto decoded = from_hex(hex);
  if (!decoded || decoded->size() != id.bytes.size()) {
    return fail(Code::invalid, "a unit id is 32 hex digits");
  }
  std::copy_n(reinterpret_cast<const uint8_t*>(decoded->data()), id.bytes.size(), id.bytes.data());
  if (id.hex() != hex) return fail(Code::invalid, "a unit id is written in lower case");
  return id;
}

uint32_t key_slot(uint64_t incarnation, std::string_view key) {
  return static_cast<uint32_t>(xxh3(key, incarnation) >> 44);
}

UnitId UnitName::id() const {
  Sha256 hash;
  auto number = [&](uint64_t n) {
    std::array<std::byte, 8> little;
    for (int i = 0; i < 8; ++i) little[i] = static_cast<std::byte>(n >> (8 * i));
    hash.update(little);
  };
  auto text = [&](std::string_view t) {
    number(t.size());
    hash.update(as_bytes(t));
  };
  number(incarnation);
  text(key);
  text(tag);
  text(customer_key_digest);
  number(offset);
  number(length);
  auto digest = hash.finish();
  UnitId id;
  std::memcpy(id.bytes.data(), digest.data(), id.bytes.size());
  return id;
}

}  // namespace forebay
