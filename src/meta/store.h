// Store: ordered rows with transactions. The control rows of the engine (buckets, access keys, …)
// and on one node its data rows live behind it. It promises no more than etcd can keep, so that a
// cluster can put etcd in its place: small transactions guarded by whole-row conditions, stated
// limits, pages instead of endless scans. Watch and lease are Control's (control.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/task.h"

namespace forebay::meta {

/// Limits every store keeps; over them a call fails and nothing is split silently.
inline constexpr size_t kMaxKeyBytes = 2 << 10;
/// Puts, removes and conditions of one transaction.
inline constexpr size_t kMaxOperations = 100;
/// Keys and values of one transaction together (etcd's request limit is 1.5 MiB).
inline constexpr size_t kMaxTxnBytes = 1 << 20;
/// Rows of one page.
inline constexpr uint32_t kMaxPageRows = 1000;
/// A page ends early after this many bytes of keys and values.
inline constexpr size_t kMaxPageBytes = 4 << 20;

struct Row {
  std::string key;
  std::string value;
  bool operator==(const Row&) const = default;
};

/// Keys from `from` (inclusive) to `to` (exclusive; empty: no end), as unsigned bytes.
struct Range {
  std::string from;
  std::string to;

  /// All keys that begin with `prefix`; "" is every key.
  static Range prefix(std::string_view prefix);
  /// What is left of this range after `key`: how the next page is asked for.
  Range after(std::string_view key) const;
};

/// One page of a scan.
struct Page {
  std::vector<Row> rows;  ///< in key order
  bool more = false;      ///< the range holds rows after the last one here
  uint64_t revision = 0;  ///< of its moment; only a Control has one
};

/// Changes that happen together or not at all, if all conditions hold. A key may be changed once
/// in it. A value, built by chaining: Txn().require_absent(k).put(k, v).
struct Txn {
  struct Condition {
    std::string key;
    std::optional<std::string> value;  ///< the row must equal this; nothing: must not exist
  };
  struct Change {
    std::string key;
    std::optional<std::string> value;  ///< nothing: remove
  };
  std::vector<Condition> conditions;
  std::vector<Change> changes;
  /// Durable before commit returns. False is for hints: the rows are there at once and survive
  /// the process, but a machine that crashes may forget the last of them (in order: a later
  /// synced commit makes every earlier one durable too).
  bool sync = true;

  Txn& require(std::string key, std::string value);
  Txn& require_absent(std::string key);
  Txn& put(std::string key, std::string value);
  /// No error when the row is not there.
  Txn& remove(std::string key);
  Txn& without_sync();
};

/// What every store checks first: an empty key or a key changed twice → Code::invalid; over a
/// limit → Code::too_large.
Result<> check_limits(const Txn& txn);
Result<> check_key(std::string_view key);

/// Any loop may call any method; whoever calls joins before the store is destroyed. Reads see
/// every commit that was answered before they began.
class Store {
 public:
  virtual ~Store() = default;

  /// The row's value, or nothing when there is none.
  virtual Task<std::optional<std::string>> get(std::string key, Context ctx) = 0;

  /// The first rows of `range`, at most `limit` (1 … kMaxPageRows; else Code::invalid). A page is
  /// one moment's truth; two pages need not be of the same moment.
  virtual Task<Page> scan(Range range, uint32_t limit, Context ctx) = 0;

  /// Applies `txn` whole. A condition that does not hold → Code::conflict with the row's key as
  /// detail. Code::unavailable: the outcome is unknown, and it may still happen later. With any
  /// other error nothing was changed.
  virtual Task<> commit(Txn txn, Context ctx) = 0;
};

/// Every row of `range`, page after page; more than `limit` rows → Code::too_large.
Task<std::vector<Row>> scan_all(Store& store [[clang::lifetimebound]], Range range, size_t limit,
                                Context ctx);

/// Where rows live: control rows in one place, data rows in the shard of their object. On one
/// node both are the same store; nothing above may assume that.
class Meta {
 public:
  virtual ~Meta() = default;
  virtual Store& control() = 0;
  /// The store of all data rows of one key of one bucket (by its incarnation).
  virtual Store& shard(uint64_t incarnation, std::string_view key) = 0;
};

/// One store for everything.
class SingleMeta final : public Meta {
 public:
  /// `store` must outlive it.
  explicit SingleMeta(Store& store [[clang::lifetimebound]]) : store_(store) {}
  Store& control() override { return store_; }
  Store& shard(uint64_t, std::string_view) override { return store_; }

 private:
  Store& store_;
};

}  // namespace forebay::meta
