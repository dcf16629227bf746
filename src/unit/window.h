// Window: looks at one stretch after the other of a body that holds more than that. For an origin
// that sends all of an object whatever range is asked, and for one answer that fills many units.
#pragma once

#include <memory>

#include "base/range.h"
#include "io/body.h"
#include "origin/origin.h"

namespace forebay::unit {

/// Gives the bytes of a stretch of `inner`, which begins at `at`; what lies before a stretch is
/// read and dropped. One user at a time.
class Window final : public io::Source {
 public:
  Window(std::unique_ptr<io::Source> inner, uint64_t at) : inner_(std::move(inner)), at_(at) {}

  /// From now on gives `range`, which lies at or behind everything given so far.
  void move(ByteRange range);

  /// Waits for the first byte of the stretch, which holds one.
  Task<> ready(Context ctx);

  Task<io::Chunk> next(Context ctx) override;
  bool reads_into() const override;
  Task<size_t> read_into(ByteSpan into, Context ctx) override;

 private:
  /// Comes to the first wanted byte; dropped chunks may be any kind.
  Task<> skip(Context ctx);
  /// Takes the next chunk of `inner_` where none is left over.
  Task<> load(Context ctx);

  std::unique_ptr<io::Source> inner_;
  uint64_t at_;  ///< of the first byte not given or dropped
  ByteRange range_{};
  io::Chunk left_;  ///< taken from inner_ and not given
};

/// What `range` holds of an answer that holds it.
origin::GetAnswer only(origin::GetAnswer answer, ByteRange range);

}  // namespace forebay::unit
