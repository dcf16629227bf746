#include "unit/tee.h"

#include <algorithm>

#include "base/check.h"
#include "unit/room.h"

namespace forebay::unit {

namespace {

TeeEnd end_of(const Error& error) {
  switch (error.code()) {
    case Code::busy: return TeeEnd::no_room;
    case Code::exists: return TeeEnd::exists;
    case Code::cancelled: return TeeEnd::unwanted;
    default: return TeeEnd::failed;
  }
}

}  // namespace

std::string_view name(TeeEnd end) {
  switch (end) {
    case TeeEnd::kept: return "kept";
    case TeeEnd::unwanted: return "unwanted";
    case TeeEnd::behind: return "behind";
    case TeeEnd::no_room: return "no_room";
    case TeeEnd::failed: return "failed";
    case TeeEnd::exists: return "exists";
  }
  return "failed";
}

TeeMetrics::TeeMetrics(obs::Registry& registry) {
  for (size_t i = 0; i < kTeeEnds; ++i) {
    ends[i] = &registry.counter("forebay_tees_total",
                                "Copies of bodies that clients wrote, by what became of them.",
                                {{"result", std::string(name(static_cast<TeeEnd>(i)))}});
  }
}

Tee::~Tee() { drop(); }

// How many bytes the piece that is being filled still takes. A piece ends with its unit.
uint64_t Tee::room() const {
  uint64_t in_unit = begin_ % parts_.unit_length;
  uint64_t unit_end = std::min(begin_ - in_unit + parts_.unit_length, parts_.length);
  return std::min(begin_ + kWriteBytes, unit_end) - begin_ - filling_.size();
}

Task<> Tee::add(ByteView bytes, Context ctx) {
  if (bytes.size() > parts_.length - begin_ - filling_.size()) drop();  // not what was announced
  while (!over_ && !bytes.empty()) {
    if (room() == 0) {
      co_await co_await wait(&Tee::has_room, ctx);
      if (!has_room()) end(TeeEnd::behind);
      continue;
    }
    if (filling_.empty()) filling_.reserve(room());
    size_t part = std::min<uint64_t>(bytes.size(), room());
    filling_ += as_text(bytes.first(part));
    bytes = bytes.subspan(part);
    if (room() > 0 || writing_ || parts_.small) continue;
    writing_ = true;
    parts_.crew.spawn(write(shared_from_this(), take(), parts_.crew.context()));
  }
  co_return ok;
}

Tee::Piece Tee::take() {
  Piece piece{begin_, std::move(filling_)};
  begin_ += piece.bytes.size();
  filling_ = std::move(spare_);
  filling_.clear();
  return piece;
}

// Patience is for the whole body, so that a disk that is always a little slower than the client
// does not set the pace.
Task<> Tee::wait(bool (Tee::*done)() const, Context ctx) {
  Time begun = ctx.loop->now();
  while (!(this->*done)()) {
    if (!co_await progress_.changed(progress_.count(), ctx.until(begun + patience_))) break;
  }
  patience_ = std::max(Duration{}, patience_ - (ctx.loop->now() - begun));
  co_return ok;
}

void Tee::end(TeeEnd how) {
  if (std::exchange(over_, true)) return;
  parts_.metrics.count(how);
  writers_.clear();
  std::string().swap(filling_);
  std::string().swap(spare_);
  parts_.memory = {};
  if (!writing_) parts_.permit = {};
  progress_.notify();
}

// Writes piece after piece while there is a full one.
Task<> Tee::write([[maybe_unused]] std::shared_ptr<Tee> self, Piece piece, Context ctx) {
  while (true) {
    Result<> stored = co_await store(piece.at, as_bytes(piece.bytes), ctx);
    if (!stored) end(end_of(stored.error()));
    if (over_) break;
    spare_ = std::move(piece.bytes);
    if (room() > 0 || filling_.empty()) break;
    piece = take();
    progress_.notify();
  }
  writing_ = false;
  if (over_) parts_.permit = {};
  progress_.notify();
  co_return ok;
}

Task<> Tee::store(uint64_t at, ByteView bytes, Context ctx) {
  if (at % parts_.unit_length == 0) {
    UnitId nobody;  // chooses a disk
    ctx.loop->random_bytes(std::as_writable_bytes(std::span(nobody.bytes)));
    uint64_t length = std::min(parts_.unit_length, parts_.length - at);
    auto space = co_await co_await reserve_soon(parts_.store, nobody, bytes.size(), ctx);
    auto made =
        co_await co_await parts_.store->create_nameless(length, std::move(space), terms(), ctx);
    if (over_) co_return ok;
    writers_.push_back(std::move(made));
  }
  std::shared_ptr<disk::Writer> writer = writers_.back();
  co_await co_await grow_soon(writer, at % parts_.unit_length + bytes.size(), ctx);
  co_return co_await writer->write(at % parts_.unit_length, bytes, ctx);
}

Task<> Tee::keep(std::vector<UnitId> units, Context ctx) {
  if (begin_ + filling_.size() != parts_.length) drop();
  if (over_) co_return ok;
  parts_.crew.spawn(commit(shared_from_this(), std::move(units), parts_.crew.context()));
  if (parts_.small) co_return ok;
  co_return co_await wait(&Tee::over, ctx);
}

Task<> Tee::commit([[maybe_unused]] std::shared_ptr<Tee> self, std::vector<UnitId> units,
                   Context ctx) {
  Result<> done = ok;
  if (parts_.small) {
    done = co_await parts_.store->put_small(units.at(0), Bytes(std::move(filling_)), terms(), ctx);
  } else {
    done = co_await commit_files(std::move(units), ctx);
  }
  end(done ? TeeEnd::kept : end_of(done.error()));
  co_return ok;
}

// Each unit is whole by itself: one that cannot be named does not harm the others.
Task<> Tee::commit_files(std::vector<UnitId> units, Context ctx) {
  while (writing_ && !over_) co_await co_await progress_.changed(progress_.count(), ctx);
  if (over_) co_return ok;  // counted already
  std::vector<std::shared_ptr<disk::Writer>> writers = std::move(writers_);
  check(writers.size() == units.size(), "a written body has as many files as units");
  Result<> result = ok;
  for (size_t i = 0; i < units.size(); ++i) {
    Result<> named = co_await writers[i]->commit_as(units[i], ctx);
    if (!named && result) result = std::move(named);
  }
  co_return result;
}

}  // namespace forebay::unit
