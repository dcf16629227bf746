// Reading what find() could not give at once: files without a descriptor, units to be verified.
#include <algorithm>

#include "disk/disk.h"
#include "disk/index/unit_map.h"
#include "disk/store.h"
#include "disk/verify.h"

namespace forebay::disk {

Task<io::FileSlice> Store::open(UnitId id, ByteRange range, Verify verify, Context ctx) {
  while (true) {
    uint64_t seen = verified_.count();
    Found found = find(id, range, verify);
    if (found.state == Found::State::ready) co_return std::move(found.slice);
    auto unit = units_->get(id);
    if (found.state == Found::State::absent || !unit) {
      co_return fail(Code::not_found, "the unit is not here");
    }
    std::shared_ptr<io::File> file = co_await co_await wake(id, *unit, ctx);
    if (unit->unverified) {
      bool mine = false;
      {
        std::lock_guard lock(mutex_);
        mine = verifying_.insert(id).second;
      }
      if (!mine) {  // somebody reads it already
        co_await co_await verified_.changed(seen, ctx);
        continue;
      }
      // While the file was opened somebody may have verified the unit, and be done.
      auto now = units_->get(id);
      bool still = now && now->unverified && now->file == unit->file;
      Result<> good = ok;
      if (still) good = co_await this->verify(id, *unit, file, {0, unit->length}, ctx);
      {
        std::lock_guard lock(mutex_);
        verifying_.erase(id);
      }
      verified_.notify();
      co_await std::move(good);
      if (!still) continue;
    } else if (verify == Verify::always) {
      co_await co_await this->verify(id, *unit, file, range, ctx);
    }
    co_return io::FileSlice{file, unit->offset + range.offset, range.length, unit->file};
  }
}

// The unit's file, from the cache of descriptors or opened now. A file that is missing, too short
// for the unit, or was found unreadable where the unit lies drops the unit.
Task<std::shared_ptr<io::File>> Store::wake(UnitId id, Unit unit, Context ctx) {
  Disk& disk = disk_of(unit);
  if (auto file = unit.file->file()) {
    if (!file->is_unreadable(unit.offset, unit.length)) co_return file;
    // Of what is nowhere else nothing is given up for one bad moment: it is opened anew.
    if (unit.native()) unit.file->uncache();
  }
  if (auto file = unit.file->file()) {
    disk.counters.verify_failures++;
    Error error = fail(Code::corrupt, "a unit could not be read when it was sent");
    // Once for each unit: others may have met the same place.
    if (drop(id, &unit)) disk.failed(false, error);
    co_return error;
  }
  auto opened =
      co_await io::run_blocking(ctx, disk.lane(), [&]() -> Result<std::shared_ptr<io::File>> {
        auto file = disk.directory()->open(unit.file->path(), io::OpenMode::read);
        if (!file) return file;
        auto stat = (*file)->stat();
        if (!stat) return std::move(stat.error());
        if (stat->size >= unit.offset + unit.length) return file;
        return fail(Code::not_found, "the file of a unit is too short", kChecksum);
      });
  if (!opened) {
    if (opened.error().detail() == kChecksum) {
      disk.counters.verify_failures++;
    } else {
      unreadable(disk, id, unit, opened.error());
    }
    if (opened.error().code() != Code::busy) drop(id, &unit);
    co_return opened.error_in("open the file of a unit");
  }
  bool added = false;
  std::shared_ptr<io::File> file = unit.file->cache(std::move(*opened), &added);
  if (added) open_files_->add(unit.file);
  co_return file;
}

// A disk goes out by many errors. A bad place of a unit that cannot be dropped is met at every read
// of it, and must not take along all that is well.
void Store::unreadable(Disk& disk, const UnitId& id, const Unit& unit, const Error& error) {
  if (unit.native()) {
    std::lock_guard lock(mutex_);
    if (unreadable_.contains(id)) return;
    if (unreadable_.size() < kMaxUnreadable) unreadable_.insert(id);
  }
  disk.failed(false, error);
}

// Compares the blocks of `range`; a unit that fails is dropped, and its row at once, so that it
// does not come back after a crash.
Task<> Store::verify(UnitId id, Unit unit, std::shared_ptr<io::File> file, ByteRange range,
                     Context ctx) {
  Disk& disk = disk_of(unit);
  uint64_t block = range.offset / kBlockBytes;
  uint64_t end = block_count(range.end());
  Result<> good = ok;
  for (; good && block < end; block += kVerifyBlocks) {
    good = co_await io::run_blocking(ctx, disk.lane(), [&] {
      return verify_blocks(*file, id, unit, block, std::min(kVerifyBlocks, end - block));
    });
  }
  if (good) {
    disk.counters.verified++;
    if (range == ByteRange{0, unit.length}) {
      units_->set_verified(id, unit, [&](const Unit& now) { disk.queue_put(id, now); });
    }
    co_return ok;
  }
  if (good.error().detail() == kChecksum) {
    disk.counters.verify_failures++;
  } else {
    unreadable(disk, id, unit, good.error());
  }
  drop(id, &unit);
  static_cast<void>(co_await io::run_blocking(ctx, disk.lane(), [&] { return disk.commit(); }));
  co_return good.error_in("verify a unit");
}

}  // namespace forebay::disk
