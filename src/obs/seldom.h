// Seldom: which lines of the log are left out, where each request would bring the same one for as
// long as something is gone.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace forebay::obs {

/// Lets one line a minute through for each thing that is told of, and counts the others. Any
/// thread.
class Seldom {
 public:
  /// How many lines about `what` were left out since the last one, if it is time for one; else this
  /// one is left out.
  std::optional<uint64_t> due(std::string_view what, Time now);

  static constexpr Duration kPause = seconds(60);
  /// Things told of at once; where there are more, all begin anew.
  static constexpr size_t kMost = 1024;

 private:
  struct Told {
    Time when;
    uint64_t left_out = 0;
  };
  std::mutex mutex_;
  std::map<std::string, Told, std::less<>> told_;
};

}  // namespace forebay::obs
