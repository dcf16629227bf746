// The access log: one line per answered request, and the id that ties a client's report to it.
#pragma once

#include <array>
#include <string_view>

#include "base/time.h"
#include "obs/log.h"

namespace forebay::obs {

/// Sixteen upper-case hex digits, as S3 shows in x-amz-request-id. Unpredictable, unique enough.
class RequestId {
 public:
  RequestId() { text_.fill('0'); }
  /// Draws from the loop's randomness; on the loop's thread.
  static RequestId make(io::Loop& loop);
  /// From 64 bits, for tests and replay.
  static RequestId of(uint64_t bits);
  std::string_view text() const { return {text_.data(), text_.size()}; }
  bool operator==(const RequestId&) const = default;

 private:
  std::array<char, 16> text_;
};

/// What one answered request was. Views are read during the call only.
struct AccessLine {
  RequestId id;
  std::string_view operation;   ///< "GetObject"
  std::string_view bucket;      ///< may be empty
  std::string_view key;         ///< may be empty
  std::string_view access_key;  ///< who; empty: anonymous
  int status = 0;               ///< HTTP status; 0: the connection broke before one was sent
  /// S3 error code; empty when good. "Cut": the client left or did not read on; "Broken": our
  /// source failed within the body.
  std::string_view error;
  uint64_t bytes_in = 0;   ///< body bytes received
  uint64_t bytes_out = 0;  ///< body bytes sent
  Duration duration;       ///< from the head's last byte to the body's last byte
  std::string_view cache;  ///< X-Cache; empty when it does not apply
  std::string_view peer;   ///< address
};

/// Writes `line` at Level::info with the message "request".
void write_access(Log& log, const AccessLine& line);

}  // namespace forebay::obs
