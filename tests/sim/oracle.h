// Oracle: judges what clients were told by the origin's history of each key. Pure but for reading
// that history.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "object/bucket.h"
#include "testkit/memory_origin.h"

namespace forebay::simtest {

/// The only right bytes of write number `id`.
std::string content_of(uint64_t id, uint64_t size);

/// What one GET or HEAD saw.
struct Seen {
  std::string key;
  Time started;   ///< before anything was sent
  Time answered;  ///< when the head was here
  int status = 0;
  std::string etag;
  std::optional<uint64_t> length;  ///< Content-Length
  std::optional<uint64_t> first;   ///< of the range asked for
  std::string content_range;
  std::string cache;
  std::string body;
  bool get = true;
  bool whole = false;  ///< the body ended well
};

class Oracle {
 public:
  /// `quiet`: nobody changes the origin behind Forebay's back, so that every read must see what
  /// was current at some moment of it, whatever the freshness.
  Oracle(testkit::MemoryOrigin& origin, object::Freshness freshness, bool quiet)
      : origin_(origin), freshness_(freshness), quiet_(quiet) {}

  /// A write through Forebay that became current at `since` (or later) was acknowledged now.
  void acknowledged(const std::string& key, Time since, Time now);
  /// The same for the version with that ETag, asked for at `begun`. Empty, or what is wrong: it
  /// must be in the history.
  std::string acknowledged(const std::string& key, const std::string& etag, Time begun, Time now);

  /// What is wrong with an answer; empty when nothing is.
  std::string judge(const Seen& seen) const;

 private:
  Time oldest(const Seen& seen) const;
  std::string judge_body(const Seen& seen, const testkit::MemoryVersion& version) const;

  testkit::MemoryOrigin& origin_;
  object::Freshness freshness_;
  bool quiet_;
  /// By key: when it was acknowledged, and since when it or a later one was current.
  std::map<std::string, std::multimap<Time, Time>> acknowledged_;
};

}  // namespace forebay::simtest
