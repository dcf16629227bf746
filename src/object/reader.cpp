#include "object/reader.h"

#include <algorithm>

namespace forebay::object {

unit::Ahead ahead_of(const HeadRef& head, uint64_t end) {
  return {std::min(end, head->info.size), [head](uint64_t at) { return head->unit_at(at); }};
}

Task<unit::Served> Reader::open(std::shared_ptr<origin::GetAnswer> given, Context ctx) {
  unit::Opened opened = co_await co_await open_unit(std::move(given), ctx);
  source_ = std::move(opened.source);
  co_return opened.served;
}

Task<unit::Opened> Reader::open_unit(std::shared_ptr<origin::GetAnswer> given, Context ctx) {
  unit::Unit unit = head_->unit_at(at_);
  unit_end_ = std::min(end_, unit.range.end());
  ByteRange wanted{at_, unit_end_ - at_};
  if (mode_ != unit::Mode::past) {
    if (auto slice = cache_.find(unit, wanted, head_->version->verify)) {
      if (run_end_ != 0) run_ahead(*ctx.loop);
      co_return unit::Opened{unit::Served::hit, io::Body::of(std::move(*slice)).source};
    }
  }
  if (head_->adaptive) co_return co_await open_adaptive(unit, wanted, ctx);
  unit::Opened opened =
      co_await co_await cache_.open(head_->version, unit, wanted, mode_, ctx, {}, std::move(given));
  bool ahead = mode_ == unit::Mode::normal && opened.served != unit::Served::bypass;
  if (ahead && unit_end_ < end_) {
    // Best effort: without room the reader begins it itself when it gets there.
    (void)cache_.prefetch(head_->version, head_->unit_at(unit_end_), *ctx.loop);
  }
  co_return opened;
}

Task<unit::Opened> Reader::open_adaptive(unit::Unit unit, ByteRange wanted, Context ctx) {
  if (mode_ != unit::Mode::normal || no_room_) {
    // A request for each unit would be many where one does.
    if (ByteRange all = missing(); all.length > 0) {
      no_room_ = false;  // perhaps there is by then
      unit_end_ = all.end();
      co_return co_await cache_.open(head_->version, {unit.id, all}, all, unit::Mode::past, ctx);
    }
    co_return co_await cache_.open(head_->version, unit, wanted, mode_, ctx);
  }
  uint64_t end = earned(unit);
  unit::Opened opened =
      co_await co_await cache_.open(head_->version, unit, wanted, mode_, ctx, ahead_of(head_, end));
  if (opened.run_end != 0) run_end_ = opened.run_end;
  no_room_ = opened.served == unit::Served::bypass;
  if (!no_room_ && run_end_ != 0) run_ahead(*ctx.loop);
  co_return opened;
}

uint64_t Reader::earned(const unit::Unit& unit) const {
  uint64_t begin = unit.range.offset;
  uint64_t before = begin;
  while (before > 0 && begin - before < kMostAhead) {
    unit::Unit last = head_->unit_at(before - 1);
    if (!cache_.has(last.id)) break;
    before = last.range.offset;
  }
  uint64_t end = std::max({unit.range.end(), end_, begin + (begin - before)});
  return std::min(end, begin + kMostAhead);
}

ByteRange Reader::missing() const {
  bool look = mode_ != unit::Mode::past;
  uint64_t end = at_;
  while (end < end_ && end - at_ < kMostAhead) {
    unit::Unit unit = head_->unit_at(end);
    if (look && cache_.contains(unit.id)) break;
    end = std::min(end_, unit.range.end());
  }
  return {at_, end - at_};
}

void Reader::run_ahead(io::Loop& loop) {
  if (run_end_ >= end_ || run_end_ - at_ > kMostAhead / 2) return;
  uint64_t end = std::min(end_, run_end_ + kMostAhead);
  // Best effort, as above.
  auto begun =
      cache_.prefetch(head_->version, head_->unit_at(run_end_), loop, ahead_of(head_, end));
  if (begun) run_end_ = *begun;
}

Task<io::Chunk> Reader::next(Context ctx) {
  Result<io::Chunk> chunk = co_await next_chunk(ctx);
  bool gone =
      !chunk && (chunk.error().code() == Code::conflict || chunk.error().code() == Code::not_found);
  if (gone) (void)co_await heads_.disbelieve(head_, ctx);
  co_return chunk;
}

Task<io::Chunk> Reader::next_chunk(Context ctx) {
  if (at_ == end_) co_return Bytes();
  if (source_ == nullptr) {
    unit::Opened opened = co_await co_await open_unit(nullptr, ctx);
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
