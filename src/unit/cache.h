// Cache: reads a unit wherever it is — on disk, in a fill that runs, or from the origin by a fill
// that this read begins. When nothing can be stored, it reads past the cache; a reader never sees
// that a disk is full or broken.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/allowance.h"
#include "disk/store.h"
#include "io/body.h"
#include "io/sync.h"
#include "job/crew.h"
#include "obs/metrics.h"
#include "unit/blocks.h"
#include "unit/fill.h"
#include "unit/tee.h"
#include "unit/turns.h"

namespace forebay::unit {

/// How a read was served, as X-Cache tells it.
enum class Served {
  hit,     ///< from disk
  joined,  ///< from a fill that ran already
  miss,    ///< by a fill this read began
  bypass,  ///< from the origin, nothing stored
};
std::string_view name(Served served);

/// What a read may do.
enum class Mode {
  normal,  ///< serve what is here, store what is not
  keep,    ///< serve what is here, store nothing (LOTA's Cache-Control: no-cache)
  past,    ///< neither look nor store (no-store)
};

/// The units behind the one that a read has come to, for one request that fetches several: told
/// one by one, up to the one that holds the byte before `end` (an offset in the object).
struct Ahead {
  uint64_t end = 0;
  std::function<Unit(uint64_t offset)> unit_at = nullptr;
  explicit operator bool() const { return unit_at != nullptr; }
};

struct Options {
  /// Streams from one origin at once for readers that wait, per loop.
  uint32_t demand_streams = 64;
  /// Streams that complete units nobody waits for, per origin and loop. When all are busy the rest
  /// of a unit is not fetched and what was fetched is dropped.
  uint32_t rest_streams = 4;
  /// Streams for what somebody wants here before it is read, per origin and loop.
  uint32_t ahead_streams = 8;
  /// Units up to this size are fetched whole, kept in memory while they are stored, and put into
  /// segments. The disk's own small_max.
  uint32_t small_max = 64 << 10;
  /// Tries of one stream before its fill fails; a later one goes on where the last one broke.
  uint32_t attempts = 3;
  /// Memory for bytes on their way from origins to disks, all loops together.
  uint64_t block_bytes = 64 << 20;
  /// Written bodies that are copied to files at once, per loop; each takes up to 2 MiB of memory.
  uint32_t tees = 64;
  /// Memory for those of small bodies, all loops together; each takes its length.
  uint64_t small_tee_bytes = 64 << 20;
  /// How long one write waits for the disk under its copy, in all, before the copy is dropped.
  Duration tee_patience = milliseconds(100);
};

/// Metrics of this room.
struct Metrics {
  explicit Metrics(obs::Registry& registry);
  std::array<obs::Counter*, 4> reads;  ///< by Served
  obs::Counter& fills;
  obs::Counter& fill_splits;  ///< shares of units that got a stream of their own
  obs::Counter& fills_failed;
  obs::Counter& fills_dropped;  ///< rests not fetched because all rest_streams were busy
  obs::Counter& no_space;       ///< reads past the cache because nothing could be stored
  obs::Gauge& fills_inflight;
};

/// What open() found. The source gives the wanted bytes; an error of it is final.
struct Opened {
  Served served = Served::miss;
  std::unique_ptr<io::Source> source;
  uint64_t run_end = 0;  ///< where the run that fetches it will end, in the object; 0: none does
};

class Pour;

/// All loops share one. Its crews must have stopped before it is destroyed.
class Cache {
 public:
  /// `loops`: every loop that will read.
  Cache(std::shared_ptr<disk::Store> store, job::Crews& crews, const std::vector<io::Loop*>& loops,
        Options options, obs::Registry& registry);
  ~Cache();

  /// The warm road: the bytes of `unit` from `range` (offsets in the object) if they can be sent
  /// at once. Counts a hit. Any thread, does not wait.
  std::optional<io::FileSlice> find(const Unit& unit, ByteRange range,
                                    Verify verify = Verify::start);

  /// Opens `range` (offsets in the object, inside the unit). Returns when the first byte is there:
  /// Code::conflict means that the origin has another version now. With `ahead` a unit that is
  /// missing is fetched whole, by one request with those behind it that are missing too.
  /// `given`: an answer of the origin whose body is this very range of this version; it is used if
  /// the origin would have to be asked for it, else dropped. Its body is of the caller's loop.
  Task<Opened> open(VersionRef version, Unit unit, ByteRange range, Mode mode, Context ctx,
                    Ahead ahead = {}, std::shared_ptr<origin::GetAnswer> given = nullptr);

  /// Begins to fetch `unit` if it is not here and nobody does, and what is missing ahead of it;
  /// nobody waits for it. Tells where what is here or begun ends, as far as this one unit and its
  /// run show it; nothing when all rest_streams are busy.
  std::optional<uint64_t> prefetch(const VersionRef& version, const Unit& unit, io::Loop& loop,
                                   Ahead ahead = {});

  // For what is wanted here before it is read (ahead.cpp): it is fetched by streams of its own, and
  // behind all readers that wait.
  /// Its place among the objects of that origin that are wanted so, in the order of asking. Held
  /// while its units are begun.
  Task<io::Semaphore::Permit> line_ahead(VersionRef version, Context ctx);
  /// The turn of one stream from that origin, when no reader waits for his.
  Task<io::Semaphore::Permit> turn_ahead(VersionRef version, Context ctx);
  /// A unit that was begun so, or that was under way already.
  struct Coming {
    uint64_t end = 0;            ///< in the object, of what comes by the same request
    std::shared_ptr<Fill> fill;  ///< null: the unit is here
  };
  /// Begins to fetch all that is missing of `unit`, with that turn, and what is missing ahead of
  /// it. Code::busy, "ENOSPC": there is no room, and none can be made.
  Result<Coming> begin_ahead(const VersionRef& version, const Unit& unit, Ahead ahead,
                             io::Semaphore::Permit turn, io::Loop& loop);
  /// Waits until that is over. The error it ended with; Code::busy, "ENOSPC": it was not stored.
  Task<> arrived(std::shared_ptr<Fill> fill, Context ctx);
  /// What is under way of the unit; null: nothing.
  std::shared_ptr<Fill> coming(const UnitId& id);
  /// Whether the unit is here. Counts as a use.
  bool touch(const Unit& unit);
  /// What clean units can be here at once, before the first of them is evicted for the last.
  disk::Room room() const { return store_->room(); }

  /// Begins a copy of a body that is written, to be cut in units of `unit_length` (the last may be
  /// shorter), as first to be evicted. Null when that cannot be done now.
  std::shared_ptr<Tee> tee(uint64_t length, uint64_t unit_length, disk::UnitOwner owner,
                           io::Loop& loop);
  /// Stores a small unit whose bytes a read has just fetched: the end of a fill, which readers may
  /// join until it is stored. False when it was here already.
  bool admit_filled(const VersionRef& version, const Unit& unit, Bytes bytes, Served served,
                    io::Loop& loop);
  /// The same for bytes that were fetched before anybody reads them; counts as nobody's read.
  bool admit(const VersionRef& version, const Unit& unit, Bytes bytes, io::Loop& loop);
  uint64_t small_max() const { return options_.small_max; }

  /// Drops the unit.
  void remove(const UnitId& id) { store_->remove(id); }
  bool contains(const UnitId& id) const { return store_->contains(id); }
  /// Whether it is here or on its way.
  bool has(const UnitId& id);

 private:
  /// What bounds the streams of one loop.
  struct PerLoop {
    explicit PerLoop(const Options& options)
        : turns(options.demand_streams, options.rest_streams, options.ahead_streams),
          tees(options.tees) {}
    Turns turns;
    io::Semaphore tees;
  };
  struct Stripe {
    std::mutex mutex;
    std::unordered_map<UnitId, std::shared_ptr<Fill>> fills;
  };
  struct Begun {
    std::shared_ptr<Fill> fill;  ///< null: the unit is on disk by now
    bool fresh = false;
    Claim* all = nullptr;  ///< its only claim, when it was begun whole
  };
  class Follower;
  class Watch;
  struct Run;
  struct Pulse;
  /// Whom an answer's bytes go to: a fill takes them as they come, a reader as he likes.
  enum class For { fill, reader };

  Stripe& stripe(const UnitId& id) { return stripes_[std::hash<UnitId>()(id) % stripes_.size()]; }
  PerLoop& per(io::Loop& loop) { return *loops_.at(&loop); }
  Turns::PerOrigin& turns(const Version& version, io::Loop& loop) {
    return per(loop).turns.of(version.origin);
  }
  Begun begin(const VersionRef& version, const Unit& unit, bool whole = false);
  void fail(Fill& fill, Error error, bool disk);
  /// Nobody waits for it. Who comes just then reads past the cache.
  void give_up(Fill& fill);
  void leave(Fill& fill);
  void small_stored(Fill& fill, const Result<>& stored);
  void demand(const std::shared_ptr<Fill>& fill, ByteRange in_unit, io::Loop& loop,
              std::shared_ptr<origin::GetAnswer> given = nullptr);
  /// Whether a fill of the unit would find no room, and none can be made; counts it.
  bool no_room(const Unit& unit);

  /// Begins to find the fill its place on disk, once: its origin has begun to
  /// give it.
  void place(const std::shared_ptr<Fill>& fill, io::Loop& loop);
  /// The same before that, which saves time, for few bytes in all: what has not come must not push
  /// out what is there.
  void place_early(const std::shared_ptr<Fill>& fill, io::Loop& loop);
  Task<> prepare(std::shared_ptr<Fill> fill, Context ctx);
  Task<> fill_small(std::shared_ptr<Fill> fill, Context ctx);
  Task<> store_small(std::shared_ptr<Fill> fill, Bytes bytes, Context ctx);
  Task<Bytes> fetch_small(std::shared_ptr<Fill> fill, Context ctx);
  Task<> stream(std::shared_ptr<Fill> fill, Claim* claim, std::shared_ptr<origin::GetAnswer> given,
                Context ctx);
  Task<> rest(std::shared_ptr<Fill> fill, io::Semaphore::Permit permit, Context ctx);
  Task<> rest_small(std::shared_ptr<Fill> fill, io::Semaphore::Permit permit, Context ctx);
  Task<> stream_claim(std::shared_ptr<Fill> fill, Claim* claim,
                      std::shared_ptr<origin::GetAnswer> given, Context ctx);
  Task<> fetch(std::shared_ptr<Fill> fill, Claim* claim, std::shared_ptr<origin::GetAnswer> given,
               Context ctx);
  Task<> pour(std::shared_ptr<Fill> fill, Claim* claim, io::Source& source, Pour& pour,
              Pulse* pulse, Context ctx);
  Task<> finish(std::shared_ptr<Fill> fill, Fill::Next next, Context ctx);
  // Shares (shares.cpp): several streams for one unit of a slow origin.
  void share_at_start(const std::shared_ptr<Fill>& fill, Claim& claim, io::Loop& loop);
  void look(const std::shared_ptr<Fill>& fill, Claim& claim, Pulse& pulse, io::Loop& loop);
  void share_out(const std::shared_ptr<Fill>& fill, Claim& claim, uint32_t shares, io::Loop& loop);
  Task<> share(std::shared_ptr<Fill> fill, Claim* claim, io::Semaphore::Permit permit, Context ctx);
  // Runs (runs.cpp): one request for many units.
  uint64_t start_run(const VersionRef& version, Begun first, Ahead ahead, io::Loop& loop,
                     std::optional<io::Semaphore::Permit> permit);
  void lead(Run& run, io::Loop& loop);
  void take(Run& run, Begun begun, io::Loop& loop);
  Task<> run(std::shared_ptr<Run> run, Context ctx);
  Task<> run_all(std::shared_ptr<Run> run, Context ctx);
  Task<> run_once(std::shared_ptr<Run> run, Context ctx);
  Task<> end_piece(std::shared_ptr<Run> run, std::shared_ptr<Fill> fill, Claim* claim,
                   std::shared_ptr<Pour> pour, io::Semaphore::Permit slot, Context ctx);

  Task<Opened> open_past(VersionRef version, ByteRange range, Context ctx);
  static Task<origin::GetAnswer> ask(VersionRef version, ByteRange range, For whom, Context ctx);
  static Task<origin::GetAnswer> ask_only(VersionRef version, ByteRange range, For whom,
                                          Context ctx);

  std::shared_ptr<disk::Store> store_;
  job::Crews& crews_;
  Options options_;
  Metrics metrics_;
  TeeMetrics tee_metrics_;
  BlockPool blocks_;
  std::shared_ptr<Allowance> copying_;  ///< what lies between files of origins and ours
  std::shared_ptr<Allowance> small_tees_;
  std::shared_ptr<Allowance> early_;
  std::array<Stripe, 64> stripes_;
  std::unordered_map<io::Loop*, std::unique_ptr<PerLoop>> loops_;
};

}  // namespace forebay::unit
