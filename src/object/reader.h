// Reader: the bytes of one version of an object, unit after unit.
#pragma once

#include <memory>

#include "io/body.h"
#include "object/heads.h"
#include "unit/cache.h"

namespace forebay::object {

/// Reads `range` of the version in `head`. While one unit is fetched the next one is begun, so that
/// a cold sequential read does not wait at every unit.
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
  Task<unit::Served> open(Context ctx);
  Task<io::Chunk> next(Context ctx) override;

 private:
  Task<unit::Opened> open_unit(Context ctx);
  Task<io::Chunk> next_chunk(Context ctx);

  unit::Cache& cache_;
  Heads& heads_;
  HeadRef head_;
  uint64_t at_;
  uint64_t end_;
  unit::Mode mode_;
  uint64_t unit_end_ = 0;  ///< of what source_ gives
  std::unique_ptr<io::Source> source_;
  std::unique_ptr<io::Source> done_;  ///< owns the last chunk until the next call
};

}  // namespace forebay::object
