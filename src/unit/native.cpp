#include "unit/native.h"

#include <algorithm>
#include <cstring>

#include "io/loop.h"
#include "io/sync.h"

namespace forebay::unit {

namespace {

// The evictor frees room in files of many MiB; asking more often finds nothing new.
constexpr Duration kAskAgain = milliseconds(20);

bool is_full(const Error& error) {
  return error.code() == Code::busy && error.detail() == "ENOSPC";
}

/// For clients.
Error no_room() {
  return fail(Code::busy, "There is no room left on the disks of this node for objects",
              "InsufficientStorage");
}

// A folder that goes while bytes come is missing, not the key that they are for.
Error of_disk(Error error) {
  return error.code() == Code::not_found ? error.as(Code::unavailable) : std::move(error);
}

}  // namespace

// Clean units go before what somebody may still be reading.
bool Native::may_hope(const UnitId& id, uint64_t length, Duration waited) {
  if (waited < kEvictionFirst && disks_->may_take(id, length)) return true;
  return relief_() || disks_->may_take(id, length);
}

// Between two tries.
Task<> Native::await_room(UnitId id, uint64_t length, Time began, Context ctx) {
  Duration waited = ctx.loop->now() - began;
  if (!may_hope(id, length, waited) || waited >= kRoomWait) co_return no_room();
  co_return co_await io::sleep_until(ctx.loop->now() + kAskAgain, ctx);
}

Task<Native::Writing> Native::begin(UnitId id, UnitOwner owner, uint64_t length, Context ctx) {
  if (length == 0) co_return fail(Code::invalid, "a unit without bytes");
  Writing writing(*this, id, owner, length);
  if (length <= small_max_) {
    if (auto memory = small_->take(length)) {
      writing.small_memory_ = std::move(*memory);
      writing.small_.reserve(length);
      co_return std::move(writing);
    }
  }
  co_await co_await writing.begin_file(ctx);
  co_return std::move(writing);
}

// Who announces much and sends little must not take it from others.
Task<> Native::Writing::begin_file(Context ctx) {
  disk::Store& disks = *native_->disks_;
  gathers_ = length_ > native_->small_max_;
  if (gathers_) block_ = native_->blocks_.take();
  const uint64_t first = std::min(length_, block_ != nullptr ? kBlock : kFirstRoom);
  const Time began = ctx.loop->now();
  Result<disk::Reservation> room = disks.reserve(id_, first);
  while (!room) {
    if (!is_full(room.error())) co_return std::move(room.error());
    co_await co_await native_->await_room(id_, first, began, ctx);
    room = disks.reserve(id_, first);
  }
  // What cannot fit is refused before it is sent.
  if (length_ > first && !native_->may_hope(id_, length_ - first, {})) co_return no_room();
  disk::Terms terms(disk::Admission::hot, owner_, disk::UnitClass::native);
  terms.grows = true;
  auto made = co_await disks.create(id_, length_, std::move(*room), terms, ctx);
  if (!made && is_full(made.error())) co_return no_room();
  if (!made) co_return of_disk(std::move(made.error()));
  writer_ = std::move(*made);
  co_return ok;
}

Task<> Native::Writing::add(ByteView bytes, Context ctx) {
  if (bytes.size() > left()) co_return fail(Code::invalid, "more bytes than the unit has");
  if (writer_ == nullptr) {
    small_.append(as_text(bytes));
    size_ += bytes.size();
    co_return ok;
  }
  while (!bytes.empty()) {
    if (block_ == nullptr && gathers_) block_ = native_->blocks_.take();
    if (block_ == nullptr) {
      co_await co_await write(size_, bytes, ctx);
      size_ += bytes.size();
      co_return ok;
    }
    ByteView part = bytes.first(std::min<uint64_t>(bytes.size(), kBlock - held_));
    std::memcpy(block_.get() + held_, part.data(), part.size());
    held_ += part.size();
    size_ += part.size();
    bytes = bytes.subspan(part.size());
    if (held_ == kBlock) co_await co_await write_block(ctx);
  }
  co_return ok;
}

// Blocks begin where those of checksums do, unless there was no memory for one before: then the
// pages that go past the cache are fewer.
Task<> Native::Writing::write_block(Context ctx) {
  uint64_t at = size_ - held_;
  ByteView bytes(block_.get(), std::exchange(held_, 0));
  co_return co_await write(at, bytes, ctx);
}

Task<> Native::Writing::write(uint64_t at, ByteView bytes, Context ctx) {
  const Time began = ctx.loop->now();
  const uint64_t end = at + bytes.size();
  Result<> room = writer_->grow(end);
  while (!room) {
    if (!is_full(room.error())) co_return room;
    co_await co_await native_->await_room(id_, bytes.size(), began, ctx);
    room = writer_->grow(end);
  }
  Result<> done = co_await writer_->write(at, bytes, ctx);
  if (!done && is_full(done.error())) co_return no_room();  // somebody else has filled the disk
  if (!done) co_return of_disk(std::move(done.error()));
  co_return ok;
}

Task<> Native::Writing::commit(Context ctx) {
  if (left() != 0) co_return fail(Code::invalid, "a unit is committed with bytes missing");
  // What is under way must come to its end, or nobody would know what is there.
  Context own{.loop = ctx.loop, .trace = ctx.trace};
  if (writer_ == nullptr) co_return co_await store_small(own);
  if (held_ > 0) co_await co_await write_block(own);
  block_.reset();
  Result<> done = co_await writer_->commit(own);
  if (!done) co_return of_disk(std::move(done.error()));
  co_return ok;
}

Task<> Native::Writing::store_small(Context ctx) {
  disk::Store& disks = *native_->disks_;
  disk::Terms terms(disk::Admission::hot, owner_, disk::UnitClass::native);
  Bytes bytes(std::move(small_));
  const Time began = ctx.loop->now();
  while (true) {
    Result<> stored = co_await disks.put_small(id_, bytes, terms, ctx);
    if (stored || !is_full(stored.error())) co_return stored;
    co_await co_await native_->await_room(id_, length_, began, ctx);
  }
}

Task<io::FileSlice> Native::open(UnitId id, ByteRange in_unit, Verify verify, Context ctx) {
  auto slice = co_await disks_->open(id, in_unit, verify, ctx);
  if (slice || slice.error().code() != Code::not_found) co_return slice;
  // Lost is only what no disk has.
  for (const disk::DiskStats& disk : disks_->stats().disks) {
    if (disk.healthy) continue;
    co_return fail(Code::unavailable,
                   "a disk is out, and the bytes may be there: " + disk.path + ": " + disk.trouble);
  }
  co_return slice;
}

}  // namespace forebay::unit
