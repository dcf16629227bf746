#include "base/encoding.h"

#include <openssl/evp.h>

#include <array>
#include <chrono>
#include <ctime>
#include <span>

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

// A point of the calendar in UTC. <chrono>'s calendar is plain arithmetic; the C library's takes
// the lock of the time zone on every call.
struct Civil {
  int year = 0;
  int month = 0;  // 1–12
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int millisecond = 0;
  int weekday = 0;  // 0 is Sunday; not read back
};

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kDay = 86'400 * kSecond;

Civil civil(WallTime when) {
  int64_t days = when.ns / kDay - (when.ns % kDay < 0 ? 1 : 0);  // rounds down, also before 1970
  int64_t rest = when.ns - days * kDay;
  std::chrono::sys_days date{std::chrono::days(days)};
  std::chrono::year_month_day ymd(date);
  return {.year = static_cast<int>(ymd.year()),
          .month = static_cast<int>(static_cast<unsigned>(ymd.month())),
          .day = static_cast<int>(static_cast<unsigned>(ymd.day())),
          .hour = static_cast<int>(rest / (3600 * kSecond)),
          .minute = static_cast<int>(rest / (60 * kSecond) % 60),
          .second = static_cast<int>(rest / kSecond % 60),
          .millisecond = static_cast<int>(rest / 1'000'000 % 1000),
          .weekday = static_cast<int>(std::chrono::weekday(date).c_encoding())};
}

// nullopt for what the calendar does not have (31 February, hour 24, a leap second), for digits()
// that were none, and outside `first`–2261: a WallTime reaches from 1677 into 2262.
std::optional<WallTime> wall_time(const Civil& parts, int first = 1970) {
  bool in_range = parts.year >= first && parts.year <= 2261 && parts.month >= 1 && parts.day >= 1 &&
                  parts.hour >= 0 && parts.hour <= 23 && parts.minute >= 0 && parts.minute <= 59 &&
                  parts.second >= 0 && parts.second <= 59;
  if (!in_range) return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year(parts.year),
                                   std::chrono::month(static_cast<unsigned>(parts.month)),
                                   std::chrono::day(static_cast<unsigned>(parts.day))};
  if (!date.ok()) return std::nullopt;
  int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  int64_t seconds = parts.hour * 3600 + parts.minute * 60 + parts.second;
  return WallTime{days * kDay + seconds * kSecond};
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
  std::string out;
  append_percent_encoded(out, text, keep_slash);
  return out;
}

void append_percent_encoded(std::string& out, std::string_view text, bool keep_slash) {
  constexpr char kDigits[] = "0123456789ABCDEF";
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

namespace {

// Every request needs dates, and printf is slow at them.
void put_digits(std::span<char> out, int value) {
  for (auto at = out.rbegin(); at != out.rend(); ++at, value /= 10) {
    *at = static_cast<char>('0' + value % 10);
  }
}
void append_digits(std::string& out, int value, size_t width) {
  out.resize(out.size() + width);
  put_digits(std::span(out).last(width), value);
}

}  // namespace

std::string http_date(WallTime when) {
  Civil c = civil(when);
  std::string out;
  out.reserve(29);
  out.append(kDays[static_cast<size_t>(c.weekday)]);
  append_digits(out.append(", "), c.day, 2);
  out.append(" ").append(kMonths[static_cast<size_t>(c.month - 1)]);
  append_digits(out.append(" "), c.year, 4);
  append_digits(out.append(" "), c.hour, 2);
  append_digits(out.append(":"), c.minute, 2);
  append_digits(out.append(":"), c.second, 2);
  out.append(" GMT");
  return out;
}

namespace {

// What HTTP can say and a WallTime cannot is the nearest that it can: who restricts a request by a
// date of the year 1 must not have said nothing. A leap second is the next minute's first.
std::optional<WallTime> nearest_wall_time(Civil parts) {
  constexpr int kFirst = 1678, kLast = 2261;
  if (parts.year < 0 || parts.second > 60) return std::nullopt;
  bool leap = parts.second == 60;
  if (leap) parts.second = 59;
  bool late = parts.year > kLast;
  bool early = parts.year < kFirst;
  // The calendar repeats itself every 400 years, so it still says whether there is such a day.
  if (early || late) parts.year = 1700 + (parts.year + 300) % 400;
  auto when = wall_time(parts, kFirst);
  if (!when) return std::nullopt;
  if (early) return wall_time({.year = kFirst, .month = 1, .day = 1}, kFirst);
  if (late) {
    return wall_time(
        {.year = kLast, .month = 12, .day = 31, .hour = 23, .minute = 59, .second = 59}, kFirst);
  }
  if (leap) when->ns += kSecond;
  return when;
}

// RFC 850's form and asctime()'s: old, but a recipient has to know them (RFC 9110, 5.6.7).
std::optional<WallTime> parse_obsolete_date(std::string_view text) {
  constexpr size_t kLongest = 40;
  if (text.size() > kLongest) return std::nullopt;
  std::string copy(text);
  for (const char* form : {"%a, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"}) {
    std::tm fields{};
    const char* end = ::strptime(copy.c_str(), form, &fields);
    if (end != copy.c_str() + copy.size()) continue;
    return nearest_wall_time({.year = fields.tm_year + 1900,
                              .month = fields.tm_mon + 1,
                              .day = fields.tm_mday,
                              .hour = fields.tm_hour,
                              .minute = fields.tm_min,
                              .second = fields.tm_sec});
  }
  return std::nullopt;
}

}  // namespace

std::optional<WallTime> parse_http_date(std::string_view text) {
  if (text.size() > 5 && text[3] != ',') return parse_obsolete_date(text);
  if (text.size() != 29 || text.substr(25) != " GMT" || text.substr(3, 2) != ", " ||
      text[7] != ' ' || text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':') {
    return std::nullopt;
  }
  int month = 0;
  for (size_t m = 0; m < kMonths.size(); ++m) {
    if (text.substr(8, 3) == kMonths[m]) month = static_cast<int>(m) + 1;
  }
  return nearest_wall_time({.year = digits(text, 12, 4),
                            .month = month,
                            .day = digits(text, 5, 2),
                            .hour = digits(text, 17, 2),
                            .minute = digits(text, 20, 2),
                            .second = digits(text, 23, 2)});
}

// By hand: a page of a list has a thousand of them. Nanoseconds in 64 bits end in 2262.
std::string iso8601(WallTime when) {
  Civil c = civil(when);
  std::string out = "0000-00-00T00:00:00.000Z";
  std::span<char> text(out);
  put_digits(text.subspan(0, 4), c.year);
  put_digits(text.subspan(5, 2), c.month);
  put_digits(text.subspan(8, 2), c.day);
  put_digits(text.subspan(11, 2), c.hour);
  put_digits(text.subspan(14, 2), c.minute);
  put_digits(text.subspan(17, 2), c.second);
  put_digits(text.subspan(20, 3), c.millisecond);
  return out;
}

std::optional<WallTime> parse_iso8601(std::string_view text) {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || text.back() != 'Z') {
    return std::nullopt;
  }
  auto when = wall_time({.year = digits(text, 0, 4),
                         .month = digits(text, 5, 2),
                         .day = digits(text, 8, 2),
                         .hour = digits(text, 11, 2),
                         .minute = digits(text, 14, 2),
                         .second = digits(text, 17, 2)});
  if (!when || text.size() == 20) return when;
  if (text[19] != '.' || text.size() == 21) return std::nullopt;
  int64_t unit = kSecond / 10;
  for (size_t i = 20; i + 1 < text.size(); ++i, unit /= 10) {
    int digit = digits(text, i, 1);
    if (digit < 0) return std::nullopt;
    when->ns += digit * unit;
  }
  return when;
}

AmzDate amz_date(WallTime when) {
  Civil c = civil(when);
  AmzDate out;
  std::span<char> text(out.text);
  put_digits(text.subspan(0, 4), c.year);
  put_digits(text.subspan(4, 2), c.month);
  put_digits(text.subspan(6, 2), c.day);
  text[8] = 'T';
  put_digits(text.subspan(9, 2), c.hour);
  put_digits(text.subspan(11, 2), c.minute);
  put_digits(text.subspan(13, 2), c.second);
  text[15] = 'Z';
  return out;
}

std::optional<WallTime> parse_amz_date(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  return wall_time({.year = digits(text, 0, 4),
                    .month = digits(text, 4, 2),
                    .day = digits(text, 6, 2),
                    .hour = digits(text, 9, 2),
                    .minute = digits(text, 11, 2),
                    .second = digits(text, 13, 2)});
}

}  // namespace forebay
