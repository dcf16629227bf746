#include "disk/file/writer.h"

#include <algorithm>

#include "base/hash.h"
#include "disk/disk.h"
#include "disk/store.h"
#include "io/loop.h"

namespace forebay::disk {

namespace {

// Less than this is not worth a trip to the disk of its own.
constexpr uint64_t kDirectLeast = 64 << 10;

}  // namespace

Writer::Writer(Parts parts)
    : store_(std::move(parts.store)),
      disk_(parts.disk),
      id_(parts.id),
      length_(parts.length),
      terms_(parts.terms),
      opening_(parts.opening),
      data_(std::move(parts.data)),
      file_(std::move(parts.file)),
      direct_(std::move(parts.direct)),
      room_(std::min(length_, data_->bytes())),
      allocated_(room_),
      sums_(length_) {}

Writer::~Writer() {
  if (name_ == Name::published) return;
  if (name_ == Name::fresh) {
    disk_.leave_new(data_);
  } else {
    disk_.leave(data_);
  }
}

bool Writer::present(ByteRange range) const {
  std::lock_guard lock(mutex_);
  return present_.covers(range);
}

uint64_t Writer::present_from(uint64_t offset) const {
  std::lock_guard lock(mutex_);
  return present_.length_from(offset);
}

Result<> Writer::grow(uint64_t bytes) {
  const uint64_t has = data_->bytes();
  const uint64_t least = disk_bytes(std::min(bytes, length_));
  if (least <= has) return ok;
  const uint64_t wish = std::min(std::max(least, 2 * has), disk_bytes(length_));
  Result<> taken = store_->take_more(disk_, wish - has, least - has, *data_);
  if (!taken) return taken;
  std::lock_guard lock(mutex_);
  room_ = std::min(length_, data_->bytes());
  return ok;
}

// Blocks.
Result<> Writer::allocate(uint64_t end) {
  uint64_t size = 0;
  {
    std::lock_guard lock(mutex_);
    if (end <= allocated_) return ok;
    size = room_;
  }
  Result<> done = file_->allocate(size);
  std::lock_guard lock(mutex_);
  if (done) allocated_ = std::max(allocated_, size);
  return done;
}

Result<> Writer::announce(uint64_t offset, ByteView bytes) {
  ByteRange range{offset, bytes.size()};
  std::lock_guard lock(mutex_);
  if (broken_) return fail(Code::conflict, "an earlier write of this unit failed");
  if (offset > room_ || bytes.size() > room_ - offset || !claimed_.add(range)) {
    return fail(Code::invalid, "bytes outside of the unit, or written twice");
  }
  // Summed here and not after the write: in the order of arrival, and still warm in the cache.
  sums_.arrive(offset, bytes);
  return ok;
}

// Whole pages go past the page cache, what is left at both ends through it: the two never share a
// page.
Result<> Writer::write_out(uint64_t offset, ByteView bytes) {
  auto memory = reinterpret_cast<uintptr_t>(bytes.data());
  uint64_t head = std::min<uint64_t>(-offset % io::kDirectAlign, bytes.size());
  uint64_t pages = (bytes.size() - head) / io::kDirectAlign * io::kDirectAlign;
  bool past =
      direct_ != nullptr && pages >= kDirectLeast && (memory + head) % io::kDirectAlign == 0;
  if (!past) return file_->write_at(offset, bytes);
  Result<> written = direct_->write_at(offset + head, bytes.subspan(head, pages));
  // A device may want more alignment than a page: no fault of the disk.
  if (!written && written.error().code() == Code::invalid) return file_->write_at(offset, bytes);
  if (written && head > 0) written = file_->write_at(offset, bytes.first(head));
  ByteView tail = bytes.subspan(head + pages);
  if (written && !tail.empty()) written = file_->write_at(offset + head + pages, tail);
  return written;
}

// Blocks. The bytes are present only when the sums they complete are, so that all present means
// all summed.
Result<> Writer::put(uint64_t offset, ByteView bytes) {
  Result<> written = allocate(offset + bytes.size());
  if (written) written = write_out(offset, bytes);
  if (!written) return written;
  std::vector<BlockSums::Gap> gaps;
  {
    std::lock_guard lock(mutex_);
    gaps = sums_.written(offset, bytes.size());
    if (gaps.empty()) {
      present_.add({offset, bytes.size()});
      return ok;
    }
  }
  std::vector<std::byte> buffer(kBlockBytes);
  for (const BlockSums::Gap& gap : gaps) {
    ByteSpan into = ByteSpan(buffer).first(gap.length);
    auto size = file_->read_at(gap.offset, into);
    if (!size) return std::move(size.error());
    if (*size != gap.length) return fail(Code::corrupt, "written bytes cannot be read back");
    std::lock_guard lock(mutex_);
    sums_.fill(gap, crc32c(into, sums_.sum_before(gap)));
  }
  std::lock_guard lock(mutex_);
  present_.add({offset, bytes.size()});
  return ok;
}

Task<> Writer::write(uint64_t offset, ByteView bytes, Context ctx) {
  co_await announce(offset, bytes);
  co_return co_await write_announced(offset, bytes, ctx);
}

Task<> Writer::write_announced(uint64_t offset, ByteView bytes, Context ctx) {
  Result<> written =
      co_await io::run_blocking(ctx, disk_.lane(), [&] { return put(offset, bytes); });
  if (!written) {
    disk_.failed(true, written.error());
    if (written.error().code() == Code::busy) store_->pressure_.notify();  // the account is wrong
    std::lock_guard lock(mutex_);
    broken_ = true;
    co_return written.error_in("write a unit");
  }
  co_return ok;
}

Task<> Writer::commit(Context ctx) {
  if (!id_) co_return fail(Code::invalid, "a unit is committed without a name");
  const UnitId unit_id = *id_;
  if (!present({0, length_}))
    co_return fail(Code::invalid, "a unit is committed with bytes missing");
  if (!disk_.healthy()) co_return fail(Code::unavailable, "the disk is out");
  Result<> named = co_await io::run_blocking(ctx, disk_.lane(), [&] {
    // All of the file: what went past the page cache may still be in the disk's own.
    Result<> safe = terms_.native() ? file_->sync() : Result<>(ok);
    return safe ? disk_.give_name(*data_, terms_.native()) : safe;
  });
  if (!named) {
    disk_.failed(true, named.error());
    co_return named.error_in("name a unit");
  }
  name_ = Name::final;
  Unit unit{.file = data_,
            .length = length_,
            .crcs = sums_.sums(),
            .owner = terms_.owner,
            .unit_class = terms_.unit_class};
  if (!store_->publish(disk_, unit_id, std::move(unit), terms_.admission, file_)) {
    co_return fail(Code::exists, "the unit is here already");
  }
  name_ = Name::published;
  if (terms_.native()) co_return co_await settle(unit_id, ctx);
  co_return ok;
}

// A row that is not durable would be a unit that is lost by the next power cut.
Task<> Writer::settle(UnitId id, Context ctx) {
  Result<> durable =
      co_await io::run_blocking(ctx, disk_.lane(), [&] { return disk_.commit_durably(opening_); });
  if (!durable) store_->remove_native(id);
  co_return durable;
}

Task<> Writer::commit_as(UnitId id, Context ctx) {
  if (id_) co_return fail(Code::invalid, "a unit is named twice");
  if (store_->contains(id)) co_return fail(Code::exists, "the unit is here already");
  id_ = id;
  data_->give_id(id);
  co_return co_await commit(ctx);
}

}  // namespace forebay::disk
