// Small units on their way into a segment. Puts that wait together share one write: the first one
// becomes their leader, lets the others of its turn join, and writes for all.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/context.h"
#include "base/task.h"
#include "disk/disk.h"
#include "disk/index/unit_map.h"
#include "io/sync.h"
#include "job/crew.h"

namespace forebay::disk {

/// One per disk for new clean units, one for native ones, and one for what the recycler moves: so
/// cold survivors do not mix with new ones, new ones cannot use up the room kept for the recycler,
/// and only who writes native ones waits for syncs. Any thread.
class Appender {
 public:
  /// `written` is called after each write, by its leader.
  Appender(const Options& options, Disk& disk, UnitMap& units, OpenFiles& open_files, bool recycler,
           std::function<void()> written)
      : options_(options),
        disk_(disk),
        units_(units),
        open_files_(open_files),
        recycler_(recycler),
        written_(std::move(written)) {}
  Appender(const Appender&) = delete;
  Appender& operator=(const Appender&) = delete;

  /// As Store::put_small().
  Task<> put(UnitId id, Bytes bytes, Terms terms, Context ctx);
  /// As Store::put_small_soon().
  void put_soon(UnitId id, Bytes bytes, Terms terms, job::Crew& crew, PutDone done);

  /// Units to copy; one that is no longer at `from` is left out.
  struct Move {
    UnitId id;
    Unit from;
    Bytes bytes;
  };
  Task<> move(std::vector<Move> moves, Context ctx);
  /// Seals the segment being filled, so that it can be recycled, if a quarter of what was written
  /// to it is dead or it is larger than a new one would be (the disk has become smaller).
  void let_go();
  /// Gives the segment up, whatever is in it; false: it is being written to, ask again.
  bool abandon();

 private:
  struct Put {
    Put(UnitId i, Bytes b, Terms t) : id(i), bytes(std::move(b)), terms(t) {}
    UnitId id;
    Bytes bytes;
    Terms terms;
    std::optional<Unit> from = std::nullopt;
    uint32_t crc = 0;
    bool done = false;
    std::optional<Error> error = std::nullopt;
    PutDone tell = nullptr;  ///< who waits, if not a coroutine
  };
  using Batch = std::vector<std::shared_ptr<Put>>;
  using Puts = std::span<const std::shared_ptr<Put>>;

  Result<> enqueue(Puts puts);
  Task<> lead_soon(Context ctx);
  void drop_soon(const Error& error);
  Task<> wait(std::shared_ptr<Put> put, Context ctx);
  void withdraw(const std::shared_ptr<Put>& put);
  Task<> lead(Context ctx);
  Task<> write_all(const Batch& batch, Context ctx);
  Task<> write_some(Puts puts, Context ctx);
  Task<> ensure_segment(uint64_t bytes, Context ctx);
  Result<> write_records(Puts puts, bool native);
  void publish(Puts puts, uint64_t offset);
  Task<> secure(Puts puts, Context ctx);
  void finish(Puts puts, const Error& error);
  void settle(Puts puts);
  void seal();

  const Options& options_;
  Disk& disk_;
  UnitMap& units_;
  OpenFiles& open_files_;
  const bool recycler_;
  const std::function<void()> written_;
  io::Progress progress_;  // batches done

  std::mutex mutex_;
  std::deque<std::shared_ptr<Put>> queue_;
  uint64_t queued_bytes_ = 0;
  bool leading_ = false;
  bool soon_ = false;  // lead_soon() runs

  // The leader's: leadership is handed over under mutex_.
  std::vector<std::byte> buffer_;  // kept, because new memory costs more than what is put in it
  Disk::NewFile segment_;
  uint64_t end_ = 0;            // where the next record goes
  uint64_t opening_ = 0;        // of the disk when the segment was made
  bool named_durably_ = false;  // the segment's name survives a power loss
};

}  // namespace forebay::disk
