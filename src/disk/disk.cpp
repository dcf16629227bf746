#include "disk/disk.h"

#include <algorithm>
#include <cmath>

#include "disk/file/writer.h"
#include "io/loop.h"

namespace forebay::disk {

namespace {

uint32_t least_segment(const Options& options) {
  return static_cast<uint32_t>(disk_bytes(kSegmentHeaderBytes + record_bytes(options.small_max)));
}

}  // namespace

Disk::Disk(const Options& options, uint8_t number, UnitMap& units)
    : options_(options),
      mine_(options.disks[number]),
      units_(units),
      number_(number),
      boot_(boot_number(options.boot_id)),
      space_(std::make_shared<Space>(0, 0)) {}

// Weighted rendezvous hashing: -w / ln(u), u drawn from disk and unit. Taking a disk away moves
// only its own units.
double Disk::weight(const UnitId& id) const {
  uint64_t a = id_[0].load(std::memory_order_relaxed), b;
  std::memcpy(&b, id.bytes.data() + 8, 8);
  uint64_t x = a ^ b;  // then the finalizer of splitmix64
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  x ^= x >> 31;
  double u = (static_cast<double>(x >> 11) + 0.5) / static_cast<double>(1ULL << 53);
  return static_cast<double>(space_->limit()) / -std::log(u);
}

void Disk::failed(bool writing, const Error& error) {
  switch (error.code()) {
    case Code::busy:
    case Code::not_found:
    case Code::exists:
    case Code::cancelled:
    case Code::timeout: return;
    default: break;
  }
  (writing ? counters.write_errors : counters.read_errors)++;
  // Of one that is out the first reason stands: each later call would bring another text.
  if (recent_errors_.fetch_add(1) + 1 > options_.errors_until_out && healthy()) {
    take_out("too many calls failed; the last one: " + error.text());
  }
}

void Disk::take_out(std::string why) {
  healthy_ = false;
  units_.set_out(number_);
  std::lock_guard lock(mutex_);
  opening_.fetch_add(1, std::memory_order_release);
  pending_.clear();
  trouble_ = std::move(why);
}

DiskId Disk::id() const {
  DiskId out;
  for (size_t i = 0; i < id_.size(); ++i) {
    uint64_t word = id_[i].load(std::memory_order_relaxed);
    std::memcpy(out.data() + i * sizeof word, &word, sizeof word);
  }
  return out;
}

void Disk::set_id(const DiskId& id) {
  for (size_t i = 0; i < id_.size(); ++i) {
    uint64_t word;
    std::memcpy(&word, id.data() + i * sizeof word, sizeof word);
    id_[i].store(word, std::memory_order_relaxed);
  }
}

std::shared_ptr<io::Directory> Disk::directory() const {
  std::lock_guard lock(mutex_);
  return directory_;
}

void Disk::queue_put(const UnitId& id, const Unit& unit) {
  Row row{.unit_class = unit.unit_class,
          .owner = unit.owner,
          .in_segment = unit.file->is_segment(),
          .number = unit.file->number(),
          .offset = unit.offset,
          .length = unit.length,
          // An unverified unit keeps any boot but this one.
          .boot = unit.unverified ? ~boot_ : boot_,
          .stamp = unit.stamp,
          .crcs = unit.crcs};
  push_pending({id, encode(row), unit.native()});
}

void Disk::queue_remove(const UnitId& id, UnitClass of) {
  push_pending({id, std::nullopt, of == UnitClass::native});
}

void Disk::push_pending(Change change) {
  std::lock_guard lock(mutex_);
  pending_.push_back(std::move(change));
  ++queued_;
}

size_t Disk::pending() const {
  std::lock_guard lock(mutex_);
  return pending_.size();
}

Result<> Disk::commit() {
  std::lock_guard in_order(commit_mutex_);
  std::vector<Change> batch;
  {
    std::lock_guard lock(mutex_);
    batch.swap(pending_);
  }
  if (batch.empty() || !healthy()) return ok;
  Result<> applied = index_->apply(batch);
  if (applied) return ok;
  if (applied.error().code() != Code::busy) {
    counters.write_errors++;
    take_out("the index failed: " + applied.error().text());
    return applied;
  }
  // A full file system: the rows wait for the evictor to make room. Losing those of clean units
  // would cost only fetching again, so their number is bounded.
  std::lock_guard lock(mutex_);
  if (pending_.size() + batch.size() > 16ULL * options_.max_pending_rows) {
    std::erase_if(batch, [](const Change& change) { return !change.native; });
  }
  std::ranges::move(pending_, std::back_inserter(batch));
  pending_ = std::move(batch);
  return applied;
}

Result<> Disk::commit_durably(uint64_t opening) {
  if (Result<> noted = note_natives(); !noted) return noted;
  auto queued = [this] {
    std::lock_guard lock(mutex_);
    return queued_;
  };
  uint64_t mine = queued();
  std::lock_guard one_by_one(sync_mutex_);
  if (durable_ < mine) {
    uint64_t all = queued();
    if (Result<> done = commit(); !done) return done;
    Result<> flushed = flush_index();
    if (!flushed) return flushed;
    durable_ = all;
  }
  if (!healthy() || opening != this->opening()) {
    return fail(Code::unavailable, "the disk was taken out");
  }
  return ok;
}

Result<> Disk::flush_index() {
  std::lock_guard in_order(commit_mutex_);
  if (!healthy()) return fail(Code::unavailable, "the disk is out");
  Result<> flushed = index_->flush();
  if (flushed) return flushed;
  counters.write_errors++;
  take_out("the index failed: " + flushed.error().text());
  return flushed;
}

// Folders are made when they are needed: all of them at once would take seconds on some file
// systems.
Result<> Disk::give_name(const DataFile& file, bool durably) {
  std::string from = new_path(file.number());
  std::string to = file.path();
  std::string parent = to.substr(0, to.rfind('/'));
  auto folder = directory();
  Result<> named = folder->rename(from, to, true);
  if (!named && named.error().code() == Code::not_found) {
    // Of a lost disk `units` itself is gone; look() must see that.
    auto units = folder->stat("units");
    if (!units) return std::move(units.error());
    Result<> made = folder->make_directory(parent);
    if (!made) return made;
    named = folder->rename(from, to, true);
  }
  if (!named || !durably) return named;
  Result<> synced = folder->sync(parent);
  return synced ? folder->sync("units") : synced;
}

void Disk::leave(std::shared_ptr<DataFile> file, bool native) {
  std::string path = file->path();
  push_leaving({std::move(path), std::move(file), native});
}

void Disk::leave_new(std::shared_ptr<DataFile> file) {
  std::string path = new_path(file->number());
  push_leaving({std::move(path), std::move(file)});
}

void Disk::push_leaving(Leaving leaving) {
  leaving.file->retire();
  std::lock_guard lock(mutex_);
  leaving_.push_back(std::move(leaving));
}

size_t Disk::leaving() const {
  std::lock_guard lock(mutex_);
  return leaving_.size();
}

void Disk::sweep() {
  std::vector<Leaving> gone;
  {
    std::lock_guard lock(mutex_);
    gone.swap(leaving_);
  }
  // A row without its bytes is taken for a loss: the row goes first.
  auto waits = [](const Leaving& each) { return each.native; };
  if (healthy() && std::ranges::any_of(gone, waits) && !commit_durably(opening())) {
    std::lock_guard lock(mutex_);
    std::ranges::copy_if(gone, std::back_inserter(leaving_), waits);
    std::erase_if(gone, waits);
  }
  for (Leaving& each : gone) {
    if (healthy()) {
      // If it fails the file is an orphan until the next open; its bytes show in what is free.
      Result<> removed = directory()->remove(each.path);
      if (!removed && removed.error().code() == Code::busy) {  // no descriptor: later
        std::lock_guard lock(mutex_);
        leaving_.push_back(std::move(each));
        continue;
      }
      if (!removed) failed(true, removed.error());
    }
    each.file->uncache();
    each.file.reset();
  }
}

Task<Disk::NewFile> Disk::make_segment(bool recycler, Context ctx) {
  uint64_t bytes = segment_bytes();
  if (recycler ? !space_->take_for_recycler(bytes) : !space_->take(bytes)) {
    co_return fail(Code::busy, "no room for a segment on " + mine_.path, "ENOSPC");
  }
  Reservation room(space_, bytes);
  while (true) {
    uint64_t number = ctx.loop->random();
    Result<std::shared_ptr<io::File>> made =
        co_await io::run_blocking(ctx, lane(), [&]() -> Result<std::shared_ptr<io::File>> {
          auto folder = directory();
          auto file = folder->open(segment_path(number), io::OpenMode::create_new);
          if (!file) return file;
          std::array<std::byte, kSegmentHeaderBytes> header;
          encode(SegmentHeader{number, id()}, header);
          Result<> written = (*file)->allocate(bytes);
          if (written) written = (*file)->write_at(0, header);
          if (written) return file;
          Result<> removed = folder->remove(segment_path(number));
          if (!removed) failed(true, removed.error());
          return std::move(written.error());
        });
    if (!made && made.error().code() == Code::exists) continue;  // the number is taken
    if (!made) {
      failed(true, made.error());
      co_return std::move(made.error()).in("make a segment");
    }
    auto data = std::make_shared<DataFile>(space_, number_, number, bytes);
    room.keep();
    std::lock_guard lock(mutex_);
    segments_.push_back(data);
    co_return NewFile{std::move(data), std::move(*made)};
  }
}

std::vector<std::shared_ptr<DataFile>> Disk::segments() const {
  std::lock_guard lock(mutex_);
  return segments_;
}

void Disk::seal(DataFile& segment) {
  segment.sealed = true;
  sealed_bytes_.fetch_add(segment.bytes(), std::memory_order_relaxed);
}

void Disk::remove_segment(const std::shared_ptr<DataFile>& segment) {
  {
    std::lock_guard lock(mutex_);
    if (std::erase(segments_, segment) == 0) return;
  }
  sealed_bytes_.fetch_sub(segment->bytes(), std::memory_order_relaxed);
  leave(segment);
}

Result<uint64_t> Disk::measure_index() {
  uint64_t bytes = index_->bytes();
  auto folder = directory();
  auto entries = folder->list("index");
  if (!entries && entries.error().code() == Code::not_found) return bytes;
  if (!entries) return std::move(entries.error());
  for (auto& entry : *entries) {
    auto stat = folder->stat("index/" + entry.name);
    if (stat) bytes += stat->allocated;  // else it has just been removed
  }
  return bytes;
}

void Disk::refresh_limit() {
  auto room = directory()->space();
  if (!room) return failed(false, room.error());
  auto index = measure_index();
  if (!index) return failed(false, index.error());
  index_bytes_ = *index;
  Shares shares = share_out({.setting = mine_.capacity,
                             .total = room->total,
                             .free = room->free,
                             .inodes = room->inodes,
                             .free_inodes = room->free_inodes,
                             .sharers = sharers(),
                             .used = space_->used(),
                             .files = space_->files().used(),
                             .index = *index,
                             .most_segment = options_.segment_bytes,
                             .least_segment = least_segment(options_)});
  segment_bytes_ = shares.segment_bytes;
  space_->set_limits(shares.limit, shares.files_limit, shares.segment_bytes);
}

DiskStats Disk::stats() const {
  auto at = [](const std::atomic<uint64_t>& n) { return n.load(std::memory_order_relaxed); };
  DiskStats out{.path = mine_.path, .healthy = healthy()};
  out.asked = mine_.capacity;
  out.sharers = sharers();
  out.limit = space_->limit();
  out.used = space_->used();
  out.files = space_->files().used();
  out.files_limit = space_->files().limit();
  out.bound_by_files = space_->bound_by_files();
  out.index = index_bytes_.load(std::memory_order_relaxed);
  out.segment_bytes = segment_bytes();
  out.live = healthy() ? units_.live(number_) : 0;
  out.units = healthy() ? units_.units(number_) : 0;
  out.native = healthy() ? units_.native_live(number_) : 0;
  out.native_units = healthy() ? units_.native_units(number_) : 0;
  out.native_lost = at(counters.native_lost);
  out.evictions = at(counters.evictions);
  out.evicted_bytes = at(counters.evicted_bytes);
  out.recycled = at(counters.recycled);
  out.moved_bytes = at(counters.moved_bytes);
  out.refused = at(counters.refused);
  out.read_errors = at(counters.read_errors);
  out.write_errors = at(counters.write_errors);
  out.verified = at(counters.verified);
  out.verify_failures = at(counters.verify_failures);
  out.rows_dropped = at(counters.rows_dropped);
  out.files_removed = at(counters.files_removed);
  out.lost = at(counters.lost);
  std::lock_guard lock(mutex_);
  if (!out.healthy) out.trouble = trouble_;
  out.returns = !out.healthy && lost();
  out.segments = segments_.size();
  return out;
}

Result<> Disk::close() {
  if (!healthy()) return ok;
  sweep();
  Result<> done = commit();
  if (done) done = index_->flush();
  return done;
}

}  // namespace forebay::disk
