#include "disk/segment/appender.h"

#include <algorithm>

#include "base/hash.h"

namespace forebay::disk {

namespace {

// One write call takes at most so much: bounds the buffer it is put together in. A record fits.
constexpr uint64_t kWriteBytes = 1 << 20;

}  // namespace

Task<> Appender::put(UnitId id, Bytes bytes, Terms terms, Context ctx) {
  auto put = std::make_shared<Put>(id, std::move(bytes), terms);
  co_await enqueue({&put, 1});
  co_return co_await wait(put, ctx);
}

void Appender::put_soon(UnitId id, Bytes bytes, Terms terms, job::Crew& crew, PutDone done) {
  auto put = std::make_shared<Put>(id, std::move(bytes), terms);
  put->tell = std::move(done);
  if (Result<> queued = enqueue({&put, 1}); !queued) return put->tell(std::move(queued));
  bool led = false;
  {
    std::lock_guard lock(mutex_);
    led = std::exchange(soon_, true);
  }
  if (!led) crew.spawn(lead_soon(crew.context()));
}

// Leads for those who do not wait, as long as anything is queued.
Task<> Appender::lead_soon(Context ctx) {
  while (true) {
    uint64_t seen = progress_.count();
    bool lead_now = false;
    {
      std::lock_guard lock(mutex_);
      if (queue_.empty()) {
        soon_ = false;
        co_return ok;
      }
      if (!leading_) lead_now = leading_ = true;
    }
    if (lead_now) {
      co_await co_await lead(ctx);
      continue;
    }
    Result<uint64_t> changed = co_await progress_.changed(seen, ctx);
    if (!changed) {
      drop_soon(changed.error());
      co_return ok;
    }
  }
}

void Appender::drop_soon(const Error& error) {
  Batch dropped;
  {
    std::lock_guard lock(mutex_);
    soon_ = false;
    auto told = [](const std::shared_ptr<Put>& put) { return put->tell != nullptr; };
    std::ranges::copy_if(queue_, std::back_inserter(dropped), told);
    std::erase_if(queue_, told);
    for (auto& put : dropped) queued_bytes_ -= record_bytes(put->bytes.size());
  }
  finish(dropped, error);
}

Task<> Appender::move(std::vector<Move> moves, Context ctx) {
  Batch batch;
  for (Move& each : moves) {
    Terms terms(Admission::hot, each.from.owner, each.from.unit_class);
    auto put = std::make_shared<Put>(each.id, std::move(each.bytes), terms);
    put->from = std::move(each.from);
    batch.push_back(std::move(put));
  }
  co_await enqueue(batch);
  Result<> result = ok;
  for (auto& put : batch) {
    Result<> one = co_await wait(put, ctx);
    if (!one && result) result = std::move(one);
  }
  co_return result;
}

Result<> Appender::enqueue(Puts puts) {
  uint64_t bytes = 0;
  for (auto& put : puts) bytes += record_bytes(put->bytes.size());
  std::lock_guard lock(mutex_);
  if (queued_bytes_ != 0 && queued_bytes_ + bytes > options_.max_queued_bytes) {
    return fail(Code::busy, "too many small units wait for the disk");
  }
  queued_bytes_ += bytes;
  queue_.insert(queue_.end(), puts.begin(), puts.end());
  return ok;
}

Task<> Appender::wait(std::shared_ptr<Put> put, Context ctx) {
  while (true) {
    uint64_t seen = progress_.count();
    bool lead_now = false;
    {
      std::lock_guard lock(mutex_);
      if (put->done) {
        const std::optional<Error>& error = put->error;
        if (error) co_return *error;
        co_return ok;
      }
      if (!leading_) lead_now = leading_ = true;
    }
    if (lead_now) {
      // Others depend on it, so it has no deadline and no cancel.
      co_await co_await lead(Context{.loop = ctx.loop, .trace = ctx.trace});
      continue;
    }
    Result<uint64_t> changed = co_await progress_.changed(seen, ctx);
    if (!changed) {
      withdraw(put);
      co_return std::move(changed.error());
    }
  }
}

// A waiter that gives up must not leave a put behind that nobody leads.
void Appender::withdraw(const std::shared_ptr<Put>& put) {
  std::lock_guard lock(mutex_);
  if (std::erase(queue_, put) == 0) return;
  queued_bytes_ -= record_bytes(put->bytes.size());
}

Task<> Appender::lead(Context ctx) {
  // Nobody is kept from anything by waiting, so the others get time to join. What the recycler
  // moves comes in batches already, and native ones join while those before them are synced.
  Time due = ctx.loop->now() + options_.gather;
  bool at_once = recycler_;
  {
    std::lock_guard lock(mutex_);
    at_once = at_once || (!queue_.empty() && queue_.front()->terms.native());
  }
  Result<> turn = at_once ? co_await io::yield(ctx) : co_await io::sleep_until(due, ctx);
  Batch batch;
  uint64_t bytes = 0;
  {
    std::lock_guard lock(mutex_);
    batch.assign(queue_.begin(), queue_.end());
    queue_.clear();
    bytes = queued_bytes_;
  }
  if (turn) turn = co_await write_all(batch, ctx);
  if (!turn) finish(batch, turn.error());
  written_();
  {
    std::lock_guard lock(mutex_);
    queued_bytes_ -= bytes;
    leading_ = false;
  }
  progress_.notify();
  co_return ok;
}

Task<> Appender::write_all(const Batch& batch, Context ctx) {
  Puts left(batch);
  while (!left.empty()) {
    co_await co_await ensure_segment(record_bytes(left.front()->bytes.size()), ctx);
    uint64_t room = std::min<uint64_t>(segment_.data->bytes() - end_, kWriteBytes);
    uint64_t bytes = 0;
    size_t count = 0;
    while (count < left.size()) {
      uint64_t next = record_bytes(left[count]->bytes.size());
      if (bytes + next > room) break;
      bytes += next;
      ++count;
    }
    co_await co_await write_some(left.first(count), ctx);
    left = left.subspan(count);
  }
  if (disk_.pending() > options_.max_pending_rows) {
    // Whoever writes faster than the index takes rows waits for it here. What was put is put.
    // A failure is the disk's to remember.
    static_cast<void>(co_await io::run_blocking(ctx, disk_.lane(), [&] { return disk_.commit(); }));
  }
  co_return ok;
}

Task<> Appender::ensure_segment(uint64_t bytes, Context ctx) {
  if (!disk_.healthy()) co_return fail(Code::unavailable, "the disk is out");
  if (segment_.data != nullptr && end_ + bytes <= segment_.data->bytes()) co_return ok;
  seal();
  opening_ = disk_.opening();
  named_durably_ = false;
  Result<Disk::NewFile> made = co_await disk_.make_segment(recycler_, ctx);
  if (!made) {
    disk_.counters.refused++;
    co_return std::move(made.error());
  }
  segment_ = std::move(*made);
  end_ = kSegmentHeaderBytes;
  co_return ok;
}

void Appender::seal() {
  if (segment_.data != nullptr) disk_.seal(*segment_.data);
  segment_ = {};
}

bool Appender::abandon() {
  std::lock_guard lock(mutex_);
  if (leading_) return false;
  seal();
  return true;
}

void Appender::let_go() {
  std::lock_guard lock(mutex_);
  if (leading_ || segment_.data == nullptr) return;  // a leader's is changing
  uint64_t written = end_ - kSegmentHeaderBytes;
  uint64_t live = segment_.data->live.load(std::memory_order_relaxed);
  bool dead = live < written - written / 4;
  if (dead || segment_.data->bytes() > disk_.segment_bytes()) seal();
}

// Blocks. What moves brings its sum along: one made of what has just been read would bless rot.
Result<> Appender::write_records(Puts puts, bool native) {
  uint64_t bytes = 0;
  for (auto& put : puts) bytes += record_bytes(put->bytes.size());
  if (buffer_.size() < bytes) buffer_.resize(bytes);
  ByteSpan left(buffer_.data(), bytes);
  for (auto& put : puts) {
    ByteView data = put->bytes.view();
    const std::optional<Unit>& from = put->from;
    put->crc = from ? from->crcs[0] : crc32c(data);
    encode(RecordHeader{put->id, segment_.data->number(), uint32_t(data.size()), put->crc},
           left.first<kRecordHeaderBytes>());
    ByteSpan record = left.first(record_bytes(data.size()));
    auto end = std::ranges::copy(data, record.begin() + kRecordHeaderBytes).out;
    std::fill(end, record.end(), std::byte{0});
    left = left.subspan(record.size());
  }
  Result<> written = segment_.file->write_at(end_, ByteView(buffer_.data(), bytes));
  if (written && native) written = segment_.file->sync();
  if (written && native && !named_durably_) {
    written = disk_.directory()->sync("segments");
    named_durably_ = written.has_value();
  }
  return written;
}

Task<> Appender::write_some(Puts puts, Context ctx) {
  bool native = std::ranges::any_of(puts, [](auto& put) { return put->terms.native(); });
  Result<> written =
      co_await io::run_blocking(ctx, disk_.lane(), [&] { return write_records(puts, native); });
  if (!written) {
    // How far it got is unknown; nothing is written over, so the rest of this segment is given up.
    seal();
    disk_.failed(true, written.error());
    co_return written.error_in("append to a segment");
  }
  publish(puts, end_);
  // Rows of what moves are made durable before the old segment goes, all at once.
  if (native && !recycler_) co_await co_await secure(puts, ctx);
  settle(puts);
  co_return ok;
}

// A row that is not durable would be a unit that is lost by the next power cut.
Task<> Appender::secure(Puts puts, Context ctx) {
  Result<> durable =
      co_await io::run_blocking(ctx, disk_.lane(), [&] { return disk_.commit_durably(opening_); });
  if (durable) co_return ok;
  for (auto& put : puts) {
    auto row = [&](const Unit& gone) { disk_.queue_remove(put->id, gone.unit_class); };
    if (!put->error) units_.erase(put->id, put->terms.unit_class, nullptr, row);
  }
  co_return durable;
}

void Appender::publish(Puts puts, uint64_t offset) {
  bool added = false;
  std::shared_ptr<io::File> mine = segment_.file;
  segment_.data->cache(std::move(mine), &added);
  if (added) open_files_.add(segment_.data);
  for (auto& put : puts) {
    Unit unit{.file = segment_.data,
              .offset = static_cast<uint32_t>(offset + kRecordHeaderBytes),
              .length = put->bytes.size(),
              .crcs = {put->crc},
              .owner = put->terms.owner,
              .unit_class = put->terms.unit_class};
    auto queue = [&](const Unit& now) { disk_.queue_put(put->id, now); };
    const auto& from = put->from;
    bool placed = from ? units_.move(put->id, *from, unit, queue)
                       : units_.insert(put->id, std::move(unit), put->terms.admission, queue);
    if (!placed && !put->from) put->error = fail(Code::exists, "the unit is here already");
    offset += record_bytes(put->bytes.size());
  }
  end_ = offset;
}

void Appender::finish(Puts puts, const Error& error) {
  auto open = std::ranges::find_if(puts, [](auto& put) { return !put->done; });
  Puts left(open, puts.end());  // they are written in order
  for (auto& put : left) put->error = error;
  settle(left);
}

// Nobody looks at a put's error before it is done.
void Appender::settle(Puts puts) {
  {
    std::lock_guard lock(mutex_);
    for (auto& put : puts) put->done = true;
  }
  for (auto& put : puts) {
    const std::optional<Error>& error = put->error;
    if (put->tell != nullptr) put->tell(error ? Result<>(*error) : Result<>(ok));
  }
}

}  // namespace forebay::disk
