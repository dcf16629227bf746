// What the tests of Store share: units whose bytes follow from their id, ways to fill and read
// them, and an index that dies with its process. Only tests include this.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "base/names.h"
#include "disk/store.h"
#include "io/loop.h"
#include "testkit/seeds.h"

namespace forebay::disk {

using testkit::seeds;

/// Unit `n`. The first byte of the id spreads, so units lie in many folders and stripes.
inline UnitId unit_id(uint64_t n) {
  return UnitName{.incarnation = 1, .key = "key", .tag = "tag", .offset = n, .length = 1}.id();
}

/// The only right bytes of a unit: from its id and their place.
inline std::string content_of(const UnitId& id, ByteRange range) {
  uint64_t seed;
  std::memcpy(&seed, id.bytes.data(), sizeof seed);
  auto word = [&](uint64_t i) {
    uint64_t x = seed + i * 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  };
  std::string out(range.length, '\0');
  for (uint64_t i = 0; i < range.length;) {
    uint64_t at = range.offset + i;
    uint64_t value = word(at / 8);
    for (uint64_t b = at % 8; b < 8 && i < range.length; ++b, ++i) {
      out[i] = static_cast<char>(value >> (8 * b));
    }
  }
  return out;
}

/// Writes unit `id` in pieces of at most `piece` bytes and publishes it.
inline Task<> fill_unit(std::shared_ptr<Store> store, UnitId id, uint64_t length, uint64_t piece,
                        Context ctx, Admission admission = Admission::hot) {
  auto reserved = store->reserve(id, length);
  if (!reserved) co_return reserved.error_in("fill");
  auto writer = co_await co_await store->create(id, length, std::move(*reserved), admission, ctx);
  for (uint64_t at = 0; at < length; at += piece) {
    std::string bytes = content_of(id, {at, std::min(piece, length - at)});
    co_await co_await writer->write(at, as_bytes(bytes), ctx);
  }
  co_return co_await writer->commit(ctx);
}

inline Task<> put_unit(std::shared_ptr<Store> store, UnitId id, uint64_t length, Context ctx,
                       Admission admission = Admission::hot) {
  co_return co_await store->put_small(id, Bytes(content_of(id, {0, length})), admission, ctx);
}

inline Task<std::string> read_slice(io::FileSlice slice, Context ctx) {
  std::string out(slice.length, '\0');
  ByteSpan into(reinterpret_cast<std::byte*>(out.data()), out.size());
  size_t size = co_await co_await io::run_blocking(
      ctx, [&] { return slice.file->read_at(slice.offset, into); });
  out.resize(size);
  co_return out;
}

/// As a reader does it: find, else open.
inline Task<std::string> read_unit(std::shared_ptr<Store> store, UnitId id, ByteRange range,
                                   Context ctx, Verify verify = Verify::start) {
  Found found = store->find(id, range, verify);
  if (found.state == Found::State::absent) co_return fail(Code::not_found, "absent");
  if (found.state == Found::State::asleep) {
    found.slice = co_await co_await store->open(id, range, verify, ctx);
  }
  co_return co_await read_slice(std::move(found.slice), ctx);
}

/// What a process sees of an index that outlives it: after die() nothing gets through.
class ProcessIndex final : public Index {
 public:
  explicit ProcessIndex(std::shared_ptr<Index> below) : below_(std::move(below)) {}
  void die() { dead_ = true; }
  Result<> load(const std::function<void(const UnitId&, ByteView)>& row) override {
    if (dead_) return gone();
    return below_->load(row);
  }
  Result<> apply(std::span<const Change> changes) override {
    if (dead_) return gone();
    return below_->apply(changes);
  }
  Result<> flush() override {
    if (dead_) return gone();
    return below_->flush();
  }
  uint64_t bytes() const override { return below_->bytes(); }

 private:
  static Error gone() { return fail(Code::unavailable, "the process is dead"); }
  std::shared_ptr<Index> below_;
  bool dead_ = false;
};

}  // namespace forebay::disk
