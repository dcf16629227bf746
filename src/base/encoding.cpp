#include "base/encoding.h"

#include <openssl/evp.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <limits>

namespace forebay {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Rounds down, also before 1970.
int64_t whole_seconds(WallTime when) {
  return when.seconds() - (when.ns % 1'000'000'000 < 0 ? 1 : 0);
}

std::tm broken_down(WallTime when) {
  std::time_t seconds = whole_seconds(when);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return parts;
}

// The parts must survive a round trip, so that 31 February is refused. A WallTime ends in 2262.
std::optional<WallTime> from_parts(std::tm parts) {
  constexpr std::time_t kLast = std::numeric_limits<int64_t>::max() / 1'000'000'000 - 1;
  std::tm wanted = parts;
  std::time_t seconds = timegm(&parts);
  if (seconds < 0 || seconds > kLast || parts.tm_mday != wanted.tm_mday ||
      parts.tm_hour != wanted.tm_hour || parts.tm_min != wanted.tm_min ||
      parts.tm_mon != wanted.tm_mon) {
    return std::nullopt;
  }
  return WallTime{static_cast<int64_t>(seconds) * 1'000'000'000};
}

// Reads `width` digits at `at`; -1 when they are not digits.
int digits(std::string_view text, size_t at, size_t width) {
  int value = 0;
  for (size_t i = at; i < at + width; ++i) {
    if (i >= text.size() || text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

std::string to_hex(ByteView bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out(bytes.size() * 2, '0');
  for (size_t i = 0; i < bytes.size(); ++i) {
    auto b = static_cast<unsigned>(bytes[i]);
    out[2 * i] = kDigits[b >> 4];
    out[2 * i + 1] = kDigits[b & 15];
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out(text.size() / 2, '\0');
  for (size_t i = 0; i < out.size(); ++i) {
    int high = hex_digit(text[2 * i]);
    int low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out[i] = static_cast<char>(high * 16 + low);
  }
  return out;
}

std::string to_base64(ByteView bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                          reinterpret_cast<const unsigned char*>(bytes.data()),
                          static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(n));
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  size_t padding = 0;
  if (text.ends_with("==")) {
    padding = 2;
  } else if (text.ends_with("=")) {
    padding = 1;
  }
  for (char c : text.substr(0, text.size() - padding)) {
    bool good = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                c == '+' || c == '/';
    if (!good) return std::nullopt;
  }
  std::string out(text.size() / 4 * 3, '\0');
  int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                          reinterpret_cast<const unsigned char*>(text.data()),
                          static_cast<int>(text.size()));
  if (n < 0) return std::nullopt;
  out.resize(static_cast<size_t>(n) - padding);
  return out;
}

std::string percent_encode(std::string_view text, bool keep_slash) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    if (unreserved(c) || (keep_slash && c == '/')) {
      out += c;
    } else {
      auto b = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[b >> 4];
      out += kDigits[b & 15];
    }
  }
  return out;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      int high = hex_digit(text[i + 1]);
      int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

std::string http_date(WallTime when) {
  std::tm t = broken_down(when);
  char out[64];
  std::snprintf(out, sizeof out, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                kDays[static_cast<size_t>(t.tm_wday)], t.tm_mday,
                kMonths[static_cast<size_t>(t.tm_mon)], t.tm_year + 1900, t.tm_hour, t.tm_min,
                t.tm_sec);
  return out;
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  if (text.size() != 29 || text.substr(25) != " GMT" || text.substr(3, 2) != ", " ||
      text[7] != ' ' || text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':') {
    return std::nullopt;
  }
  std::tm t{};
  t.tm_mday = digits(text, 5, 2);
  t.tm_mon = -1;
  for (size_t m = 0; m < kMonths.size(); ++m) {
    if (text.substr(8, 3) == kMonths[m]) t.tm_mon = static_cast<int>(m);
  }
  t.tm_year = digits(text, 12, 4) - 1900;
  t.tm_hour = digits(text, 17, 2);
  t.tm_min = digits(text, 20, 2);
  t.tm_sec = digits(text, 23, 2);
  if (t.tm_mday < 1 || t.tm_mon < 0 || t.tm_hour < 0 || t.tm_min < 0 || t.tm_sec < 0) {
    return std::nullopt;
  }
  return from_parts(t);
}

std::string iso8601(WallTime when) {
  std::tm t = broken_down(when);
  char out[64];
  std::snprintf(out, sizeof out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year + 1900,
                t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec,
                static_cast<int>((when.ns - whole_seconds(when) * 1'000'000'000) / 1'000'000));
  return out;
}

std::optional<WallTime> parse_iso8601(std::string_view text) {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || text.back() != 'Z') {
    return std::nullopt;
  }
  std::tm t{};
  t.tm_year = digits(text, 0, 4) - 1900;
  t.tm_mon = digits(text, 5, 2) - 1;
  t.tm_mday = digits(text, 8, 2);
  t.tm_hour = digits(text, 11, 2);
  t.tm_min = digits(text, 14, 2);
  t.tm_sec = digits(text, 17, 2);
  if (t.tm_mon < 0 || t.tm_mday < 1 || t.tm_hour < 0 || t.tm_min < 0 || t.tm_sec < 0) {
    return std::nullopt;
  }
  auto when = from_parts(t);
  if (!when || text.size() == 20) return when;
  if (text[19] != '.' || text.size() == 21) return std::nullopt;
  int64_t unit = 100'000'000;
  for (size_t i = 20; i + 1 < text.size(); ++i, unit /= 10) {
    int digit = digits(text, i, 1);
    if (digit < 0) return std::nullopt;
    when->ns += digit * unit;
  }
  return when;
}

std::string amz_date(WallTime when) {
  std::tm t = broken_down(when);
  char out[64];
  std::snprintf(out, sizeof out, "%04d%02d%02dT%02d%02d%02dZ", t.tm_year + 1900, t.tm_mon + 1,
                t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
  return out;
}

std::optional<WallTime> parse_amz_date(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  std::tm t{};
  t.tm_year = digits(text, 0, 4) - 1900;
  t.tm_mon = digits(text, 4, 2) - 1;
  t.tm_mday = digits(text, 6, 2);
  t.tm_hour = digits(text, 9, 2);
  t.tm_min = digits(text, 11, 2);
  t.tm_sec = digits(text, 13, 2);
  if (t.tm_mon < 0 || t.tm_mday < 1 || t.tm_hour < 0 || t.tm_min < 0 || t.tm_sec < 0) {
    return std::nullopt;
  }
  return from_parts(t);
}

}  // namespace forebay
