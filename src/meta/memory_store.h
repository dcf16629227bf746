// MemoryStore: rows in this process's memory. Stands in for RocksStore and EtcdStore in simulation
// and tests: it has no threads, and only a watch waits. What was committed stays as long as the
// object lives.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "io/sync.h"
#include "meta/control.h"

namespace forebay::meta {

/// See the top of this file. Any loop. A lease ends when its time has come by the clock of the next
/// caller's loop.
class MemoryStore final : public Control {
 public:
  /// Changes that a watch may still ask for; older ones are compacted.
  static constexpr size_t kMaxHistory = 1000;

  Task<std::optional<std::string>> get(std::string key, Context ctx) override;
  Task<Page> scan(Range range, uint32_t limit, Context ctx) override;
  Task<> commit(Txn txn, Context ctx) override;

  std::unique_ptr<Watch> watch(Range range, uint64_t after) override;
  Task<Lease> grant(Duration ttl, Context ctx) override;
  Task<> keep(uint64_t lease, Context ctx) override;
  Task<> revoke(uint64_t lease, Context ctx) override;
  Task<> commit_under(uint64_t lease, Txn txn, Context ctx) override;

 private:
  class Follower;
  struct Held {
    std::string value;
    uint64_t lease = 0;  ///< 0: none
  };
  struct Term {
    Duration ttl;
    Time end;
  };

  /// Under mutex_, as all below: ends the leases whose time has come.
  void end_leases(Context ctx);
  void end_lease(uint64_t lease);
  void change(std::string key, std::optional<std::string> value, uint64_t lease);
  Result<> apply(Txn txn, uint64_t lease);
  /// What a follower has not seen; when it is to look again without being told.
  Result<std::vector<Event>> news(const Range& range, uint64_t& after, Time& again, Context ctx);

  std::mutex mutex_;  ///< never held across an await
  std::map<std::string, Held, std::less<>> rows_;
  std::map<uint64_t, Term> leases_;
  uint64_t revision_ = 1;
  uint64_t compacted_ = 0;     ///< changes up to here are forgotten
  std::deque<Event> history_;  ///< after `compacted_`
  uint64_t last_lease_ = 0;
  const std::shared_ptr<io::Progress> changed_ = std::make_shared<io::Progress>();
};

}  // namespace forebay::meta
