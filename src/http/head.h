// Reading message heads: where one ends, what its lines are. The scanner refuses what must never
// reach a parser (bare LF, folded lines, too much of it). The parser is our own: Boost.Beast's took
// a twentieth of a warm request (docs/adr/0011-own-head-parser.md). What the fields mean is decided
// in http/framing.h.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace forebay::http {

/// Why a head is refused: the status to answer with (for responses only its being set matters).
struct Fault {
  int status = 0;
  std::string_view reason;
  explicit operator bool() const { return status != 0; }
};

struct HeadLimits {
  size_t bytes = 32 << 10;  ///< with the empty line at the end
  size_t fields = 100;
};

/// Finds the end of a head whose bytes arrive piece by piece. Looks at each byte once.
class HeadScanner {
 public:
  explicit HeadScanner(HeadLimits limits) : limits_(limits) {}

  struct Found {
    size_t size = 0;  ///< of the whole head; 0: more bytes are needed
    Fault fault;
  };
  /// `bytes`: everything received since reset(), from the head's first byte.
  Found scan(std::string_view bytes);
  void reset() { line_start_ = scanned_ = lines_ = 0; }

 private:
  Found too_large() const;

  HeadLimits limits_;
  size_t scanned_ = 0;
  size_t line_start_ = 0;
  size_t lines_ = 0;
};

struct RequestHead {
  std::string_view method;
  std::string_view target;
  int version = 11;
  std::vector<Header> headers;
};

struct ResponseHead {
  int status = 0;
  std::string_view reason;
  int version = 11;
  std::vector<Header> headers;
};

/// Parses a whole head, as the scanner delimited it. Views point into `head`; out.headers keeps
/// its capacity from one call to the next.
Fault parse(std::string_view head, RequestHead& out);
Fault parse(std::string_view head, ResponseHead& out);

}  // namespace forebay::http
