#include "disk/index/unit_map.h"

#include <algorithm>

#include "base/check.h"
#include "disk/format.h"

namespace forebay::disk {

UnitMap::~UnitMap() {
  for (Stripe& stripe : stripes_) {
    for (Order& order : stripe.order) order.clear();
  }
}

Unit UnitMap::unit_of(const Entry& entry) {
  Unit unit{.file = entry.file,
            .offset = entry.offset,
            .length = entry.length,
            .unverified = entry.unverified,
            .stamp = entry.stamp,
            .crcs = {},
            .owner = {entry.incarnation, entry.slot},
            .unit_class = entry.unit_class};
  if (entry.crcs == nullptr) {
    unit.crcs.push_back(entry.crc);
  } else {
    unit.crcs.assign(entry.crcs.get(), entry.crcs.get() + block_count(entry.length));
  }
  return unit;
}

void UnitMap::fill(Entry& entry, const UnitId& id, Unit unit) {
  check(unit.crcs.size() == block_count(unit.length), "a unit without its checksums");
  entry.file = std::move(unit.file);
  entry.offset = unit.offset;
  entry.length = unit.length;
  entry.unverified = unit.unverified;
  entry.stamp = unit.stamp;
  entry.id = &id;
  entry.incarnation = unit.owner.incarnation;
  entry.slot = unit.owner.slot;
  entry.unit_class = unit.unit_class;
  entry.crc = unit.crcs[0];
  entry.crcs.reset();
  if (unit.crcs.size() > 1) {
    entry.crcs = std::make_unique_for_overwrite<uint32_t[]>(unit.crcs.size());
    std::ranges::copy(unit.crcs, entry.crcs.get());
  }
}

void UnitMap::count(const Entry& entry, bool in) {
  PerDisk& disk = per_disk_[entry.file->disk()];
  bool segment = entry.file->is_segment();
  uint64_t bytes = segment ? record_bytes(entry.length) : entry.file->bytes();
  auto add = [&](std::atomic<uint64_t>& counter, uint64_t n) {
    counter.fetch_add(in ? n : -n, std::memory_order_relaxed);
  };
  if (entry.ordered()) add(count_, 1);
  add(disk.units, 1);
  add(disk.live, bytes);
  if (!segment) add(disk.files, 1);
  if (!entry.ordered()) add(disk.native_units, 1);
  if (!entry.ordered()) add(disk.native_live, bytes);
  if (segment) add(disk.live_in_segments, bytes);
  if (segment) add(entry.file->live, bytes);
  if (segment && !entry.ordered()) entry.file->native = true;
}

// The order is exact for few units and coarse for many: a unit moves to the front only when about
// a sixty-fourth of all have moved since it last did, so that hot units cost no list surgery.
void UnitMap::touch(Stripe& stripe, Entry& entry) {
  if (!entry.ordered()) return;
  uint64_t now = clock_.load(std::memory_order_relaxed);
  if (now - entry.stamp <= count_.load(std::memory_order_relaxed) / 64) return;
  entry.stamp = clock_.fetch_add(1, std::memory_order_relaxed) + 1;
  Order& order = stripe.order[entry.file->disk()];
  order.splice(order.begin(), order, order.iterator_to(entry));
}

UnitMap::State UnitMap::find(const UnitId& id, ByteRange range, Verify verify,
                             io::FileSlice* slice) {
  Stripe& at = stripe(id);
  std::lock_guard lock(at.mutex);
  auto found = at.units.find(id);
  if (found == at.units.end()) return State::absent;
  Entry& entry = found->second;
  if (out(entry) || !ByteRange{0, entry.length}.covers(range)) return State::absent;
  touch(at, entry);
  if (entry.unverified || verify == Verify::always) return State::asleep;
  slice->file = entry.file->file();
  if (slice->file == nullptr) return State::asleep;
  if (slice->file->is_unreadable(entry.offset, entry.length)) return State::asleep;
  slice->offset = entry.offset + range.offset;
  slice->length = range.length;
  slice->pin = entry.file;
  return State::ready;
}

bool UnitMap::contains(const UnitId& id) const {
  const Stripe& at = stripe(id);
  std::lock_guard lock(at.mutex);
  auto found = at.units.find(id);
  return found != at.units.end() && !out(found->second);
}

std::optional<Unit> UnitMap::get(const UnitId& id) const {
  const Stripe& at = stripe(id);
  std::lock_guard lock(at.mutex);
  auto found = at.units.find(id);
  if (found == at.units.end() || out(found->second)) return std::nullopt;
  return unit_of(found->second);
}

UnitMap::Entry* UnitMap::emplace(Stripe& at, const UnitId& id, Unit unit) {
  auto [place, added] = at.units.try_emplace(id);
  if (!added) {
    if (!out(place->second)) return nullptr;
    take_out(at, place);
    place = at.units.try_emplace(id).first;
  }
  fill(place->second, place->first, std::move(unit));
  count(place->second, true);
  return &place->second;
}

bool UnitMap::insert(const UnitId& id, Unit unit, Admission admission, const Queue& row) {
  Stripe& at = stripe(id);
  std::lock_guard lock(at.mutex);
  bool cold = admission == Admission::cold;
  unit.stamp = cold ? 0 : clock_.fetch_add(1, std::memory_order_relaxed) + 1;
  Entry* entry = emplace(at, id, std::move(unit));
  if (entry == nullptr) return false;
  if (entry->ordered()) {
    Order& order = at.order[entry->file->disk()];
    order.insert(cold ? order.end() : order.begin(), *entry);
  }
  row(unit_of(*entry));
  return true;
}

bool UnitMap::insert_found(const UnitId& id, Unit unit) {
  Stripe& at = stripe(id);
  std::lock_guard lock(at.mutex);
  uint64_t stamp = unit.stamp;
  Entry* entry = emplace(at, id, std::move(unit));
  if (entry == nullptr) return false;
  if (entry->ordered()) at.order[entry->file->disk()].push_back(*entry);
  uint64_t now = clock_.load(std::memory_order_relaxed);
  while (now < stamp && !clock_.compare_exchange_weak(now, stamp, std::memory_order_relaxed)) {
  }
  return true;
}

void UnitMap::sort() {
  for (Stripe& stripe : stripes_) {
    std::lock_guard lock(stripe.mutex);
    for (Order& order : stripe.order) {
      order.sort([](const Entry& a, const Entry& b) { return a.stamp > b.stamp; });
    }
  }
}

Unit UnitMap::take_out(Stripe& at, Table::iterator place) {
  Entry& entry = place->second;
  count(entry, false);
  if (entry.ordered()) {
    Order& order = at.order[entry.file->disk()];
    order.erase(order.iterator_to(entry));
  }
  Unit unit = unit_of(entry);
  at.units.erase(place);
  return unit;
}

std::optional<Unit> UnitMap::erase(const UnitId& id, UnitClass of, const Unit* where,
                                   const Queue& row) {
  Stripe& at = stripe(id);
  std::lock_guard lock(at.mutex);
  auto found = at.units.find(id);
  if (found == at.units.end() || found->second.unit_class != of) return std::nullopt;
  if (where != nullptr && !is_at(found->second, *where)) return std::nullopt;
  Unit unit = take_out(at, found);
  row(unit);
  return unit;
}

bool UnitMap::move(const UnitId& id, const Unit& from, const Unit& to, const Queue& row) {
  Stripe& at = stripe(id);
  std::lock_guard lock(at.mutex);
  auto found = at.units.find(id);
  if (found == at.units.end() || !is_at(found->second, from)) return false;
  Entry& entry = found->second;
  check(from.file->disk() == to.file->disk(), "a unit moves to another disk");
  count(entry, false);
  entry.file = to.file;
  entry.offset = to.offset;
  entry.unverified = to.unverified;
  count(entry, true);
  row(unit_of(entry));
  return true;
}

bool UnitMap::set_verified(const UnitId& id, const Unit& where, const Queue& row) {
  Stripe& at = stripe(id);
  std::lock_guard lock(at.mutex);
  auto found = at.units.find(id);
  if (found == at.units.end() || !is_at(found->second, where)) return false;
  if (!std::exchange(found->second.unverified, false)) return true;
  row(unit_of(found->second));
  return true;
}

std::optional<std::pair<UnitId, Unit>> UnitMap::erase_coldest(
    uint8_t disk, const std::function<void(const UnitId&, const Unit&)>& row) {
  while (true) {
    Stripe* coldest = nullptr;
    uint64_t stamp = UINT64_MAX;
    for (Stripe& stripe : stripes_) {
      std::lock_guard lock(stripe.mutex);
      Order& order = stripe.order[disk];
      if (order.empty() || order.back().stamp >= stamp) continue;
      stamp = order.back().stamp;
      coldest = &stripe;
    }
    if (coldest == nullptr) return std::nullopt;
    std::lock_guard lock(coldest->mutex);
    Order& order = coldest->order[disk];
    // It may have been read or dropped between the looks.
    if (order.empty() || order.back().stamp != stamp) continue;
    UnitId id = *order.back().id;
    Unit unit = take_out(*coldest, coldest->units.find(id));
    row(id, unit);
    return std::pair(id, std::move(unit));
  }
}

std::optional<uint8_t> UnitMap::coldest_disk() const {
  std::optional<uint8_t> disk;
  uint64_t stamp = UINT64_MAX;
  for (const Stripe& stripe : stripes_) {
    std::lock_guard lock(stripe.mutex);
    for (size_t i = 0; i < kMaxDisks; ++i) {
      if (stripe.order[i].empty() || stripe.order[i].back().stamp >= stamp) continue;
      stamp = stripe.order[i].back().stamp;
      disk = static_cast<uint8_t>(i);
    }
  }
  return disk;
}

void UnitMap::erase_where(const std::function<bool(const DataFile&, UnitClass)>& gone,
                          const std::function<void(const UnitId&, const Unit&)>& erased) {
  for (Stripe& stripe : stripes_) {
    std::lock_guard lock(stripe.mutex);
    for (auto at = stripe.units.begin(); at != stripe.units.end();) {
      auto next = std::next(at);
      if (gone(*at->second.file, at->second.unit_class)) {
        UnitId id = at->first;
        Unit unit = take_out(stripe, at);
        erased(id, unit);
      }
      at = next;
    }
  }
}

std::vector<UnitId> UnitMap::ids(size_t index) const {
  const Stripe& stripe = stripes_[index];
  std::lock_guard lock(stripe.mutex);
  std::vector<UnitId> out;
  out.reserve(stripe.units.size());
  for (auto& [id, entry] : stripe.units) out.push_back(id);
  return out;
}

std::vector<UnitId> UnitMap::native(uint64_t incarnation) const {
  std::vector<UnitId> out;
  for (const Stripe& stripe : stripes_) {
    std::lock_guard lock(stripe.mutex);
    for (auto& [id, entry] : stripe.units) {
      if (!entry.ordered() && entry.incarnation == incarnation && !this->out(entry)) {
        out.push_back(id);
      }
    }
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace forebay::disk
