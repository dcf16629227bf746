// Small text tools that every file of this room needs; not meant for other rooms.
#pragma once

#include <array>
#include <cstring>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"

namespace forebay::sign {

/// Text in place, for what is bounded: a signature must not cost allocations.
template <size_t N>
class Text {
 public:
  Text& operator+=(std::string_view piece) {
    check(piece.size() <= N - size_, "text outgrew its buffer");
    std::memcpy(bytes_.data() + size_, piece.data(), piece.size());
    size_ += piece.size();
    return *this;
  }
  Text& operator+=(char c) { return *this += std::string_view(&c, 1); }
  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  size_t size_ = 0;
  std::array<char, N> bytes_;
};

using Hex256 = std::array<char, 64>;

/// Lower-case hex without an allocation.
inline Hex256 hex_of(const Digest256& digest) {
  constexpr char kDigits[] = "0123456789abcdef";
  Hex256 hex;
  for (size_t i = 0; i < digest.size(); ++i) {
    auto b = static_cast<unsigned>(digest[i]);
    hex[2 * i] = kDigits[b >> 4];
    hex[2 * i + 1] = kDigits[b & 15];
  }
  return hex;
}
inline std::string_view view(const Hex256& hex) { return {hex.data(), hex.size()}; }

/// Takes the same time for any two texts of the same length.
inline bool same_secretly(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

/// Whether `name` in any case is `lower`.
inline bool same_name(std::string_view name, std::string_view lower) {
  if (name.size() != lower.size()) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    if (to_lower(name[i]) != lower[i]) return false;
  }
  return true;
}

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

inline std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// The byte that text[at] begins, and how many characters spell it (3 for %41). A '%' without two
/// hex digits spells itself.
struct SpelledByte {
  char byte;
  size_t length;
};
inline SpelledByte spelled_byte(std::string_view text, size_t at) {
  auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    char lower = to_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  if (text[at] == '%' && at + 2 < text.size()) {
    int high = digit(text[at + 1]);
    int low = digit(text[at + 2]);
    if (high >= 0 && low >= 0) return {static_cast<char>(high * 16 + low), 3};
  }
  return {text[at], 1};
}

/// Cuts `text` at the first `mark`: gives what stood before and leaves what stands after.
inline std::string_view cut(std::string_view& text, char mark) {
  size_t at = text.find(mark);
  std::string_view head = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return head;
}

}  // namespace forebay::sign
