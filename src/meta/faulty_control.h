// FaultyControl: one member's way to a Control in simulation. Calls take their time, are refused,
// lose their answers, happen after they were given up, or find no way at all; what a watch tells
// comes late. The store itself is sound, and has a clock of its own.
#pragma once

#include <deque>

#include "meta/control.h"
#include "meta/faulty_store.h"

namespace forebay::meta {

/// Commits that were given up and may still happen, whoever they were of; one for all ways to a
/// store.
struct LateCommits {
  struct Late {
    std::optional<uint64_t> lease;
    Txn txn;
  };
  std::deque<Late> waiting;
};

/// One member's loop, in simulation. `inner` answers without waiting (MemoryStore); it and `home`,
/// whose clock leases go by, must outlive this.
class FaultyControl final : public Control {
 public:
  FaultyControl(Control& inner [[clang::lifetimebound]], io::Loop& home [[clang::lifetimebound]],
                FaultOptions options, std::shared_ptr<LateCommits> late)
      : inner_(inner), home_(home), options_(options), late_(std::move(late)) {}

  Task<std::optional<std::string>> get(std::string key, Context ctx) override;
  Task<Page> scan(Range range, uint32_t limit, Context ctx) override;
  Task<> commit(Txn txn, Context ctx) override;
  std::unique_ptr<Watch> watch(Range range, uint64_t after) override;
  Task<Lease> grant(Duration ttl, Context ctx) override;
  Task<> keep(uint64_t lease, Context ctx) override;
  Task<> revoke(uint64_t lease, Context ctx) override;
  Task<> commit_under(uint64_t lease, Txn txn, Context ctx) override;

  /// May be changed while it runs.
  FaultOptions& options() { return options_; }
  /// From now on nothing comes through: a call waits for its deadline.
  void cut(bool off) { cut_ = off; }
  /// Its process is dead: what is still asked for is never heard of, now or late.
  void end() { cut_ = ended_ = true; }
  /// From now on pages are refused, and nothing else.
  void blind(bool off) { blind_ = off; }

 private:
  class Far;
  using Late = LateCommits::Late;
  Context at_home() const { return {.loop = &home_}; }
  bool draw(Context ctx, double probability) const;
  Task<> travel(Context ctx) const;
  Task<> settle_late();
  template <class T>
  Task<T> across(Task<T> work, Context ctx);
  Task<> change(Late late, Context ctx);

  Control& inner_;
  io::Loop& home_;
  FaultOptions options_;
  bool cut_ = false;
  bool blind_ = false;
  bool ended_ = false;
  const std::shared_ptr<LateCommits> late_;
};

}  // namespace forebay::meta
