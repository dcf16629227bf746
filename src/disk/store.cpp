#include "disk/store.h"

#include <algorithm>

#include "disk/disk.h"
#include "disk/segment/appender.h"
#include "disk/segment/recycler.h"
#include "disk/verify.h"

namespace forebay::disk {

namespace {

// For so many bytes at least there must be room when a unit is begun.
uint64_t least_of(uint64_t length, const Terms& terms) {
  return terms.grows ? std::min<uint64_t>(length, 1) : length;
}

}  // namespace

Store::Store(Options options)
    : options_(std::move(options)),
      units_(std::make_unique<UnitMap>(options_.max_units)),
      open_files_(std::make_unique<OpenFiles>(std::max(options_.max_open_files, 1U))),
      next_looks_(options_.disks.size()) {
  for (size_t i = 0; i < options_.disks.size(); ++i) {
    disks_.push_back(std::make_unique<Disk>(options_, static_cast<uint8_t>(i), *units_));
    Disk& disk = *disks_.back();
    auto written = [this, &disk] {
      if (short_of_room(disk)) pressure_.notify();
      keep_map_bounded();
    };
    for (auto* appenders : {&appenders_, &natives_}) {
      appenders->push_back(
          std::make_unique<Appender>(options_, disk, *units_, *open_files_, false, written));
    }
    recyclers_.push_back(std::make_unique<Recycler>(options_, disk, *units_, *open_files_));
  }
}

Store::~Store() = default;

Task<std::shared_ptr<Store>> Store::open(Options options, Context ctx) {
  if (options.disks.empty() || options.disks.size() > UnitMap::kMaxDisks) {
    co_return fail(Code::invalid, "a store has 1 to 32 disks");
  }
  if (options.boot_id.empty()) co_return fail(Code::invalid, "a store needs the boot id");
  if (options.small_max > kMaxRecordData) {
    co_return fail(Code::invalid, "small_max is at most 1 MiB");
  }
  std::shared_ptr<Store> store(new Store(std::move(options)));
  io::Group group(ctx);
  for (auto& disk : store->disks_) group.spawn(disk->open(ctx));
  Result<> opened = co_await group.join();
  // A disk that is full now is opened later: reads go past it until then.
  bool any = std::ranges::any_of(store->disks_,
                                 [](auto& disk) { return disk->healthy() || disk->lost(); });
  if (!any) co_return opened.error_in("open the cache");
  // Each has measured the file system as if it were alone on it.
  store->count_sharers();
  for (auto& disk : store->disks_) {
    if (!disk->healthy() || disk->sharers() == 1) continue;
    co_await co_await io::run_blocking(ctx, disk->lane(), [&]() -> Result<> {
      disk->refresh_limit();
      return ok;
    });
  }
  store->units_->sort();
  co_return store;
}

Task<> Store::close(Context ctx) {
  Result<> result = ok;
  for (auto& disk : disks_) {
    Result<> closed = co_await io::run_blocking(ctx, disk->lane(), [&] { return disk->close(); });
    if (!closed && result) result = std::move(closed);
  }
  co_return result;
}

Found Store::find(const UnitId& id, ByteRange range, Verify verify) {
  Found found;
  switch (units_->find(id, range, verify, &found.slice)) {
    case UnitMap::State::absent: break;
    case UnitMap::State::ready: found.state = Found::State::ready; break;
    case UnitMap::State::asleep: found.state = Found::State::asleep; break;
  }
  return found;
}

bool Store::contains(const UnitId& id) const { return units_->contains(id); }

Disk& Store::disk_of(const Unit& unit) const { return *disks_[unit.file->disk()]; }

Disk* Store::choose(const UnitId& id) const {
  Disk* best = nullptr;
  double weight = -1;
  for (auto& disk : disks_) {
    if (!disk->healthy()) continue;
    double mine = disk->weight(id);
    if (mine > weight) {
      weight = mine;
      best = disk.get();
    }
  }
  return best;
}

Result<Reservation> Store::reserve(const UnitId& id, uint64_t bytes) {
  Disk* disk = choose(id);
  if (disk == nullptr) return fail(Code::unavailable, "no disk is healthy");
  bytes = disk_bytes(bytes);
  bool taken = disk->space()->take(bytes);
  if (short_of_room(*disk)) pressure_.notify();
  if (!taken) {
    disk->counters.refused++;
    return fail(Code::busy, "the cache is full", "ENOSPC");
  }
  return Reservation(disk->space(), bytes);
}

// What is wished for is not worth an eviction.
Result<> Store::take_more(Disk& disk, uint64_t wish, uint64_t least, DataFile& of) {
  if (!disk.healthy()) return fail(Code::unavailable, "the disk is out");
  uint64_t more = wish;
  bool taken = of.space().may_take(wish, false) && of.space().take_more(wish);
  if (!taken) taken = of.space().take_more(more = least);
  if (short_of_room(disk)) pressure_.notify();
  if (!taken) {
    disk.counters.refused++;
    return fail(Code::busy, "the cache is full", "ENOSPC");
  }
  of.add_bytes(more);
  return ok;
}

bool Store::may_take(const UnitId& id, uint64_t bytes) const {
  Disk* disk = choose(id);
  if (disk == nullptr) return false;
  uint8_t number = disk->number();
  bool evictable = units_->units(number) > units_->native_units(number);
  return disk->space()->may_take(disk_bytes(bytes), evictable);
}

bool Store::short_of_room(const Disk& disk) {
  return disk.space()->excess() > 0 || disk.space()->excess_files() > 0;
}

Result<Disk*> Store::disk_of(const Reservation& reservation, uint64_t least) const {
  auto mine = std::ranges::find_if(
      disks_, [&](auto& disk) { return disk->space() == reservation.space(); });
  if (least == 0 || mine == disks_.end() || disk_bytes(least) > reservation.bytes()) {
    return fail(Code::invalid, "a unit that does not fit its reservation");
  }
  if (!(*mine)->healthy()) return fail(Code::unavailable, "the disk is out");
  return mine->get();
}

Task<std::shared_ptr<Writer>> Store::create(UnitId id, uint64_t length, Reservation reservation,
                                            Terms terms, Context ctx) {
  Disk* disk = co_await disk_of(reservation, least_of(length, terms));
  if (contains(id)) co_return fail(Code::exists, "the unit is here already");
  co_return co_await make_writer(disk, id, length, std::move(reservation), terms, ctx);
}

Task<std::shared_ptr<Writer>> Store::create_nameless(uint64_t length, Reservation reservation,
                                                     Terms terms, Context ctx) {
  Disk* disk = co_await disk_of(reservation, least_of(length, terms));
  co_return co_await make_writer(disk, std::nullopt, length, std::move(reservation), terms, ctx);
}

Task<std::shared_ptr<Writer>> Store::make_writer(Disk* disk, std::optional<UnitId> id,
                                                 uint64_t length, Reservation reservation,
                                                 Terms terms, Context ctx) {
  uint64_t bytes = std::min(disk_bytes(length), reservation.bytes());
  uint64_t opening = disk->opening();
  while (true) {
    uint64_t number = ctx.loop->random();
    std::shared_ptr<io::File> direct;
    auto made =
        co_await io::run_blocking(ctx, disk->lane(), [&]() -> Result<std::shared_ptr<io::File>> {
          auto file = disk->directory()->open(new_path(number), io::OpenMode::create_new);
          if (!file) return file;
          Result<> allocated = (*file)->allocate(std::min(length, bytes));
          if (allocated && id && length >= options_.direct_min) {
            auto past = disk->directory()->open(new_path(number), io::OpenMode::direct);
            if (past) direct = std::move(*past);  // else through the page cache
          }
          if (allocated) return file;
          Result<> removed = disk->directory()->remove(new_path(number));
          if (!removed) disk->failed(true, removed.error());
          return std::move(allocated.error());
        });
    if (!made && made.error().code() == Code::exists) continue;  // the number is taken
    if (!made) {
      disk->failed(true, made.error());
      if (made.error().code() == Code::busy) {
        disk->counters.refused++;
        pressure_.notify();  // the account is wrong: measure again
      }
      co_return made.error_in("make the file of a unit");
    }
    auto data = std::make_shared<DataFile>(disk->space(), disk->number(), number, bytes,
                                           id.value_or(UnitId{}));
    disk->space()->give_back(reservation.bytes() - bytes);
    reservation.keep();
    co_return std::shared_ptr<Writer>(new Writer({.store = shared_from_this(),
                                                  .disk = *disk,
                                                  .id = id,
                                                  .length = length,
                                                  .terms = terms,
                                                  .opening = opening,
                                                  .data = std::move(data),
                                                  .file = std::move(*made),
                                                  .direct = std::move(direct)}));
  }
}

bool Store::publish(Disk& disk, const UnitId& id, Unit unit, Admission admission,
                    const std::shared_ptr<io::File>& file) {
  std::shared_ptr<DataFile> data = unit.file;
  bool added = false;
  data->cache(file, &added);
  auto row = [&](const Unit& now) { disk.queue_put(id, now); };
  if (!units_->insert(id, std::move(unit), admission, row)) return false;
  open_files_->add(data);
  keep_map_bounded();
  return true;
}

Result<Appender*> Store::appender_for(const UnitId& id, uint64_t bytes, const Terms& terms) const {
  if (bytes == 0 || bytes > options_.small_max) {
    return fail(Code::invalid, "not the size of a small unit");
  }
  Disk* disk = choose(id);
  if (disk == nullptr) return fail(Code::unavailable, "no disk is healthy");
  return (terms.native() ? natives_ : appenders_)[disk->number()].get();
}

Task<> Store::put_small(UnitId id, Bytes bytes, Terms terms, Context ctx) {
  Appender* appender = co_await appender_for(id, bytes.size(), terms);
  if (contains(id)) co_return fail(Code::exists, "the unit is here already");
  co_return co_await appender->put(id, std::move(bytes), terms, ctx);
}

void Store::put_small_soon(UnitId id, Bytes bytes, Terms terms, job::Crew& crew, PutDone done) {
  Result<Appender*> appender = appender_for(id, bytes.size(), terms);
  if (!appender) return done(std::move(appender.error()));
  (*appender)->put_soon(id, std::move(bytes), terms, crew, std::move(done));
}

// The evictor keeps the number of units at its bound; when it falls behind by a sixteenth, whoever
// adds one evicts one.
void Store::keep_map_bounded() {
  if (!units_->over(0)) return;
  pressure_.notify();
  while (units_->over(options_.max_units / 16)) {
    auto disk = units_->coldest_disk();
    if (!disk || !evict_one(*disks_[*disk])) return;
  }
}

bool Store::drop(const UnitId& id, const Unit* at, UnitClass of) {
  Disk* disk = nullptr;
  auto unit = units_->erase(id, of, at, [&](const Unit& gone) {
    disk = &disk_of(gone);
    disk->queue_remove(id, of);
  });
  if (!unit) return false;
  if (!unit->file->is_segment()) disk->leave(std::move(unit->file), of == UnitClass::native);
  return true;
}

void Store::remove(const UnitId& id) { drop(id, nullptr); }

void Store::remove_native(const UnitId& id) { drop(id, nullptr, UnitClass::native); }

std::vector<UnitId> Store::native_units(uint64_t incarnation) const {
  return units_->native(incarnation);
}

uint64_t Store::limit() const {
  uint64_t all = 0;
  for (auto& disk : disks_) all += disk->healthy() ? disk->space()->limit() : 0;
  return all;
}

Room Store::room() const {
  Room out{.bytes = UINT64_MAX, .least = UINT64_MAX};
  uint64_t all = limit(), natives = 0;
  for (auto& disk : disks_) {
    natives += units_->native_units(disk->number());
    uint64_t limit = disk->healthy() ? disk->space()->limit() : 0;
    if (limit == 0) continue;  // nothing is drawn to it
    uint64_t taken = disk->space()->usual_target() + units_->native_live(disk->number());
    uint64_t room = limit - std::min(limit, taken);
    double times = static_cast<double>(all) / static_cast<double>(limit);
    out.least = std::min(out.least, room);
    // When this disk is full, so much lies on all of them.
    out.bytes = std::min(out.bytes, static_cast<uint64_t>(static_cast<double>(room) * times));
    out.odds = std::max(out.odds, times - 1);
  }
  if (all == 0) return {};
  out.units = options_.max_units - std::min(options_.max_units, natives);
  return out;
}

Stats Store::stats() const {
  Stats out;
  for (auto& disk : disks_) out.disks.push_back(disk->stats());
  out.open_files = open_files_->size();
  return out;
}

}  // namespace forebay::disk
