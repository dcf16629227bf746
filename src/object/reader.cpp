#include "object/reader.h"

#include <algorithm>

namespace forebay::object {

Task<unit::Served> Reader::open(Context ctx) {
  unit::Opened opened = co_await co_await open_unit(ctx);
  source_ = std::move(opened.source);
  co_return opened.served;
}

Task<unit::Opened> Reader::open_unit(Context ctx) {
  unit::Unit unit = head_->unit_at(at_);
  unit_end_ = std::min(end_, unit.range.end());
  ByteRange wanted{at_, unit_end_ - at_};
  if (mode_ != unit::Mode::past) {
    if (auto slice = cache_.find(unit, wanted, head_->version->verify)) {
      co_return unit::Opened{unit::Served::hit, io::Body::of(std::move(*slice)).source};
    }
  }
  unit::Opened opened = co_await co_await cache_.open(head_->version, unit, wanted, mode_, ctx);
  bool ahead = mode_ == unit::Mode::normal && opened.served != unit::Served::bypass;
  if (ahead && unit_end_ < end_) {
    // Best effort: without room the reader begins it itself when it gets there.
    (void)cache_.prefetch(head_->version, head_->unit_at(unit_end_), *ctx.loop);
  }
  co_return opened;
}

Task<io::Chunk> Reader::next(Context ctx) {
  Result<io::Chunk> chunk = co_await next_chunk(ctx);
  bool gone =
      !chunk && (chunk.error().code() == Code::conflict || chunk.error().code() == Code::not_found);
  if (gone) heads_.disbelieve(*head_);
  co_return chunk;
}

Task<io::Chunk> Reader::next_chunk(Context ctx) {
  if (at_ == end_) co_return Bytes();
  if (source_ == nullptr) {
    unit::Opened opened = co_await co_await open_unit(ctx);
    source_ = std::move(opened.source);
  }
  io::Chunk chunk = co_await co_await source_->next(ctx);
  uint64_t length = size(chunk);
  if (length == 0 || length > unit_end_ - at_) {
    co_return fail(Code::corrupt, "a unit gave another length than it has");
  }
  at_ += length;
  // The chunk in hand may point into the source: it goes only at the next call.
  if (at_ == unit_end_) done_ = std::move(source_);
  co_return chunk;
}

}  // namespace forebay::object
