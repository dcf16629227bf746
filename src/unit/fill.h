// Fill: the one fetch of a unit from its origin that all waiting readers share. Readers follow it
// as it grows; it goes on when they leave. Large units grow in a file on disk from which readers
// send, and before that in memory; small ones are fetched whole into memory.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/allowance.h"
#include "disk/store.h"
#include "io/sync.h"
#include "origin/origin.h"
#include "unit/blocks.h"
#include "unit/claims.h"

namespace forebay::unit {

using disk::Verify;

/// One version of one object at its origin; everything needed to fetch any of its bytes.
struct Version {
  std::shared_ptr<origin::Origin> origin;
  ObjectKey key;
  Tag tag;  ///< strong
  ETag etag;
  std::string version_id;
  uint64_t size = 0;
  Verify verify = Verify::start;  ///< when stored bytes are checked
  disk::UnitOwner owner = {};     ///< of its units
  /// Its units are here or nowhere: nothing is fetched for them to be kept.
  bool native = false;
};
using VersionRef = std::shared_ptr<const Version>;

/// A unit of a version: its name and its place in the object.
struct Unit {
  UnitId id;
  ByteRange range;
};

/// Shared by its streams and readers; any thread.
class Fill {
 public:
  Fill(VersionRef version, Unit unit)
      : version_(std::move(version)), unit_(unit), claims_(unit.range.length) {}

  const VersionRef& version() const { return version_; }
  const Unit& unit() const { return unit_; }

  /// What a reader at `offset` (of the unit) finds.
  struct View {
    uint64_t available = 0;          ///< bytes from offset on
    std::shared_ptr<io::File> file;  ///< where they are, or …
    Bytes bytes;                     ///< … they themselves
    std::optional<Error> failed;     ///< over; what is available stays so
    bool disk_failed = false;        ///< the origin is good: read past the cache
  };
  View look(uint64_t offset) const;
  io::Progress& progress() { return progress_; }
  /// While one of these lives somebody waits for the fill. Any thread.
  class Wanted {
   public:
    explicit Wanted(std::shared_ptr<Fill> fill) : fill_(std::move(fill)) { ++fill_->wanted_; }
    Wanted(const Wanted&) = delete;
    Wanted& operator=(const Wanted&) = delete;
    ~Wanted() { --fill_->wanted_; }

   private:
    const std::shared_ptr<Fill> fill_;
  };
  bool wanted() const { return wanted_ > 0; }

  // For the streams.
  /// Where the run that fetches it will end, in the object; 0: none does. Any thread.
  uint64_t run_end() const { return run_end_.load(std::memory_order_relaxed); }
  void set_run_end(uint64_t end) { run_end_.store(end, std::memory_order_relaxed); }
  std::vector<Claim*> demand(ByteRange range);
  void set_writer(std::shared_ptr<disk::Writer> writer);
  std::shared_ptr<disk::Writer> writer() const;
  void set_bytes(Bytes bytes);
  /// Where the claim stands.
  Claim state(const Claim& claim) const;
  void advance(Claim& claim, uint64_t bytes);
  /// See Claims::widen(). What the claim is now.
  Claim widen(Claim& claim);
  /// What of the claim other streams might fetch: 0 where nobody waits for the fill, or one stream
  /// gets all of it.
  uint64_t splittable(const Claim& claim) const;
  /// How many claims there are. Any thread.
  uint32_t streams() const;
  /// See Claims::give_back().
  bool give_back(Claim& claim);
  /// See Claims::split().
  std::vector<Claim*> split(Claim& claim, uint64_t shares);
  /// From now on bytes from `begin` on, to the end of their block, gather in `block`.
  void hold(uint64_t begin, Block block);
  /// The stream of `claim` has added so many bytes to what is held from `held` on.
  void advance(Claim& claim, uint64_t bytes, uint64_t held);
  /// What is held from `begin` on is in the file too (or nothing was added); memory may go.
  void stored(uint64_t begin);
  /// What is due after a stream has ended.
  enum class Next { nothing, rest, commit };
  Next release(Claim& claim);
  /// False when it had failed before.
  bool fail(Error error, bool disk);
  /// True the first time: whoever gets it finds the fill its place on disk.
  bool begin_place() { return !placed_.exchange(true, std::memory_order_relaxed); }
  /// What it holds of the room for fills whose origin has not answered.
  void set_early(std::optional<Allowance::Share> share) {
    std::lock_guard lock(mutex_);
    early_.reset();
    if (share) early_.emplace(std::move(*share));
  }
  /// True the first time: whoever gets it takes the fill out of the table.
  bool leave();
  bool left() const;
  bool failed() const;

 private:
  /// Blocks kept although they are in the file: readers just behind send from memory.
  static constexpr size_t kKeep = 2;
  struct Held {
    Block block;
    uint64_t size = 0;
    bool stored = false;
  };
  View look_at_file(uint64_t offset) const;

  VersionRef version_;
  Unit unit_;
  mutable std::mutex mutex_;
  Claims claims_;
  std::shared_ptr<disk::Writer> writer_;
  std::map<uint64_t, Held> held_;  ///< by begin
  std::vector<uint64_t> stored_;   ///< of held_, oldest first; kKeep at most
  Bytes bytes_;
  std::optional<Error> failed_;
  bool disk_failed_ = false;
  bool left_ = false;
  std::atomic<uint64_t> run_end_ = 0;
  std::atomic<bool> placed_ = false;
  std::atomic<uint32_t> wanted_ = 0;
  std::optional<Allowance::Share> early_;
  io::Progress progress_;
};

}  // namespace forebay::unit
