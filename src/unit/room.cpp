#include "unit/room.h"

namespace forebay::unit {

namespace {

constexpr Duration kPause = milliseconds(5);
constexpr int kTries = 4;

}  // namespace

Task<disk::Reservation> reserve_soon(std::shared_ptr<disk::Store> store, UnitId id, uint64_t bytes,
                                     Context ctx) {
  Result<disk::Reservation> space = store->reserve(id, bytes);
  for (int tries = 0; !space && space.error().code() == Code::busy && tries < kTries; ++tries) {
    if (!co_await io::sleep_until(ctx.loop->now() + kPause, ctx)) break;
    space = store->reserve(id, bytes);
  }
  co_return space;
}

Task<> grow_soon(std::shared_ptr<disk::Writer> writer, uint64_t bytes, Context ctx) {
  Result<> grown = writer->grow(bytes);
  for (int tries = 0; !grown && grown.error().code() == Code::busy && tries < kTries; ++tries) {
    if (!co_await io::sleep_until(ctx.loop->now() + kPause, ctx)) break;
    grown = writer->grow(bytes);
  }
  co_return grown;
}

}  // namespace forebay::unit
