// NativeUsage: how much a native bucket holds, exactly, while it is written to from every side, and
// how much it may. Nothing of it is stored: it is counted anew from the rows after each start,
// parts before objects, in the order of their keys. A change of a row that was counted already is
// told to the sum; one of a row that is still to come is seen there. So that no row is in between,
// a page of rows is counted while no change is under way.
//
// Older versions count as objects do; a delete marker is none, so that no delete is refused.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "io/sync.h"
#include "meta/store.h"
#include "object/native/head_row.h"
#include "origin/usage.h"

namespace forebay::object {

/// Of one bucket. Any thread.
class NativeUsage {
 public:
  /// How long a change waits for the count, where a limit needs the sum.
  static constexpr Duration kCountWait = seconds(10);

  /// What a change of rows adds to the sum.
  struct Delta {
    int64_t bytes = 0;
    int64_t objects = 0;
  };

  /// One change of rows, from before they are read until it is known what became of it. Without
  /// done() or doubt() it was not made.
  class Change {
   public:
    Change(Change&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), plan_(other.plan_) {}
    Change& operator=(Change&&) = delete;
    ~Change();

    /// Whether the row is in the sum, as it was or as missing: else it is counted later.
    bool counts(std::string_view row_key) const;
    /// Takes room for what is more. A second call replaces the first. Code::denied,
    /// "QuotaExceeded", when there is none.
    Result<> plan(Delta delta);
    /// It was made: what is less is given back.
    void done();
    /// Nobody knows. The room stays taken, until the next start counts.
    void doubt();

   private:
    friend class NativeUsage;
    explicit Change(NativeUsage& owner) : owner_(&owner) {}
    NativeUsage* owner_;
    Delta plan_;
  };
  /// Code::busy, "SlowDown", when the count is not done in time.
  Task<Change> begin(Context ctx);

  /// Before the bytes of a write come: whether `bytes` more could be had. Only plan() is sure.
  Result<> allow(uint64_t bytes, uint64_t replaced) const;

  /// What has come of one body, from its first byte until it is whole. One task's.
  class Coming {
   public:
    explicit Coming(NativeUsage& owner [[clang::lifetimebound]]) : owner_(owner) {}
    Coming(const Coming&) = delete;
    Coming& operator=(const Coming&) = delete;
    ~Coming();
    /// So many more are about to be stored. Several bodies on their way hold as much as the bucket
    /// may and no more, beside what is in it: else who never ends his would have room without end.
    /// Code::busy, "SlowDown", beyond that; one alone is plan()'s to refuse.
    Result<> add(uint64_t bytes);

   private:
    NativeUsage& owner_;
    uint64_t bytes_ = 0;
  };

  void limit(origin::Quota quota);
  /// Nothing before the first count has ended.
  std::optional<origin::Usage> usage() const;
  bool counted() const { return usage().has_value(); }

  /// Counts, once: nothing to do when it is done. `store` has all rows of the bucket. What an error
  /// ended goes on with the next call. Of two at once the second waits for the first.
  Task<> count(meta::Store& store [[clang::lifetimebound]], uint64_t incarnation, Context ctx);

 private:
  enum class Phase { parts, objects, done };
  class Pause;
  class Turn;
  void end(Delta taken);
  Result<> take(Delta more);
  Task<> let_others(Context ctx);
  Task<> count_page(meta::Store& store, uint64_t incarnation, Context ctx);
  Task<Delta> sum_parts(meta::Store& store, uint64_t incarnation, const meta::Page& page,
                        Context ctx);

  mutable std::mutex mutex_;
  io::Progress moved_;  ///< a change has ended, a page was counted
  origin::Quota quota_;
  int64_t bytes_ = 0, objects_ = 0;  ///< of the rows counted
  uint64_t coming_ = 0;              ///< of bodies on their way
  uint64_t changes_ = 0;             ///< under way
  bool counting_ = false;
  bool pausing_ = false;  ///< none begins
  bool held_up_ = false;  ///< one would have begun meanwhile
  Phase phase_ = Phase::parts;
  std::string last_;  ///< the last row of the phase that was counted
};

/// Adds up what one change does to rows of objects, as far as they are counted.
class NativeHeadSum {
 public:
  explicit NativeHeadSum(const NativeUsage::Change& change [[clang::lifetimebound]])
      : change_(change) {}
  /// A row that goes or comes, and what it says; null: it cannot be read.
  void less(std::string_view row_key, const NativeHead* head) { add(row_key, head, -1); }
  void more(std::string_view row_key, const NativeHead* head) { add(row_key, head, 1); }
  NativeUsage::Delta delta;

 private:
  void add(std::string_view row_key, const NativeHead* head, int64_t times) {
    if (!change_.counts(row_key)) return;
    delta.bytes += head != nullptr ? times * static_cast<int64_t>(head->size) : 0;
    delta.objects += head != nullptr && head->marker ? 0 : times;
  }
  const NativeUsage::Change& change_;
};

}  // namespace forebay::object
