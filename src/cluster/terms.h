// Terms: which map is in force, and what this member may decide under it. A map is proposed by
// compare-and-set, confirmed by every member of the one before it, each of which first stops to
// act on what it loses, and then put in force; so no slot ever has two owners that act
// (docs/adr/0032). Safety needs the control store and bounded drift of clocks; who is thought to
// live only decides who does the work.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "cluster/fence.h"
#include "cluster/mirror.h"
#include "cluster/records.h"
#include "cluster/tenure.h"
#include "meta/schema.h"
#include "place/placement.h"

namespace forebay::cluster {

/// See the top of this file. run() belongs to one loop; the other methods to any thread.
class Terms {
 public:
  /// The arguments must outlive it.
  Terms(meta::Control& control [[clang::lifetimebound]], Tenure& tenure [[clang::lifetimebound]],
        Fence& fence [[clang::lifetimebound]])
      : control_(control),
        tenure_(tenure),
        fence_(fence),
        maps_(control, meta::Range::prefix(meta::schema::kMaps)),
        members_(control, meta::Range::prefix(meta::schema::kMembers)) {}

  /// Follows, confirms, proposes and puts in force until `ctx` is cancelled.
  Task<> run(Context ctx);

  /// The term under which this member decides on the keys of `slot` at `now`; 0: it may not.
  uint64_t term(uint32_t slot, Time now) const;
  /// The map in force as this member knows it; null: none yet.
  place::PlacementRef active() const;
  /// What went wrong when it was last tried to follow or to lead; empty: nothing.
  std::string trouble() const;

 private:
  /// What was read of the store within one lease.
  struct View {
    uint64_t lease = 0;          ///< Tenure::number() before it was read
    place::PlacementRef active;  ///< null: none is in force
    place::PlacementRef next;    ///< null: none is proposed over it
  };
  /// The rows as they are at one moment.
  struct Stored {
    std::optional<std::string> row;  ///< MapState's
    MapState state;
    place::MapRef active;    ///< null: none
    place::MapRef proposed;  ///< null: none, or it is in force
    place::MapRef newest() const { return proposed ? proposed : active; }
    /// What a change of the rows begins with: that they are as they were.
    meta::Txn unchanged() const;
  };

  Task<> follow(Context ctx);
  Task<> look(Context ctx);
  Task<place::PlacementRef> placed(place::MapRef map, std::shared_ptr<const View> before,
                                   Context ctx);
  Task<> confirm(uint64_t version, Context ctx);
  Task<> lead(Context ctx);
  Task<> propose(Context ctx);
  Task<> put_in_force(Context ctx);
  Task<> await_confirmations(Stored stored, Context ctx);
  bool is_idle() const;
  Task<Stored> read(Context ctx);
  Task<std::vector<place::Member>> live(Context ctx);
  /// How many come before this member among those who live.
  size_t rank() const;
  Task<> wait_turn(Duration base, Context ctx);
  void note(std::string_view what, const Result<>& done);
  bool decides(const place::Placement& placement, uint32_t slot) const;
  bool is_in(const place::Map& map) const;
  std::shared_ptr<const View> view() const;

  meta::Control& control_;
  Tenure& tenure_;
  Fence& fence_;
  Mirror maps_, members_;
  mutable std::mutex mutex_;
  std::shared_ptr<const View> view_ = std::make_shared<View>();  ///< under mutex_
  std::map<std::string_view, std::string> troubles_;  ///< under mutex_; by what was tried
};

}  // namespace forebay::cluster
