#include "origin/dir/least_names.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace forebay::origin {

LeastNames::~LeastNames() { held_ -= bytes_; }

void LeastNames::begin() {
  more_ = false;
  room_ = std::max(kLeastRoom, (kMostHeld - std::min(kMostHeld, held_)) / 2);
}

bool LeastNames::may_want(std::string& name) const {
  if (more_ && name > names_.rbegin()->first) return false;
  if (!taken(name)) return true;
  name += '/';
  bool later = !taken(name);
  name.pop_back();
  return later;
}

void LeastNames::offer(Entry entry) {
  if (more_ && entry.name > names_.rbegin()->first) return;
  uint64_t bytes = kOverhead + entry.name.size();
  if (!names_.emplace(std::move(entry.name), entry.folder).second) return;
  bytes_ += bytes;
  held_ += bytes;
  while (bytes_ > room_ && names_.size() > 1) {
    more_ = true;
    drop(std::prev(names_.end()));
  }
}

std::optional<LeastNames::Entry> LeastNames::take() {
  if (names_.empty()) return std::nullopt;
  auto least = names_.begin();
  Entry out{least->first, least->second};
  if (!taken(out.name)) last_ = out.name;
  drop(least);
  return out;
}

void LeastNames::drop(std::map<std::string, bool>::iterator at) {
  uint64_t bytes = kOverhead + at->first.size();
  bytes_ -= bytes;
  held_ -= bytes;
  names_.erase(at);
}

}  // namespace forebay::origin
