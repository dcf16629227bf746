// LooseUnits: native units that no row names, and which are no garbage: those of a write whose row
// is not committed, and those whose row has just gone while readers may still be at them. All that
// a sweep must leave alone without finding a row for it.
#pragma once

#include <deque>
#include <mutex>
#include <optional>
#include <unordered_set>
#include <vector>

#include "base/names.h"
#include "base/time.h"
#include "unit/native.h"

namespace forebay::object {

/// Those of one bucket. Any thread.
class LooseUnits {
 public:
  /// How long units stay whose row has gone.
  static constexpr Duration kGrace = seconds(60);
  /// Units of writes with an unknown outcome that are remembered; they may be named to the end of
  /// this process. With more of them it is no longer known what is garbage.
  static constexpr size_t kMaxDoubtful = 1 << 16;

  /// Units that move during one sweep. With more of them it removes nothing.
  static constexpr size_t kMaxMoved = 1 << 16;

  /// `max_retired`: with more the oldest go before their time. `units` outlives it.
  LooseUnits(unit::Native& units [[clang::lifetimebound]], size_t max_retired)
      : units_(units), max_retired_(max_retired) {}

  /// Units of one write, from before they can be found until a row names them. Destroyed before
  /// that, it removes them.
  class Write {
   public:
    explicit Write(LooseUnits& owner) : owner_(&owner) {}
    Write(Write&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), ids_(std::move(other.ids_)) {}
    Write& operator=(Write&&) = delete;
    ~Write();

    void add(const UnitId& id);
    /// A row names them now.
    void named();
    /// A row may name them, now or later.
    void doubt();

   private:
    LooseUnits* owner_;
    std::vector<UnitId> ids_;
  };

  /// Units whose row is about to go: loose from before that, and as long as it is not sure.
  class Leaving {
   public:
    Leaving(LooseUnits& owner, std::vector<UnitId> ids);
    Leaving(const Leaving&) = delete;
    Leaving& operator=(const Leaving&) = delete;
    ~Leaving();
    /// Their row has gone.
    void retire(Time now);

   private:
    LooseUnits& owner_;
    std::vector<UnitId> ids_;
  };

  /// Units whose row goes to another key: a sweep that reads rows meanwhile may see it at neither.
  /// Loose until it has gone, and to the end of the sweeps that are under way then.
  class Moving {
   public:
    Moving(LooseUnits& owner, std::vector<UnitId> ids);
    Moving(const Moving&) = delete;
    Moving& operator=(const Moving&) = delete;
    ~Moving();
    /// It may go, now or later.
    void doubt();

   private:
    LooseUnits& owner_;
    std::vector<UnitId> ids_;
  };

  /// One sweep, from before it looks at what is loose to its end.
  class Sweep {
   public:
    explicit Sweep(LooseUnits& owner);
    Sweep(const Sweep&) = delete;
    Sweep& operator=(const Sweep&) = delete;
    ~Sweep();

   private:
    LooseUnits& owner_;
  };

  /// Removes what was retired and has had its grace. Tells when the next one's is over; nothing:
  /// none is retired.
  std::optional<Time> remove_due(Time now);
  /// Removes all that was retired. How many units that were.
  size_t remove_retired();
  size_t retired() const;

  /// All of them as they are now; nothing when they are not known (kMaxDoubtful, kMaxMoved).
  std::optional<std::vector<UnitId>> all() const;

 private:
  struct Retired {
    Time due;
    UnitId id;
  };
  void begin(const UnitId& id);
  void end(const std::vector<UnitId>& ids);
  /// False: they are too many, and what is garbage is no longer known.
  bool remember(size_t doubtful);
  void retire(std::vector<UnitId> ids, Time now);

  unit::Native& units_;
  const size_t max_retired_;
  mutable std::mutex mutex_;
  std::unordered_multiset<UnitId> pending_;
  std::deque<Retired> retired_;  ///< in order of time
  size_t sweeps_ = 0;            ///< under way
  std::vector<UnitId> moved_;    ///< meanwhile
  bool moved_more_ = false;      ///< than kMaxMoved
  size_t doubtful_ = 0;          ///< of pending_
  bool lost_ = false;            ///< some doubtful ones were forgotten
};

}  // namespace forebay::object
