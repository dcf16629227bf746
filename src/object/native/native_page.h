// What both kinds of lists of a native bucket know of their pages.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/allowance.h"
#include "base/held_text.h"
#include "meta/store.h"

namespace forebay::object {

/// Rows of the first scan below a delimiter: most of a folder's may be jumped over.
inline constexpr uint32_t kFirstRows = 16;

/// The common prefix that stands for `key` behind `prefix`; empty when it is listed itself.
inline std::string rolled_up(std::string_view key, std::string_view prefix,
                             std::string_view delimiter) {
  if (delimiter.empty()) return {};
  size_t at = key.find(delimiter, prefix.size());
  if (at == std::string_view::npos) return {};
  return std::string(key.substr(0, at + delimiter.size()));
}

/// The key of an object's row behind what all of its bucket begin with, without what an older
/// version has behind it.
inline std::string_view key_in(std::string_view behind) {
  return behind.substr(0, behind.find('\0'));
}

/// How much a page still takes, in entries and in bytes of the document that it becomes.
class PageRoom {
 public:
  /// `fields`: what an entry takes beside its name.
  PageRoom(uint32_t most, uint64_t fields, Allowance::Share share)
      : most_(most), fields_(fields), share_(std::move(share)) {}
  /// Whether there is room for one more of that name; else the page ends here.
  bool take(std::string_view name) {
    told_ += fields_;
    for (char c : name) told_ += is_plain(c) ? 1 : kEscaped;
    ended_ = entries_ >= most_ || (!share_.resize(HeldText::share_of(told_)) && entries_ > 0);
    if (!ended_) ++entries_;
    return !ended_;
  }
  bool ended() const { return ended_; }
  uint32_t left() const { return most_ - entries_; }
  Allowance::Share share() { return std::move(share_); }

 private:
  /// A byte of a name where it is not plain.
  static constexpr uint64_t kEscaped = 5;
  static bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_.~/").find(c) != std::string_view::npos;
  }
  const uint32_t most_;
  const uint64_t fields_;
  uint32_t entries_ = 0;
  uint64_t told_ = 0;
  bool ended_ = false;
  Allowance::Share share_;
};

/// How many rows are read at once.
class PageReads {
 public:
  PageReads(bool jumps, Allowance::Share share)
      : most_(jumps ? kFirstRows : meta::kMaxPageRows), reading_(std::move(share)) {}
  /// One more than fits tells whether there are more.
  uint32_t next(const PageRoom& room) {
    uint32_t rows = std::min(most_, room.left() + 1);
    while (rows > kFewRows && !reading_.resize(rows * kRowBytes)) rows /= 2;
    return rows;
  }
  /// Of those that were read so many stood for nothing new.
  void skipped(uint32_t skipped, size_t rows) {
    most_ = 2 * skipped > rows ? kFirstRows : std::min(4 * most_, meta::kMaxPageRows);
  }

 private:
  /// What a row takes in memory until it is an entry, as a rule; and how few rows are read anyway.
  static constexpr uint64_t kRowBytes = 1024;
  static constexpr uint32_t kFewRows = 4;
  uint32_t most_;
  Allowance::Share reading_;
};

}  // namespace forebay::object
