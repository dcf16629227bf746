// Rows of renames that had a token (docs/formats/native-head.md), so that the same one again
// changes nothing.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/hash.h"
#include "base/result.h"
#include "base/time.h"

namespace forebay::object {

struct NativeRename {
  WallTime done = {};
  std::string says = {};  ///< the SHA-256 of all that was said, in hex
  bool operator==(const NativeRename&) const = default;
};

std::string encode(const NativeRename& rename);
/// A version we do not know → Code::invalid; what is no row → Code::corrupt.
Result<NativeRename> parse_native_rename(std::string_view row);

/// Where the search for rows that are too old goes on. Any thread.
class NativeRenames {
 public:
  std::string place() const {
    std::lock_guard lock(mutex_);
    return place_;
  }
  void go_on(std::string place) {
    std::lock_guard lock(mutex_);
    place_ = std::move(place);
  }

 private:
  mutable std::mutex mutex_;
  std::string place_;  ///< the last row that was looked at
};

}  // namespace forebay::object
