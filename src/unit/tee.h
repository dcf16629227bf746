// Tee: a copy of a body that is made while the body streams to its origin. Its bytes go into files
// that have no name yet; when the origin has told the version's tag, they become units of it.
// Whatever goes wrong costs the copy, never the client: it is fetched when it is read.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/allowance.h"
#include "disk/store.h"
#include "io/sync.h"
#include "job/crew.h"
#include "obs/metrics.h"

namespace forebay::unit {

/// What became of a copy.
enum class TeeEnd {
  kept,      ///< it can be read
  unwanted,  ///< the write failed, or its version has no strong tag
  behind,    ///< the disk was slower than the client
  no_room,   ///< no space, or too many or too large a body at once
  failed,    ///< the disk failed
  exists,    ///< the unit was here, or somebody fetched it, when the name was known
};
inline constexpr size_t kTeeEnds = 6;
std::string_view name(TeeEnd end);

struct TeeMetrics {
  explicit TeeMetrics(obs::Registry& registry);
  void count(TeeEnd end) const { ends[static_cast<size_t>(end)]->add(); }
  std::array<obs::Counter*, kTeeEnds> ends;
};

/// Made by Cache::tee(), which it must not outlive. All members on one loop. In memory are at most
/// one piece of kWriteBytes that is being written and one that is filled meanwhile; room on disk is
/// taken as the bytes come. Without keep()
/// nothing is left of it when the last holder lets go.
class Tee : public std::enable_shared_from_this<Tee> {
 public:
  /// One write to the disk: a block, whose checksum is then taken in one go.
  static constexpr uint64_t kWriteBytes = 1 << 20;
  /// Most units of one body: each holds a descriptor until the body has ended.
  static constexpr uint64_t kMostUnits = 64;

  struct Parts {
    std::shared_ptr<disk::Store> store;
    job::Crew& crew;
    const TeeMetrics& metrics;
    uint64_t length;       ///< of the body; at least 1
    uint64_t unit_length;  ///< of every unit but the last
    disk::UnitOwner owner;
    bool small;         ///< one unit that is kept in memory until it is named
    Duration patience;  ///< how long all calls together may wait for the disk
    io::Semaphore::Permit permit;
    Allowance::Share memory;  ///< of a small one, `length`
  };
  explicit Tee(Parts parts) : parts_(std::move(parts)), patience_(parts_.patience) {}
  Tee(const Tee&) = delete;
  Tee& operator=(const Tee&) = delete;
  ~Tee();

  /// Copies the body's next bytes, which need to live only until it returns. Waits for a disk that
  /// is behind while there is patience. Fails never: the copy may be over instead.
  Task<> add(ByteView bytes, Context ctx);
  /// The body is at the origin and these are its units, in order. Returns when they can be found,
  /// or when patience is over: then they follow. (A small one follows in any case.)
  Task<> keep(std::vector<UnitId> units, Context ctx);
  /// Ends the copy.
  void drop() { end(TeeEnd::unwanted); }
  /// Whether nothing is to come any more: dropped, or kept.
  bool over() const { return over_; }

 private:
  /// Bytes on their way to the disk.
  struct Piece {
    uint64_t at = 0;  ///< in the body
    std::string bytes;
  };
  uint64_t room() const;
  /// Who has just written need not be who reads.
  disk::Terms terms() const {
    disk::Terms terms(disk::Admission::cold, parts_.owner);
    terms.grows = !parts_.small;
    return terms;
  }
  bool has_room() const { return over_ || room() > 0; }
  Piece take();
  void end(TeeEnd how);
  Task<> wait(bool (Tee::*done)() const, Context ctx);
  Task<> write(std::shared_ptr<Tee> self, Piece piece, Context ctx);
  Task<> store(uint64_t at, ByteView bytes, Context ctx);
  Task<> commit(std::shared_ptr<Tee> self, std::vector<UnitId> units, Context ctx);
  Task<> commit_files(std::vector<UnitId> units, Context ctx);

  Parts parts_;
  Duration patience_;   // what is left
  uint64_t begin_ = 0;  // where in the body filling_ begins
  std::string filling_;
  std::string spare_;     // for its memory
  bool writing_ = false;  // write() runs
  bool over_ = false;
  std::vector<std::shared_ptr<disk::Writer>> writers_;  // one per unit begun
  io::Progress progress_;
};

}  // namespace forebay::unit
