// Tenure: this process as a member. It holds a lease in the control store with its row under it,
// renews both, and knows until when others must take it to be there. Time is this machine's boot
// clock; between machines travel only ages.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>

#include "meta/control.h"
#include "place/map.h"

namespace forebay::cluster {

/// How long a member is believed to be there since its last renewal was sent.
inline constexpr Duration kLease = seconds(4);
inline constexpr Duration kRenewal = seconds(1);
/// What clocks of two members may differ by in one lease, and more.
inline constexpr Duration kMargin = seconds(1);
/// How long one call to the control store may take.
inline constexpr Duration kCallTime = seconds(1);

/// See the top of this file. run() belongs to one loop; the other methods to any thread.
class Tenure {
 public:
  /// `self.state` is what it wants to be; its nonce is this process's. `control` must outlive it.
  Tenure(meta::Control& control [[clang::lifetimebound]], place::Member self)
      : control_(control), disk_(self.disk), nonce_(self.nonce), self_(std::move(self)) {}

  /// Joins, and stays until `ctx` is cancelled; then leaves: others see it at once. Code::exists:
  /// another process with this disk's identity is alive, and stays so for two leases. Once.
  Task<> run(Context ctx);

  /// Whether what only a member may decide may be decided now.
  bool valid(Time now) const { return now < until(); }
  /// When that ends, if nothing more is heard of the control store. Time{} at first and after the
  /// lease was lost.
  Time until() const { return Time{until_.load(std::memory_order_acquire)}; }

  /// Counts the leases held so far, from 1; what was read before a lease began may have been
  /// overtaken while there was none.
  uint64_t number() const { return number_.load(std::memory_order_acquire); }

  /// From the next renewal on its row says so. The same disk and nonce.
  void become(place::Member self);
  place::Member self() const;
  /// Whether a map means this process.
  bool is_self(const place::Member& member) const {
    return member.disk == disk_ && member.nonce == nonce_;
  }

 private:
  Task<> settle(uint64_t lease, Context ctx);
  Task<> hold(uint64_t lease, Context ctx);
  Task<> leave(uint64_t lease, Context ctx);
  void believe_until(Time until) { until_.store(until.ns, std::memory_order_release); }

  meta::Control& control_;
  const std::string disk_;
  const uint64_t nonce_;
  mutable std::mutex mutex_;
  place::Member self_;  ///< under mutex_
  place::Member told_;  ///< what its row says; run()'s, as are these
  std::string row_;     ///< the row itself
  uint64_t puts_ = 0;
  bool began_ = false;
  std::atomic<int64_t> until_{0};
  std::atomic<uint64_t> number_{0};
};

}  // namespace forebay::cluster
