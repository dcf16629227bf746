#include "unit/pour.h"

#include <algorithm>
#include <cstring>

namespace forebay::unit {

namespace {

// At most so much between two looks at the claim, which is less than Claims::kOvertake.
constexpr uint64_t kStep = 256 << 10;

}  // namespace

bool Pour::begin_block(uint64_t at) {
  if (now_.block != nullptr) return true;
  if (!fill_->writer()->direct()) return false;
  now_ = {.block = pool_.take(), .begin = at};
  if (now_.block == nullptr) return false;
  fill_->hold(at, now_.block);
  return true;
}

ByteSpan Pour::room(const Claim& claim) {
  Claim share = fill_->state(claim);
  if (share.at == share.end || !begin_block(share.at)) return {};
  // Memory lies in its page as the bytes lie in theirs.
  uint64_t in_block = share.at % kBlock;
  uint64_t count = std::min({share.end - share.at, kBlock - in_block, kStep});
  return {now_.block.get() + in_block, count};
}

Task<> Pour::filled(Claim& claim, uint64_t bytes) {
  Claim share = fill_->state(claim);
  // The end may have moved since room() told it.
  bytes = std::min(bytes, share.end - share.at);
  ByteView view(now_.block.get() + share.at % kBlock, bytes);
  co_await fill_->writer()->announce(share.at, view);
  now_.size += bytes;
  fill_->advance(claim, bytes, now_.begin);
  if ((now_.begin + now_.size) % kBlock == 0) co_return co_await send_off();
  co_return ok;
}

Task<> Pour::put(Claim& claim, ByteView bytes) {
  while (!bytes.empty()) {
    ByteSpan room = this->room(claim);
    Claim share = fill_->state(claim);
    uint64_t count = std::min({bytes.size(), share.end - share.at, kStep});
    if (count == 0) co_return ok;
    if (!room.empty()) {
      count = std::min(count, room.size());
      std::memcpy(room.data(), bytes.data(), count);
      co_await co_await filled(claim, count);
    } else {
      co_await co_await fill_->writer()->write(share.at, bytes.first(count), ctx_);
      fill_->advance(claim, count);
    }
    bytes = bytes.subspan(count);
  }
  co_return ok;
}

Task<> Pour::send_off() {
  io::Semaphore::Permit slot = co_await co_await slots_.acquire(1, ctx_);
  writes_.spawn(write(std::exchange(now_, {}), std::move(slot)));
  co_return ok;
}

Task<> Pour::write(Gathered piece, io::Semaphore::Permit slot) {
  ByteView bytes(piece.block.get() + piece.begin % kBlock, piece.size);
  Result<> written = co_await fill_->writer()->write_announced(piece.begin, bytes, ctx_);
  slot = {};
  if (written) fill_->stored(piece.begin);
  co_return written;
}

Task<> Pour::finish() {
  // Without a wait: a stream that was cancelled has readers who may still want what it has.
  if (now_.size > 0) writes_.spawn(write(std::exchange(now_, {}), {}));
  if (now_.block != nullptr) fill_->stored(now_.begin);
  co_return co_await writes_.join();
}

}  // namespace forebay::unit
