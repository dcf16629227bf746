// FaultyStore: a decorator for simulation. It delays calls, refuses them, loses the answers of
// commits that happened, and lets commits happen after their answer was given up — everything a
// store across a network does.
#pragma once

#include <deque>

#include "meta/store.h"

namespace forebay::meta {

/// Probabilities are per call, 0…1, drawn from the calling loop's random().
struct FaultOptions {
  Duration delay = milliseconds(5);  ///< at most; drawn before and after each call
  double refuse = 0;       ///< Code::busy for a commit, unavailable for a read; nothing happens
  double lose_answer = 0;  ///< the commit happens, the answer is Code::unavailable
  double late = 0;         ///< Code::unavailable; happens before some later call, or never
};

/// One loop (the simulated one). `inner` must outlive it.
class FaultyStore final : public Store {
 public:
  FaultyStore(Store& inner [[clang::lifetimebound]], FaultOptions options)
      : inner_(inner), options_(options) {}
  Task<std::optional<std::string>> get(std::string key, Context ctx) override;
  Task<Page> scan(Range range, uint32_t limit, Context ctx) override;
  Task<> commit(Txn txn, Context ctx) override;

  /// May be changed while it runs.
  FaultOptions& options() { return options_; }
  /// Commits whose answer was unavailable.
  uint64_t unknown() const { return unknown_; }

 private:
  Task<> pause(Context ctx);
  Task<> settle_late(Context ctx);

  Store& inner_;
  FaultOptions options_;
  std::deque<Txn> late_;
  uint64_t unknown_ = 0;
};

}  // namespace forebay::meta
