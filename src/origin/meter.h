// Meter: what one origin costs, counted by whoever made it.
#pragma once

#include <cstdint>
#include <string_view>

#include "origin/hedging.h"

namespace forebay::origin {

/// Counts body bytes and requests; the owner gives one to each Origin. Any thread.
class Meter {
 public:
  virtual ~Meter() = default;
  virtual void request(std::string_view operation, bool good) = 0;
  virtual void sent_again() {}    ///< a request, after an answer that was none or a "slow down"
  virtual void told_to_slow() {}  ///< an answer said so: 503 or 429
  virtual void hedged(Hedged) {}  ///< a question whose answer was late
  virtual void body_bytes_in(uint64_t bytes) = 0;   ///< object bytes read from the origin
  virtual void body_bytes_out(uint64_t bytes) = 0;  ///< object bytes written to the origin
};

}  // namespace forebay::origin
