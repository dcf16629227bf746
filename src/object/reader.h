// Reader: the bytes of one version of an object, unit after unit.
#pragma once

#include <memory>

#include "io/body.h"
#include "object/heads.h"
#include "unit/cache.h"

namespace forebay::object {

/// Most bytes that one read has fetched ahead of what it has come to, in one request.
inline constexpr uint64_t kMostAhead = 64 << 20;

/// The units of `head` up to the one that holds the byte before `end`, for a cache that fetches
/// several at once.
unit::Ahead ahead_of(const HeadRef& head, uint64_t end);

/// Reads `range` of the version in `head`. While one unit is fetched the next one is begun, so that
/// a cold sequential read does not wait at every unit. Adaptive units are fetched in runs: what is
/// asked for, or as much as is there already in one piece before it, whichever is more.
class Reader final : public io::Source {
 public:
  Reader(unit::Cache& cache, Heads& heads, HeadRef head, ByteRange range, unit::Mode mode)
      : cache_(cache),
        heads_(heads),
        head_(std::move(head)),
        at_(range.offset),
        end_(range.end()),
        mode_(mode) {}

  /// Opens the first unit; Code::conflict when the version is not the current one any more.
  /// `given`: as of Cache::open().
  Task<unit::Served> open(std::shared_ptr<origin::GetAnswer> given, Context ctx);
  Task<io::Chunk> next(Context ctx) override;

 private:
  Task<unit::Opened> open_unit(std::shared_ptr<origin::GetAnswer> given, Context ctx);
  Task<unit::Opened> open_adaptive(unit::Unit unit, ByteRange wanted, Context ctx);
  /// Where a run that begins with `unit` is to end.
  uint64_t earned(const unit::Unit& unit) const;
  /// What is not here, from at_ on.
  ByteRange missing() const;
  /// Begins the next run of a long read before it has come to the end of this one.
  void run_ahead(io::Loop& loop);
  Task<io::Chunk> next_chunk(Context ctx);

  unit::Cache& cache_;
  Heads& heads_;
  HeadRef head_;
  uint64_t at_;
  uint64_t end_;
  unit::Mode mode_;
  uint64_t unit_end_ = 0;  ///< of what source_ gives
  uint64_t run_end_ = 0;   ///< of the last run this read began or joined; 0: none
  bool no_room_ = false;   ///< nothing can be stored: what is missing is read past the cache
  std::unique_ptr<io::Source> source_;
  std::unique_ptr<io::Source> done_;  ///< owns the last chunk until the next call
};

}  // namespace forebay::object
