// Text forms of bytes: hex, base64, percent-encoding (RFC 3986), and dates of HTTP and S3.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"

namespace forebay {

/// Lower-case hex.
std::string to_hex(ByteView bytes);
/// nullopt unless an even number of hex digits (either case).
std::optional<std::string> from_hex(std::string_view text);

/// RFC 4648 with padding.
std::string to_base64(ByteView bytes);
/// nullopt unless strictly RFC 4648 with padding.
std::optional<std::string> from_base64(std::string_view text);

/// Percent-encodes all but unreserved characters (A–Z a–z 0–9 - . _ ~); '/' stays with keep_slash.
/// This is the UriEncode of SigV4.
std::string percent_encode(std::string_view text, bool keep_slash = false);
/// The same behind what `out` holds.
void append_percent_encoded(std::string& out, std::string_view text, bool keep_slash = false);
/// nullopt on a '%' without two hex digits. '+' stays '+'; with plus_is_space it becomes ' '.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

/// "Wed, 21 Oct 2015 07:28:00 GMT" (RFC 9110 IMF-fixdate).
std::string http_date(WallTime when);
/// Reads IMF-fixdate and the two obsolete forms; nullopt otherwise. Dates before 1678 and after
/// 2261 are the first and last second between.
std::optional<WallTime> parse_http_date(std::string_view text);
/// "2015-10-21T07:28:00.000Z", as S3 writes dates in XML.
std::string iso8601(WallTime when);
/// Reads "2015-10-21T07:28:00[.fff]Z".
std::optional<WallTime> parse_iso8601(std::string_view text);
/// "20151021T072800Z", as SigV4 writes dates; in place, because every request has one.
struct AmzDate {
  std::array<char, 16> text;
  operator std::string_view() const { return {text.data(), text.size()}; }
  std::string_view day() const { return {text.data(), 8}; }  ///< "20151021"
};
AmzDate amz_date(WallTime when);
/// Reads the same form.
std::optional<WallTime> parse_amz_date(std::string_view text);

}  // namespace forebay
