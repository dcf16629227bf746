// NativeOrigin: the sweep. What it must never remove is a unit that a row names, or that is about
// to be named. The order of its steps is what makes that so:
//
// 1. The units that are here are listed. Whatever is written later is not looked at.
// 2. The loose ones are noted. One that is not loose now was loose until its row was committed, so
//    that row is there to be seen from here on, until it is replaced or removed.
// 3. The rows are scanned, those of parts before those of objects: a completion takes a unit's name
//    from a part to an object, never back. A scan the other way could miss it at both places.
// 4. The loose ones are noted again: what rows have let go of meanwhile has its grace.
//
// A rename takes a name from one row to another, in any direction: its units are loose until it is
// done, and those of all that were done since step 2 are noted with the loose ones of step 4.
//
// An older version that becomes the current one goes against the order of the scan, from its own
// row to the key's. So between two pages of one key's rows that is looked at again (scan_on).
#include <algorithm>

#include "io/loop.h"
#include "meta/schema.h"
#include "object/native/native_origin.h"
#include "object/native/native_rows.h"

namespace forebay::object {

namespace {

/// Rows of one page, and units removed in one go: others have the loop in between.
constexpr uint32_t kSweepRows = 100;
constexpr size_t kSweepUnits = 1000;
/// Rows that one transaction removes.
constexpr size_t kOrphansAtOnce = 90;
static_assert(kOrphansAtOnce <= meta::kMaxOperations);

}  // namespace

/// One sweep. Holds 16 bytes and a bit for each unit of the bucket.
class NativeSweep {
 public:
  NativeSweep(NativeOrigin& origin, std::vector<UnitId> listed)
      : origin_(origin), listed_(std::move(listed)), kept_(listed_.size()) {
    if (!std::ranges::is_sorted(listed_)) std::ranges::sort(listed_);
  }

  void keep(const std::vector<UnitId>& ids) {
    for (const UnitId& id : ids) {
      auto found = std::ranges::lower_bound(listed_, id);
      if (found != listed_.end() && *found == id) kept_[index(found)] = true;
    }
  }

  /// Parts whose upload is gone name nothing, and their rows go.
  Task<> keep_parts(Context ctx) {
    meta::Range range = meta::Range::prefix(meta::schema::parts(incarnation()));
    meta::Store& store = origin_.options_.meta.shard(incarnation(), "");
    while (true) {
      meta::Page page = co_await co_await store.scan(range, kSweepRows, ctx);
      for (const meta::Row& row : page.rows) co_await co_await keep_part(row, ctx);
      co_await co_await remove_orphans(page.more ? kOrphansAtOnce : 1, ctx);
      if (!page.more || page.rows.empty()) co_return ok;
      range = range.after(page.rows.back().key);
      co_await co_await io::yield(ctx);
    }
  }

  Task<> keep_objects(Context ctx) {
    meta::Range range = meta::Range::prefix(meta::schema::objects(incarnation()));
    meta::schema::VersionKey last;
    while (true) {
      meta::Page page =
          co_await co_await origin_.scan_on(last.key, last.order, range, kSweepRows, ctx);
      for (const meta::Row& row : page.rows) {
        last = co_await meta::schema::parse_object(row.key);
        ObjectKey key = co_await ObjectKey::parse(last.key);
        NativeHead head = co_await parse_native_head(row.value);
        if (last.order.empty()) last.order = head.order();
        keep(origin_.units_of(key, head));
        range = range.after(row.key);
      }
      if (!page.more) co_return ok;
      co_await co_await io::yield(ctx);
    }
  }

  Task<> remove_rest(Context ctx) {
    size_t removed = 0;
    for (size_t i = 0; i < listed_.size(); ++i) {
      if (kept_[i]) continue;
      origin_.options_.units.remove(listed_[i]);
      if (++removed % kSweepUnits == 0) co_await co_await io::yield(ctx);
    }
    co_return ok;
  }

 private:
  uint64_t incarnation() const { return origin_.options_.incarnation; }
  size_t index(std::vector<UnitId>::const_iterator at) const {
    return static_cast<size_t>(at - listed_.begin());
  }

  Task<> keep_part(const meta::Row& row, Context ctx) {
    auto named = co_await meta::schema::parse_part(row.key);
    ObjectKey key = co_await ObjectKey::parse(named.upload.key);
    std::string upload = meta::schema::upload(incarnation(), key, named.upload.id);
    bool there = co_await co_await upload_.ask(origin_.rows(key), std::move(upload), ctx);
    if (!there) {
      orphans_.push_back(row.key);
      co_return ok;
    }
    NativePart part = co_await parse_native_part(row.value);
    keep(origin_.units_of(key, part));
    co_return ok;
  }

  /// Once there are `least` of them.
  Task<> remove_orphans(size_t least, Context ctx) {
    while (orphans_.size() >= least) {
      meta::Txn txn;
      for (size_t i = 0; i < kOrphansAtOnce && !orphans_.empty(); ++i) {
        txn.remove(std::move(orphans_.back()));
        orphans_.pop_back();
      }
      meta::Store& store = origin_.options_.meta.shard(incarnation(), "");
      co_await co_await store.commit(std::move(txn.without_sync()), ctx);
    }
    co_return ok;
  }

  NativeOrigin& origin_;
  std::vector<UnitId> listed_;  ///< in order
  std::vector<bool> kept_;
  UploadThere upload_;
  std::vector<std::string> orphans_;
};

Task<> NativeOrigin::sweep(Context ctx) {
  (void)loose_.remove_due(ctx.loop->now());
  LooseUnits::Sweep under_way(loose_);
  auto listed = co_await co_await io::run_blocking(
      ctx, [this] { return Result<std::vector<UnitId>>(options_.units.of(options_.incarnation)); });
  NativeSweep sweep(*this, std::move(listed));
  auto before = loose_.all();
  co_await co_await sweep.keep_parts(ctx);
  co_await co_await sweep.keep_objects(ctx);
  auto after = loose_.all();
  if (!before || !after) co_return ok;  // what nobody names may be in doubt
  sweep.keep(*before);
  sweep.keep(*after);
  co_return co_await sweep.remove_rest(ctx);
}

}  // namespace forebay::object
