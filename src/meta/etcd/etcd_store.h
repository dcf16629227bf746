// EtcdStore: rows in an etcd (3.4 or newer), shared by a cluster's nodes; etcd://H:P,…/NAME. It is
// spoken to through its JSON gateway over our own HTTP client, so it runs on our loops. A commit is
// one etcd transaction; reads ask its quorum.
#pragma once

#include "meta/control.h"
#include "meta/etcd/wire.h"

namespace forebay::meta {

/// See the top of this file. Any loop. Errors name the member of etcd that gave them, or all of
/// them: denied, busy (its space is full, or its queue), corrupt (no answer of etcd).
class EtcdStore final : public Control {
 public:
  explicit EtcdStore(EtcdOptions options) : wire_(std::move(options)) {}
  Task<std::optional<std::string>> get(std::string key, Context ctx) override;
  Task<Page> scan(Range range, uint32_t limit, Context ctx) override;
  Task<> commit(Txn txn, Context ctx) override;

  std::unique_ptr<Watch> watch(Range range, uint64_t after) override;
  Task<Lease> grant(Duration ttl, Context ctx) override;
  Task<> keep(uint64_t lease, Context ctx) override;
  Task<> revoke(uint64_t lease, Context ctx) override;
  Task<> commit_under(uint64_t lease, Txn txn, Context ctx) override;

 private:
  /// A lease of 0 is none.
  Task<> apply(uint64_t lease, Txn txn, Context ctx);
  /// As scan, but Code::conflict with kCompacted when its moment was compacted meanwhile.
  Task<Page> scan_once(Range range, uint32_t limit, Context ctx) const;
  /// Which condition of a refused transaction does not hold, by reading one row after another.
  Task<> find_conflict(Txn txn, Context ctx);

  const EtcdWire wire_;
};

}  // namespace forebay::meta
