// One header line, as it stood on the wire. http parses it; sign verifies over it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace forebay {

/// Views; whoever makes one keeps the bytes alive. Names compare without case; repeated names stay
/// separate lines.
struct Header {
  std::string_view name;
  std::string_view value;  ///< without white space at its ends
};

/// Bytes that a field name or a method may have (RFC 9110 section 5.6.2).
inline constexpr auto kTokenBytes = [] {
  std::array<bool, 256> in{};
  for (char c = '0'; c <= '9'; ++c) in[static_cast<uint8_t>(c)] = true;
  for (char c = 'a'; c <= 'z'; ++c) in[static_cast<uint8_t>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) in[static_cast<uint8_t>(c)] = true;
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) in[static_cast<uint8_t>(c)] = true;
  return in;
}();

/// Whether `text` is a token: not empty, and of such bytes only.
constexpr bool is_token(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return kTokenBytes[static_cast<uint8_t>(c)]; });
}

}  // namespace forebay
