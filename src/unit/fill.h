// Fill: the one fetch of a unit from its origin that all waiting readers share. Readers follow it
// as it grows; it goes on when they leave. Large units grow in a file on disk from which readers
// send; small ones are fetched whole into memory.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "disk/store.h"
#include "io/sync.h"
#include "origin/origin.h"
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
    Bytes bytes;                     ///< … they themselves (small units)
    std::optional<Error> failed;     ///< over; what is available stays so
    bool disk_failed = false;        ///< the origin is good: read past the cache
  };
  View look(uint64_t offset) const;
  io::Progress& progress() { return progress_; }

  // For the streams.
  std::vector<Claim*> demand(ByteRange range);
  void set_writer(std::shared_ptr<disk::Writer> writer);
  std::shared_ptr<disk::Writer> writer() const;
  void set_bytes(Bytes bytes);
  /// Where the claim stands.
  Claim state(const Claim& claim) const;
  void advance(Claim& claim, uint64_t bytes);
  /// What is due after a stream has ended.
  enum class Next { nothing, rest, commit };
  Next release(Claim& claim);
  /// False when it had failed before.
  bool fail(Error error, bool disk);
  /// True the first time: whoever gets it takes the fill out of the table.
  bool leave();
  bool left() const;
  bool failed() const;

 private:
  VersionRef version_;
  Unit unit_;
  mutable std::mutex mutex_;
  Claims claims_;
  std::shared_ptr<disk::Writer> writer_;
  Bytes bytes_;
  std::optional<Error> failed_;
  bool disk_failed_ = false;
  bool left_ = false;
  io::Progress progress_;
};

}  // namespace forebay::unit
