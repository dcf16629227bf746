#include "obs/seldom.h"

namespace forebay::obs {

std::optional<uint64_t> Seldom::due(std::string_view what, Time now) {
  std::lock_guard lock(mutex_);
  auto told = told_.find(what);
  if (told == told_.end()) {
    if (told_.size() >= kMost) told_.clear();
    told_.emplace(what, Told{now});
    return 0;
  }
  if (now - told->second.when < kPause) {
    ++told->second.left_out;
    return std::nullopt;
  }
  uint64_t left_out = told->second.left_out;
  told->second = {now};
  return left_out;
}

}  // namespace forebay::obs
