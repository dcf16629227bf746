// Turns: how many streams from origins a loop has at once. Each origin has its own number, so that
// one that hangs, or is slow, holds up its own readers only.
#pragma once

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "io/sync.h"
#include "origin/origin.h"
#include "unit/spread.h"

namespace forebay::unit {

/// One loop. Permits are held by who holds the origin too.
class Turns {
 public:
  Turns(uint32_t demand, uint32_t rest, uint32_t ahead)
      : demand_(demand), rest_(rest), ahead_(ahead) {}

  struct PerOrigin {
    PerOrigin(uint32_t demand, uint32_t rest, uint32_t ahead)
        : demand(demand), rest(rest), ahead(ahead) {}
    io::Semaphore demand;   ///< for readers that wait
    io::Semaphore rest;     ///< for what nobody waits for
    io::Semaphore ahead;    ///< for what somebody wants here before it is read
    io::Semaphore line{1};  ///< of objects wanted so: whose units are begun next
    Spread spread;          ///< of a unit over several streams
    std::weak_ptr<origin::Origin> origin;
  };

  PerOrigin& of(const std::shared_ptr<origin::Origin>& origin) {
    if (auto known = all_.find(origin.get()); known != all_.end()) {
      if (known->second.origin.expired()) known->second.origin = origin;
      return known->second;
    }
    if (all_.size() >= sweep_at_) sweep();
    PerOrigin& made = all_.try_emplace(origin.get(), demand_, rest_, ahead_).first->second;
    made.origin = origin;
    return made;
  }
  size_t size() const { return all_.size(); }

 private:
  static constexpr size_t kFew = 16;

  // Origins that are gone; looked for when their number may have doubled.
  void sweep() {
    std::erase_if(all_, [&](const auto& each) {
      const PerOrigin& it = each.second;
      bool idle = it.demand.free() == demand_ && it.rest.free() == rest_ &&
                  it.ahead.free() == ahead_ && it.line.free() == 1;
      return it.origin.expired() && idle;
    });
    sweep_at_ = std::max(kFew, 2 * all_.size());
  }

  uint32_t demand_, rest_, ahead_;
  std::unordered_map<const origin::Origin*, PerOrigin> all_;
  size_t sweep_at_ = kFew;
};

}  // namespace forebay::unit
