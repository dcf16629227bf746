// LeastNames: a folder of any size in key order, in little memory. Each pass through the folder
// keeps the least names that come after those taken; where there is no room for all, there is
// another pass.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace forebay::origin {

class LeastNames {
 public:
  /// One name of a folder as a piece of keys: "file", "folder/", or "" for the folder's own key.
  struct Entry {
    std::string name;
    bool folder = false;
  };
  /// What all folders of a walk keep. Each takes half of what those above it have left, so a page
  /// of 1000 names out of a large folder needs one pass, and deep trees of large folders end.
  static constexpr uint64_t kMostHeld = 1 << 20;
  /// What each may keep at least.
  static constexpr uint64_t kLeastRoom = 4 << 10;
  /// What a name takes beside its bytes.
  static constexpr uint64_t kOverhead = 96;

  /// `held`: what all of the walk keep, in bytes.
  explicit LeastNames(uint64_t& held) : held_(held) {}
  ~LeastNames();
  LeastNames(const LeastNames&) = delete;
  LeastNames& operator=(const LeastNames&) = delete;

  /// Before each pass.
  void begin();
  /// False: neither this name nor it with a '/' would be kept. Cheap. It is left as it is.
  bool may_want(std::string& name) const;
  /// Whether one of that name was taken, or a later one.
  bool taken(const std::string& name) const { return last_ && name <= *last_; }
  /// Keeps it, if it is among the least; one of the same name is kept once.
  void offer(Entry entry);
  /// The least one left of this pass.
  std::optional<Entry> take();
  /// Whether there is need of another pass, once all are taken.
  bool more() const { return more_; }

 private:
  void drop(std::map<std::string, bool>::iterator at);

  uint64_t& held_;
  uint64_t room_ = 0;
  uint64_t bytes_ = 0;
  bool more_ = false;  ///< some after those of names_ were dropped
  std::map<std::string, bool> names_;
  std::optional<std::string> last_;  ///< that was taken
};

}  // namespace forebay::origin
