// The map of all units on this node's disks, and the order in which they were used. It is the
// whole index: rows on the disk are read only at open. Striped under short mutexes; find() is on
// the straight road of every read.
#pragma once

#include <array>
#include <atomic>
#include <boost/intrusive/list.hpp>
#include <boost/unordered/unordered_map.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/names.h"
#include "base/range.h"
#include "disk/file/data_file.h"
#include "disk/format.h"
#include "disk/options.h"

namespace forebay::disk {

/// Where a unit is and what its bytes should be.
struct Unit {
  std::shared_ptr<DataFile> file;
  uint32_t offset = 0;  ///< of its first byte in the file
  uint64_t length = 0;
  bool unverified = false;  ///< must be compared with `crcs` before it is served
  uint64_t stamp = 0;
  BlockCrcs crcs;
  UnitOwner owner = {};
  UnitClass unit_class = UnitClass::clean;
  bool native() const { return unit_class == UnitClass::native; }
};

/// Any thread. At most kMaxDisks disks.
class UnitMap {
 public:
  static constexpr size_t kMaxDisks = 32;

  explicit UnitMap(uint64_t max_units) : max_units_(max_units) {}
  UnitMap(const UnitMap&) = delete;
  UnitMap& operator=(const UnitMap&) = delete;
  ~UnitMap();

  /// As Store::find(), which has the promises.
  enum class State { absent, ready, asleep };
  State find(const UnitId& id, ByteRange range, Verify verify, io::FileSlice* slice);
  bool contains(const UnitId& id) const;
  /// All of it; does not count as a use.
  std::optional<Unit> get(const UnitId& id) const;

  /// False when it is there already. Stamps the unit. `row` is called with the stamp while the
  /// unit cannot change, so that rows are queued in the order of the map's changes.
  using Queue = std::function<void(const Unit& unit)>;
  bool insert(const UnitId& id, Unit unit, Admission admission, const Queue& row);
  /// At open: keeps the stamp; call sort() after the last one.
  bool insert_found(const UnitId& id, Unit unit);
  void sort();

  /// Takes the unit out if it is of that class, and `at` (or wherever it is when null). `row` as
  /// above.
  std::optional<Unit> erase(const UnitId& id, UnitClass of, const Unit* at, const Queue& row);
  /// Lets the unit point to `to` if it still is at `from`; its place in the order stays.
  bool move(const UnitId& id, const Unit& from, const Unit& to, const Queue& row);
  /// Clears `unverified` if it still is at `at`.
  bool set_verified(const UnitId& id, const Unit& at, const Queue& row);
  /// Takes out the clean unit of a disk that was not used for longest.
  std::optional<std::pair<UnitId, Unit>> erase_coldest(
      uint8_t disk, const std::function<void(const UnitId&, const Unit&)>& row);
  /// The disk of the clean unit that was not used for longest; nullopt when there is none.
  std::optional<uint8_t> coldest_disk() const;

  /// Takes out all units of which `gone` is true; slow. `erased` is called for each, under a lock.
  void erase_where(const std::function<bool(const DataFile&, UnitClass)>& gone,
                   const std::function<void(const UnitId&, const Unit&)>& erased);
  /// Ids in one stripe, for walking through all.
  static constexpr size_t kStripes = 64;
  std::vector<UnitId> ids(size_t stripe) const;
  /// All native units of one bucket, in order of id; slow.
  std::vector<UnitId> native(uint64_t incarnation) const;

  /// From now on no unit of this disk is found.
  void set_out(uint8_t disk) { out_[disk].store(true, std::memory_order_relaxed); }
  void set_in(uint8_t disk) { out_[disk].store(false, std::memory_order_relaxed); }
  bool at_bound() const { return count_.load(std::memory_order_relaxed) >= max_units_; }
  /// Whether there are more units than the bound and `slack`.
  bool over(uint64_t slack) const {
    return count_.load(std::memory_order_relaxed) > max_units_ + slack;
  }
  uint64_t units(uint8_t disk) const { return per_disk_[disk].units.load(); }
  /// Bytes of units that can be found; of those in segments.
  uint64_t live(uint8_t disk) const { return per_disk_[disk].live.load(); }
  uint64_t live_in_segments(uint8_t disk) const { return per_disk_[disk].live_in_segments.load(); }
  /// Bytes and number of those that nothing evicts.
  uint64_t native_live(uint8_t disk) const { return per_disk_[disk].native_live.load(); }
  uint64_t native_units(uint8_t disk) const { return per_disk_[disk].native_units.load(); }
  /// Units in files of their own.
  uint64_t files(uint8_t disk) const { return per_disk_[disk].files.load(); }

 private:
  // With the key, the table's link and bucket and malloc's word: about 136 bytes.
  struct Entry : boost::intrusive::list_base_hook<> {
    std::shared_ptr<DataFile> file;
    std::unique_ptr<uint32_t[]> crcs;  // when more than one block
    uint64_t length = 0;
    uint64_t stamp = 0;
    uint32_t offset = 0;
    uint32_t crc = 0;  // when one block
    const UnitId* id = nullptr;
    uint64_t incarnation = 0;
    uint32_t slot = 0;
    bool unverified = false;
    UnitClass unit_class = UnitClass::clean;
    /// Only those that may be evicted stand in an order.
    bool ordered() const { return unit_class == UnitClass::clean; }
  };
  using Order = boost::intrusive::list<Entry, boost::intrusive::constant_time_size<false>>;
  // Entries stay where they are, as std's table would keep them, in half the time per look-up.
  using Table = boost::unordered_map<UnitId, Entry, std::hash<UnitId>>;
  struct alignas(64) Stripe {
    mutable std::mutex mutex;
    Table units;
    std::array<Order, kMaxDisks> order;  // per disk, hottest first
  };
  struct PerDisk {
    std::atomic<uint64_t> units = 0, live = 0, live_in_segments = 0, files = 0, native_live = 0,
                          native_units = 0;
  };

  Stripe& stripe(const UnitId& id) { return stripes_[id.bytes[15] % kStripes]; }
  const Stripe& stripe(const UnitId& id) const { return stripes_[id.bytes[15] % kStripes]; }
  bool out(const Entry& entry) const {
    return out_[entry.file->disk()].load(std::memory_order_relaxed);
  }
  static Unit unit_of(const Entry& entry);
  static bool is_at(const Entry& entry, const Unit& at) {
    return entry.file == at.file && entry.offset == at.offset;
  }
  static void fill(Entry& entry, const UnitId& id, Unit unit);
  void count(const Entry& entry, bool in);
  void touch(Stripe& stripe, Entry& entry);
  Entry* emplace(Stripe& stripe, const UnitId& id, Unit unit);
  Unit take_out(Stripe& stripe, Table::iterator at);

  const uint64_t max_units_;
  std::array<Stripe, kStripes> stripes_;
  std::array<PerDisk, kMaxDisks> per_disk_;
  std::array<std::atomic<bool>, kMaxDisks> out_{};
  std::atomic<uint64_t> count_ = 0;  ///< those that may be evicted
  std::atomic<uint64_t> clock_ = 0;
};

}  // namespace forebay::disk
