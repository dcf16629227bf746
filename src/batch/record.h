// Record: what a job has to remember, and its row in the control store (docs/formats/job.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "base/result.h"
#include "base/time.h"

namespace forebay::batch {

/// What a job does to each of its objects.
enum class Kind { prefetch, removal };
std::string_view name(Kind kind);

enum class State {
  waiting,  ///< for its turn, or for the process to go on after a restart
  running,
  done,       ///< came to its end; some objects may have failed
  failed,     ///< ended by an error before that
  cancelled,  ///< ended by an order
};
std::string_view name(State state);
inline bool ended(State state) { return state != State::waiting && state != State::running; }

/// An object that was not done, and why.
struct Failure {
  std::string key;
  std::string reason;
  bool operator==(const Failure&) const = default;
};

/// Of all keys up to Record::after.
struct Counts {
  uint64_t objects = 0;  ///< that are here, or were removed
  uint64_t bytes = 0;    ///< of these
  uint64_t found = 0;    ///< of `objects`: were here already
  uint64_t failed = 0;
  bool operator==(const Counts&) const = default;
};

/// What the objects that are here take of the cache.
struct Taken {
  uint64_t bytes = 0;  ///< theirs and what lies beside them
  uint64_t units = 0;
  uint64_t spread = 0;  ///< √(sum of the squares of the units' bytes), rounded up
  bool operator==(const Taken&) const = default;
};

struct Record {
  /// So many are kept by name; all are counted.
  static constexpr size_t kMostFailures = 8;
  /// Bytes of a reason, and of an error, at most.
  static constexpr size_t kMostReason = 300;

  std::string id;  ///< 16 lower-case hex digits
  Kind kind = Kind::prefetch;
  std::string bucket;
  uint64_t incarnation = 0;  ///< the bucket's: one of the same name that comes later is another
  std::string prefix;
  State state = State::waiting;
  std::string error;  ///< why it failed
  std::string after;  ///< all keys up to this one, in the order of the list, are done
  Counts counts;
  Taken taken;
  std::vector<Failure> failures;  ///< the first ones
  WallTime created;
  std::optional<WallTime> started, ended;
  bool operator==(const Record&) const = default;

  /// Counts a failure, and keeps it if it is one of the first. What is no UTF-8 is not kept.
  void add_failure(std::string_view key, std::string_view reason);
  /// Takes over how far `other` has come.
  void take_progress(const Record& other);
};

/// `text`, cut to kMostReason bytes of UTF-8.
std::string reason_of(std::string_view text);

std::string encode(const Record& record);
/// The row of the job with that id. A version or a kind of work that we do not know →
/// Code::invalid; what is no such row → Code::corrupt.
Result<Record> parse_record(std::string_view id, std::string_view row);

/// Whether it is what ids are made of.
bool is_id(std::string_view text);

}  // namespace forebay::batch
