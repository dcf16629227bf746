// Control: a store that many nodes share and agree by. Beside rows it has leases, under which
// members join and whose rows go when nobody renews them, and watches, which tell what changes.
// Between nodes travel ages, never times: a lease lives so long after its last renewal, by the
// store's own clock; who holds it counts from when the renewal was sent.
#pragma once

#include "meta/store.h"

namespace forebay::meta {

struct Lease {
  uint64_t id = 0;
  Duration ttl;  ///< as the store grants it; perhaps longer than asked for
};

/// One row's change.
struct Event {
  std::string key;
  std::optional<std::string> value;  ///< nothing: it was removed, or its lease has ended
  uint64_t revision = 0;
  bool operator==(const Event&) const = default;
};

/// Tells a range's changes in the order of their revisions, each at least once (those of the last
/// revision told may come again after a broken connection). Of one loop; joined before its store
/// ends; one next() at a time.
class Watch {
 public:
  virtual ~Watch() = default;
  /// The next changes, one or more; waits until there are some. Code::conflict, kCompacted: they
  /// are not known any more; read the range again and watch from there. After any other error
  /// next() may be called again, and nothing is left out.
  virtual Task<std::vector<Event>> next(Context ctx) = 0;
};

/// The detail of a watch's Code::conflict.
inline constexpr std::string_view kCompacted = "Compacted";

/// See the top of this file. Its pages carry the revision of their moment. Any loop.
class Control : public Store {
 public:
  static constexpr Duration kMaxTtl = seconds(3600);

  /// Changes of `range` after revision `after`, which a page or an event said. A range of several
  /// pages is watched from the first one's.
  virtual std::unique_ptr<Watch> watch(Range range, uint64_t after) = 0;

  /// A new lease, for 1 s … kMaxTtl in whole seconds, rounded up; else Code::invalid.
  virtual Task<Lease> grant(Duration ttl, Context ctx) = 0;
  /// Renews it for its ttl. Code::not_found: it has ended, and its rows with it.
  virtual Task<> keep(uint64_t lease, Context ctx) = 0;
  /// Ends it now, with its rows. No error when it has ended.
  virtual Task<> revoke(uint64_t lease, Context ctx) = 0;
  /// As commit; every row that it puts goes when the lease ends, unless it is put again under
  /// another, or by commit under none. No such lease → Code::not_found, nothing changed.
  virtual Task<> commit_under(uint64_t lease, Txn txn, Context ctx) = 0;
};

/// What grant() checks first: the whole seconds.
Result<int64_t> whole_seconds(Duration ttl);

}  // namespace forebay::meta
