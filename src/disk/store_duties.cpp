// What a Store does in the background. Nothing here is needed for right answers, only for space,
// durability and finding rot.
#include <algorithm>

#include "disk/disk.h"
#include "disk/index/unit_map.h"
#include "disk/segment/appender.h"
#include "disk/segment/recycler.h"
#include "disk/store.h"

namespace forebay::disk {

namespace {

constexpr Duration kPause = seconds(1);
constexpr Duration kForgive = seconds(60);

bool cancelled(const Context& ctx) { return ctx.cancel != nullptr && ctx.cancel->cancelled(); }

}  // namespace

// Eviction stops where recycling can do the rest: segments give their space back only whole.
bool Store::over(const Disk& disk) const {
  if (disk.space()->excess() > recyclers_[disk.number()]->promise()) return true;
  // Small units have no file of their own: to evict them alone would free none.
  return disk.space()->excess_files() > 0 && units_->files(disk.number()) > 0;
}

bool Store::evict_one(Disk& disk) {
  auto victim = units_->erase_coldest(disk.number(), [&](const UnitId& id, const Unit&) {
    disk.queue_remove(id, UnitClass::clean);
  });
  if (!victim) return false;
  Unit& unit = victim->second;
  disk.counters.evictions++;
  disk.counters.evicted_bytes += unit.length;
  if (!unit.file->is_segment()) disk.leave(std::move(unit.file));
  return true;
}

// By the one task that opens disks, now and again, since nobody else may ask where they are.
void Store::count_sharers() {
  for (auto& disk : disks_) {
    auto beside = [&](auto& other) { return other->file_system() == disk->file_system(); };
    if (disk->file_system() == 0) continue;
    disk->set_sharers(static_cast<uint32_t>(std::ranges::count_if(disks_, beside)));
  }
}

// Of a disk that is out.
void Store::forget_units(const Disk& disk) {
  units_->erase_where([&](const DataFile& file, UnitClass) { return file.disk() == disk.number(); },
                      [](const UnitId&, const Unit&) {});
}

// A disk that is gone is taken out, and opened again as soon as that can be done.
Task<> Store::look_after(Disk& disk, Context ctx) {
  io::Loop* loop = ctx.loop;
  if (!disk.lost()) {
    co_await co_await io::run_blocking(ctx, disk.lane(), [&]() -> Result<> {
      disk.look(*loop);
      return ok;
    });
  }
  if (!disk.lost()) co_return ok;
  Appender& appender = *appenders_[disk.number()];
  Appender& natives = *natives_[disk.number()];
  Recycler& recycler = *recyclers_[disk.number()];
  while (!appender.abandon() || !natives.abandon() || !recycler.abandon()) {
    co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(5), ctx);
  }
  forget_units(disk);
  co_await co_await disk.reopen(ctx);
  units_->sort();
  co_return ok;
}

// One pass over one disk.
Task<> Store::evict_of(Disk& disk, Context ctx) {
  constexpr unsigned kTurn = 64;
  Time& next_look = next_looks_[disk.number()];
  bool look = ctx.loop->now() >= next_look;
  if (look) next_look = ctx.loop->now() + kPause;
  if (look) count_sharers();
  if (look) static_cast<void>(co_await look_after(disk, ctx));  // its disk tells of errors
  bool healthy = disk.healthy();
  co_await co_await io::run_blocking(ctx, disk.lane(), [&]() -> Result<> {
    if (healthy) {
      disk.refresh_limit();
    } else if (units_->units(disk.number()) > 0) {
      forget_units(disk);
    }
    disk.sweep();
    return ok;
  });
  // A segment that is being filled can be emptied only when it is given up.
  if (disk.healthy() && over(disk)) {
    appenders_[disk.number()]->let_go();
    natives_[disk.number()]->let_go();
    recyclers_[disk.number()]->let_go();
  }
  for (unsigned evicted = 0; disk.healthy() && over(disk) && evict_one(disk);) {
    if (++evicted % kTurn != 0) continue;
    co_await co_await io::run_blocking(ctx, disk.lane(), [&]() -> Result<> {
      disk.sweep();
      if (disk.pending() > options_.max_pending_rows) return disk.commit();
      return ok;
    });
    if (cancelled(ctx)) break;
  }
  disk.space()->forget_wanted();
  while (units_->over(0)) {
    auto coldest = units_->coldest_disk();
    if (!coldest || !evict_one(*disks_[*coldest])) break;
  }
  co_return co_await io::run_blocking(ctx, disk.lane(), [&]() -> Result<> {
    disk.sweep();
    return ok;
  });
}

// Each disk by itself: one that hangs must not keep the others from making room.
Task<> Store::on_each(Duty duty, Context ctx) {
  io::Group group(ctx);
  for (auto& disk : disks_) group.spawn((this->*duty)(*disk, ctx));
  co_return co_await group.join();
}

Task<> Store::evict(Context ctx) { co_return co_await on_each(&Store::evict_of, ctx); }

Task<> Store::recycle_of(Disk& disk, Context ctx) {
  if (!disk.healthy()) co_return ok;
  co_return co_await recyclers_[disk.number()]->pass(ctx);
}

Task<> Store::recycle(Context ctx) { co_return co_await on_each(&Store::recycle_of, ctx); }

Task<> Store::commit_rows_of(Disk& disk, Context ctx) {
  co_return co_await io::run_blocking(ctx, disk.lane(), [&] { return disk.commit(); });
}

Task<> Store::commit_rows(Context ctx) { co_return co_await on_each(&Store::commit_rows_of, ctx); }

// Errors of a pass are counted by their disk; the next pass tries again.

Task<> Store::keep_evicting(Disk& disk, Context ctx) {
  Time forgiven = ctx.loop->now();
  while (!cancelled(ctx)) {
    uint64_t seen = pressure_.count();
    static_cast<void>(co_await evict_of(disk, ctx));
    if (ctx.loop->now() - forgiven > kForgive) {
      forgiven = ctx.loop->now();
      disk.forgive();
    }
    static_cast<void>(co_await pressure_.changed(seen, ctx.until(ctx.loop->now() + kPause)));
  }
  co_return ok;
}

Task<> Store::run_evictor(Context ctx) { co_return co_await on_each(&Store::keep_evicting, ctx); }

Task<> Store::keep_recycling(Disk& disk, Context ctx) {
  while (!cancelled(ctx)) {
    uint64_t seen = pressure_.count();
    static_cast<void>(co_await recycle_of(disk, ctx));
    static_cast<void>(co_await pressure_.changed(seen, ctx.until(ctx.loop->now() + kPause)));
  }
  co_return ok;
}

Task<> Store::run_recycler(Context ctx) { co_return co_await on_each(&Store::keep_recycling, ctx); }

Task<> Store::keep_committing(Disk& disk, Context ctx) {
  while (!cancelled(ctx)) {
    static_cast<void>(co_await io::sleep_until(ctx.loop->now() + options_.commit_interval, ctx));
    static_cast<void>(co_await commit_rows_of(disk, ctx));
  }
  co_return ok;
}

Task<> Store::run_committer(Context ctx) {
  co_return co_await on_each(&Store::keep_committing, ctx);
}

Task<> Store::run_scrubber(Context ctx) {
  if (options_.scrub_rate == 0) co_return ok;
  while (!cancelled(ctx)) {
    static_cast<void>(co_await scrub(options_.scrub_rate, ctx));
    static_cast<void>(co_await io::sleep_until(ctx.loop->now() + kForgive, ctx));
  }
  co_return ok;
}

Task<> Store::scrub(uint64_t rate, Context ctx) {
  for (size_t stripe = 0; stripe < UnitMap::kStripes; ++stripe) {
    for (const UnitId& id : units_->ids(stripe)) {
      if (cancelled(ctx)) co_return fail(Code::cancelled, "scrub");
      auto unit = units_->get(id);
      if (!unit) continue;  // gone since
      uint64_t length = unit->length;
      Time begun = ctx.loop->now();
      Result<std::shared_ptr<io::File>> file = co_await wake(id, *unit, ctx);
      if (!file) continue;
      ByteRange whole{0, length};
      static_cast<void>(co_await verify(id, std::move(*unit), std::move(*file), whole, ctx));
      if (rate == 0) continue;
      auto pause =
          static_cast<int64_t>(static_cast<double>(length) * 1e9 / static_cast<double>(rate));
      co_await co_await io::sleep_until(begun + nanoseconds(pause), ctx);
    }
  }
  co_return ok;
}

}  // namespace forebay::disk
