// What etcd's JSON gateway is asked and what it says, as text and values: pure functions. Numbers
// of 64 bits travel as text, keys and values in base64, and what is empty, false or 0 is left out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meta/control.h"

namespace forebay::meta::etcd {

/// Keys with the cluster's prefix; both ends stated.
struct Ask {
  std::string from;
  std::string to;        ///< exclusive
  uint32_t limit = 1;    ///< rows
  int64_t revision = 0;  ///< 0: the newest
};
/// A range of rows under `prefix`.
Ask within(std::string_view prefix, const Range& range, uint32_t limit = 1);
std::string range_request(const Ask& ask);
/// Of rows under `prefix`. When a condition fails the answer has the rows that were compared. What
/// is put goes with `lease`, if it is not 0.
std::string txn_request(std::string_view prefix, const Txn& txn, uint64_t lease = 0);
std::string watch_request(const Ask& ask, uint64_t from_revision);
std::string grant_request(int64_t ttl_seconds);
/// To keep or to revoke it.
std::string lease_request(uint64_t lease);

struct RangeAnswer {
  int64_t revision = 0;   ///< of the store when it answered
  std::vector<Row> rows;  ///< keys with the prefix
  bool more = false;
};
/// Not an answer to `ask` (also: rows it did not ask for, or out of order) → Code::corrupt.
Result<RangeAnswer> parse_range(std::string_view text, const Ask& ask);

struct TxnAnswer {
  bool succeeded = false;
  /// When not: what stood at each condition's key.
  std::vector<std::optional<std::string>> found;
};
/// Not an answer to `txn` under `prefix` → Code::corrupt.
Result<TxnAnswer> parse_txn(std::string_view text, std::string_view prefix, const Txn& txn);

/// A line of a watch of `ask`, which `after` has been told.
struct WatchAnswer {
  std::vector<Event> events;  ///< keys without the prefix
  uint64_t after = 0;         ///< from where to go on
};
/// Compacted → Code::conflict, kCompacted; ended by the server → Code::unavailable; what was not
/// asked for, or out of order → Code::corrupt.
Result<WatchAnswer> parse_watch(std::string_view line, std::string_view prefix, const Ask& ask,
                                uint64_t after);

Result<Lease> parse_grant(std::string_view text);
/// How long the lease lives now: zero when it has ended.
Result<Duration> parse_keep(std::string_view text);

/// The error that an answer other than 200 means, and whether it leaves open what was done. A
/// revision that was compacted is Code::conflict, kCompacted.
struct Fault {
  Error error;
  bool open = false;
};
Fault parse_fault(int status, std::string_view text);

}  // namespace forebay::meta::etcd
