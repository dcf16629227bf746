#include "disk/segment/recycler.h"

#include <algorithm>

#include "base/hash.h"
#include "io/loop.h"

namespace forebay::disk {

namespace {

// What is read of a segment at once; more than one record of the largest size.
constexpr uint64_t kReadBytes = 2 << 20;
static_assert(kReadBytes >= record_bytes(kMaxRecordData));

}  // namespace

uint64_t Recycler::promise() const {
  uint64_t full = disk_.sealed_bytes();
  uint64_t live = units_.live_in_segments(disk_.number());
  uint64_t dead = full > live ? full - live : 0;
  return dead > full / 4 ? dead - full / 4 : 0;
}

std::shared_ptr<DataFile> Recycler::emptiest() const {
  std::shared_ptr<DataFile> best;
  for (auto& segment : disk_.segments()) {
    if (!segment->sealed || segment->stuck) continue;
    if (best == nullptr || segment->live < best->live) best = segment;
  }
  return best;
}

// Blocks. The rows of what is dead go first: a native one without its bytes would be taken for a
// loss.
Result<> Recycler::remove_dead() {
  std::vector<std::shared_ptr<DataFile>> dead = disk_.segments();
  std::erase_if(dead, [](auto& segment) { return !segment->sealed || segment->live != 0; });
  if (std::ranges::any_of(dead, [](auto& segment) { return segment->native.load(); })) {
    Result<> gone = disk_.commit_durably(disk_.opening());
    if (!gone) std::erase_if(dead, [](auto& segment) { return segment->native.load(); });
  }
  for (auto& segment : dead) disk_.remove_segment(segment);
  return ok;
}

Task<> Recycler::pass(Context ctx) {
  co_await co_await io::run_blocking(ctx, disk_.lane(), [&] { return remove_dead(); });
  while (disk_.healthy() && disk_.space()->excess() > 0) {
    std::shared_ptr<DataFile> segment = emptiest();
    if (segment == nullptr || segment->live > segment->bytes() / 4 * 3) break;
    co_await co_await recycle(std::move(segment), ctx);
  }
  co_return co_await io::run_blocking(ctx, disk_.lane(), [&]() -> Result<> {
    disk_.sweep();
    return ok;
  });
}

Task<> Recycler::recycle(std::shared_ptr<DataFile> segment, Context ctx) {
  uint64_t opening = disk_.opening();
  auto file = segment->file();
  if (file == nullptr) {
    auto opened = co_await io::run_blocking(ctx, disk_.lane(), [&] {
      return disk_.directory()->open(segment->path(), io::OpenMode::read);
    });
    if (!opened && opened.error().code() == Code::busy) co_return opened.error_in("recycle");
    if (opened) file = std::move(*opened);
    if (!opened) disk_.failed(false, opened.error());
  }
  auto buffer = std::make_unique_for_overwrite<std::byte[]>(kReadBytes);
  for (uint64_t offset = kSegmentHeaderBytes; file != nullptr && offset < segment->bytes();) {
    auto size = co_await io::run_blocking(ctx, disk_.lane(), [&] {
      return file->read_at(offset, ByteSpan(buffer.get(), kReadBytes));
    });
    if (!size) disk_.failed(false, size.error());
    if (!size) break;
    uint64_t before = offset;
    auto moves = living(segment, ByteView(buffer.get(), *size), &offset);
    for (auto& move : moves) disk_.counters.moved_bytes += move.bytes.size();
    if (!moves.empty()) co_await co_await mover_.move(std::move(moves), ctx);
    if (offset == before) break;  // no record here: the end
  }
  co_return co_await io::run_blocking(ctx, disk_.lane(), [&] { return finish(segment, opening); });
}

// What still lives in the segment cannot be read: no record led to it, or the disk failed. Native
// units keep the segment: something of them may still be saved. Blocks.
Result<> Recycler::finish(const std::shared_ptr<DataFile>& segment, uint64_t opening) {
  if (segment->live > 0) {
    units_.erase_where([&](const DataFile& at,
                           UnitClass of) { return &at == segment.get() && of == UnitClass::clean; },
                       [&](const UnitId& id, const Unit&) {
                         disk_.queue_remove(id, UnitClass::clean);
                         disk_.counters.verify_failures++;
                       });
  }
  // The new rows come before the unlink, or a death in between would lose what was moved. What is
  // clean may be lost where the disk is too full for them.
  Result<> committed = segment->native ? disk_.commit_durably(opening) : disk_.commit();
  if (!committed && segment->native) return committed;
  segment->stuck = segment->live > 0;
  if (!segment->stuck) disk_.remove_segment(segment);
  disk_.counters.recycled++;
  disk_.sweep();
  return committed;
}

// Walks the records that lie whole in `bytes`, read at `*offset`, which moves past them.
std::vector<Appender::Move> Recycler::living(const std::shared_ptr<DataFile>& segment,
                                             ByteView bytes, uint64_t* offset) {
  std::vector<Appender::Move> moves;
  while (true) {
    auto header = decode_record_header(bytes);
    if (!header || header->number != segment->number()) return moves;
    uint64_t whole = record_bytes(header->length);
    if (whole > bytes.size()) return moves;
    ByteView data = bytes.subspan(kRecordHeaderBytes, header->length);
    auto unit = units_.get(header->id);
    if (unit && unit->file == segment && unit->offset == *offset + kRecordHeaderBytes) {
      if (unit->length == data.size() && crc32c(data) == unit->crcs[0]) {
        moves.push_back({header->id, std::move(*unit), Bytes(std::string(as_text(data)))});
      } else {
        auto row = [&](const Unit&) { disk_.queue_remove(header->id, UnitClass::clean); };
        bool clean = units_.erase(header->id, UnitClass::clean, &*unit, row).has_value();
        if (clean || unit->native()) disk_.counters.verify_failures++;
      }
    }
    *offset += whole;
    bytes = bytes.subspan(whole);
  }
}

}  // namespace forebay::disk
