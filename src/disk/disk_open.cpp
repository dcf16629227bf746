// How a disk is opened: identity, folders, segments, rows; rows without data and data without rows
// are dropped. Memory beyond the map itself: the names of one folder (a 256th of the units).
#include <unordered_map>
#include <unordered_set>

#include "disk/disk.h"
#include "io/loop.h"

namespace forebay::disk {

namespace {

constexpr const char* kIdentity = "forebay-disk";
constexpr const char* kNewIdentity = "forebay-disk.new";
constexpr uint64_t kLeastCapacity = 4 << 20;

constexpr const char* kIndexPart = "index/CURRENT";
// There since the first native unit: what is missing of such a disk is not made anew.
constexpr const char* kNative = "native";

Result<> expect_empty(io::Directory& folder) {
  auto entries = folder.list("");
  if (!entries) return std::move(entries.error());
  for (auto& entry : *entries) {
    if (entry.name == kNewIdentity || entry.name == "lost+found") continue;
    return fail(Code::invalid, "the folder holds '" + entry.name + "' and is no disk of Forebay");
  }
  return ok;
}

std::string folder_name(unsigned prefix) {
  return unit_path(UnitId{{uint8_t(prefix)}}, 0).substr(0, 8);
}

}  // namespace

Task<> Disk::open(Context ctx) {
  lane_ = ctx.loop->make_lane({.kind = "disk", .subject = "the disk " + mine_.path});
  co_return co_await open_steps(false, ctx);
}

Task<> Disk::open_steps(bool again, Context ctx) {
  DiskId fresh;
  ctx.loop->random_bytes(std::as_writable_bytes(std::span(fresh)));
  io::Loop* loop = ctx.loop;
  Result<> done = co_await io::run_blocking(ctx, lane(), [&]() -> Result<> {
    auto directory = find_folder(*loop, again);
    if (!directory) return std::move(directory.error());
    return open_folder(std::move(*directory), fresh);
  });
  if (done) done = co_await io::run_blocking(ctx, lane(), [&] { return open_index(); });
  if (done) done = co_await io::run_blocking(ctx, lane(), [&] { return find_segments(); });
  if (done) done = co_await io::run_blocking(ctx, lane(), [&] { return load_rows(); });
  if (done) done = co_await io::run_blocking(ctx, lane(), [&] { return drop_dead_segments(); });
  if (!done) {
    take_out(done.error().text());
    co_return done.error_in("open disk " + mine_.path);
  }
  co_return ok;
}

// --- a disk that is lost

std::string Disk::missing(io::Loop& loop) {
  auto there = loop.open_directory(mine_.path, false);
  if (!there && there.error().code() == Code::not_found) return "its folder is gone";
  if (there) {
    auto now = (*there)->stat("");
    if (!now) failed(false, now.error());
    if (now && (now->inode != home_.inode || now->device != home_.device)) {
      return "another folder is in its place";
    }
  } else if (there.error().code() == Code::conflict) {
    return "its folder is none any more";
  } else {
    failed(false, there.error());
  }
  auto folder = directory();
  for (const char* part : {kIdentity, "new", "segments", "units", kIndexPart}) {
    if (part == kIndexPart && !index_in_folder_) continue;
    auto stat = folder->stat(part);
    if (!stat && stat.error().code() == Code::not_found) return std::string(part) + " is gone";
  }
  return {};
}

void Disk::look(io::Loop& loop) {
  if (directory() == nullptr) return;  // it never was here
  std::string gone = missing(loop);
  if (gone.empty()) return;
  counters.lost++;
  lost_ = true;
  take_out(std::move(gone));
}

// A folder is made again only on the file system where it was: what shows below a mount point
// whose disk is gone belongs to somebody else, and may be small.
Result<std::shared_ptr<io::Directory>> Disk::find_folder(io::Loop& loop, bool again) {
  // One that has never been opened was nowhere yet.
  if (!again || home_.device == 0) return loop.open_directory(mine_.path, true, lane_);
  auto there = loop.open_directory(mine_.path, false, lane_);
  auto same_system = [&](io::Directory& folder) {
    auto stat = folder.stat("");
    return stat && stat->device == home_.device;
  };
  if (there) {
    if (same_system(**there) || (*there)->stat(kIdentity)) return there;
    return fail(Code::unavailable, "another file system is in its place");
  }
  if (there.error().code() != Code::not_found) return there;
  // One that is made would stand in the way of who puts it back.
  if (natives_) {
    return fail(Code::unavailable,
                "its folder is gone, with objects of native buckets, which are nowhere else: put "
                "it back");
  }
  size_t slash = mine_.path.rfind('/');
  auto above = loop.open_directory(slash == 0 ? "/" : mine_.path.substr(0, slash), false);
  if (!above || !same_system(**above)) {
    return fail(Code::unavailable, "its folder is gone, and its file system with it");
  }
  return loop.open_directory(mine_.path, true, lane_);
}

// What was found before is found again, or not. Files that readers hold stay in the account.
void Disk::forget_files() {
  std::vector<std::shared_ptr<DataFile>> segments;  // these let go outside of the lock
  std::vector<Leaving> leaving;
  {
    std::lock_guard lock(mutex_);
    pending_.clear();
    segments.swap(segments_);
    leaving.swap(leaving_);
  }
  sealed_bytes_ = 0;
  for (auto& segment : segments) segment->uncache();
  for (auto& each : leaving) each.file->uncache();
}

Task<> Disk::reopen(Context ctx) {
  Result<> closed = co_await io::run_blocking(ctx, lane(), [&]() -> Result<> {
    forget_files();
    std::lock_guard in_order(commit_mutex_);
    index_.reset();  // its folder can be opened once at a time
    return ok;
  });
  co_await std::move(closed);
  forgive();
  Result<> opened = co_await open_steps(true, ctx);
  if (opened) lost_ = false;
  co_return opened;
}

Result<> Disk::open_folder(std::shared_ptr<io::Directory> directory, const DiskId& fresh) {
  auto home = directory->stat("");
  if (!home) return std::move(home.error());
  // The same folder without its identity is ours all the same.
  bool ours = home->inode == home_.inode && home->device == home_.device;
  {
    std::lock_guard lock(mutex_);
    directory_ = directory;
  }
  if (Result<> whole = expect_natives(); !whole) return whole;
  auto identity = directory_->open(kIdentity, io::OpenMode::read);
  if (!identity && identity.error().code() != Code::not_found) return std::move(identity.error());
  if (identity) {
    std::array<std::byte, 256> buffer;
    auto size = (*identity)->read_at(0, buffer);
    if (!size) return std::move(size.error());
    auto id = decode_identity(as_text(ByteView(buffer).first(*size)));
    if (!id) return std::move(id.error());
    set_id(*id);
  } else {
    Result<> may = ours ? Result<>(ok) : expect_empty(*directory);
    if (!may) return may;
    if (Result<> written = write_identity(ours ? id() : fresh); !written) return written;
  }
  home_ = *home;
  for (const char* folder : {"new", "segments", "units"}) {
    if (Result<> made = directory_->make_directory(folder); !made) return made;
  }
  // What is durable in them must be found in them.
  if (Result<> named = directory_->sync(""); !named) return named;
  auto unfinished = directory_->list("new");
  if (!unfinished) return std::move(unfinished.error());
  for (auto& entry : *unfinished) {
    if (Result<> removed = directory_->remove("new/" + entry.name); !removed) return removed;
    counters.files_removed++;
  }
  return ok;
}

// An index without rows, or folders without files, would make everything else look like what has
// no owner, to be removed.
Result<> Disk::expect_natives() {
  bool here = directory_->stat(kNative).has_value();
  if (!here && !natives_) return ok;
  natives_ = true;
  for (const char* part : {kNative, "segments", "units", kIndexPart}) {
    if (part == kIndexPart && mine_.open_index) continue;  // it is elsewhere
    auto there = directory_->stat(part);
    if (there) continue;
    if (there.error().code() != Code::not_found) return std::move(there.error());
    return fail(Code::unavailable,
                std::string(part) +
                    " is gone of a disk with objects of native buckets, which are "
                    "nowhere else: put it back");
  }
  return ok;
}

Result<> Disk::note_natives() {
  if (natives_) return ok;
  auto folder = directory();
  auto made = folder->open(kNative, io::OpenMode::create);
  if (!made) return std::move(made.error());
  Result<> named = folder->sync("");
  if (named) natives_ = true;
  return named;
}

// The identity is durable before anything else exists, so a folder with our data always has one.
Result<> Disk::write_identity(const DiskId& fresh) {
  auto file = directory_->open(kNewIdentity, io::OpenMode::create);
  if (!file) return std::move(file.error());
  Result<> done = (*file)->truncate(0);
  if (done) done = (*file)->write_at(0, as_bytes(encode_identity(fresh)));
  if (done) done = (*file)->sync();
  if (done) done = directory_->rename(kNewIdentity, kIdentity, true);
  if (done) done = directory_->sync("");
  set_id(fresh);
  return done;
}

Result<> Disk::open_index() {
  auto room = directory_->space();
  if (!room) return std::move(room.error());
  uint64_t capacity = room->total;
  if (mine_.capacity != 0) capacity = std::min(capacity, mine_.capacity);
  if (capacity < kLeastCapacity) {
    return fail(Code::invalid,
                "a disk needs 4 MiB at least; what cache-size and its file system leave it is " +
                    std::to_string(capacity) + " bytes");
  }
  auto index =
      mine_.open_index ? mine_.open_index() : open_rocks_index(mine_.path + "/index", capacity);
  if (!index) {
    // Who frees some room gets the disk back.
    if (index.error().detail() == "ENOSPC") lost_ = true;
    return std::move(index.error());
  }
  {
    std::lock_guard in_order(commit_mutex_);
    index_ = std::move(*index);
  }
  index_in_folder_ = directory_->stat(kIndexPart).has_value();
  if (Result<> named = directory_->sync(""); !named) return named;
  if (disk_bytes(record_bytes(options_.small_max) + kSegmentHeaderBytes) > capacity / 16) {
    return fail(Code::invalid, "small_max does not fit a segment of this disk");
  }
  return ok;
}

Result<> Disk::find_segments() {
  auto entries = directory_->list("segments");
  if (!entries) return std::move(entries.error());
  for (auto& entry : *entries) {
    std::string path = "segments/" + entry.name;
    auto number = parse_number(entry.name);
    auto file = directory_->open(path, io::OpenMode::read);
    if (!file) return std::move(file.error());
    auto stat = (*file)->stat();
    if (!stat) return std::move(stat.error());
    std::array<std::byte, kSegmentHeaderBytes> bytes{};
    auto size = (*file)->read_at(0, bytes);
    if (!size) return std::move(size.error());
    auto header = decode_segment_header(ByteView(bytes).first(*size));
    // Its records have headers of their own, and rows lead to them.
    bool ours = header && number && *header == SegmentHeader{*number, id()};
    if (!ours && !(natives_ && number)) {
      if (Result<> removed = directory_->remove(path); !removed) return removed;
      counters.files_removed++;
      continue;
    }
    auto data = std::make_shared<DataFile>(space_, number_, *number, stat->size);
    seal(*data);
    space_->found(stat->size);
    segments_.push_back(std::move(data));
  }
  return ok;
}

// Rows come in the order of ids and so folder by folder: each folder is listed once, its rows take
// their names out of the list, and what is left has no row.
class Disk::Loader {
 public:
  explicit Loader(Disk& disk) : disk_(disk) {
    for (auto& segment : disk.segments_) segments_[segment->number()] = segment;
  }

  void row(const UnitId& id, ByteView value) {
    if (!result_) return;
    if (id.bytes[0] >= next_folder_) enter(id.bytes[0]);
    auto row = decode_row(value);
    if (!row && row.error().code() == Code::invalid) {
      result_ = std::move(row.error());
    } else if (UnitClass of = row ? row->unit_class : UnitClass::clean;
               !row || !take(id, std::move(*row))) {
      disk_.queue_remove(id, of);
      disk_.counters.rows_dropped++;
      if (of == UnitClass::native) disk_.counters.native_lost++;
    }
  }

  Result<> finish() {
    enter(255);
    leave();
    return std::move(result_);
  }

 private:
  // False when the row's data is not there.
  bool take(const UnitId& id, Row row) {
    Unit unit{.file = nullptr,
              .offset = row.offset,
              .length = row.length,
              .unverified = row.boot != disk_.boot_,
              .stamp = row.stamp,
              .crcs = std::move(row.crcs),
              .owner = row.owner,
              .unit_class = row.unit_class};
    bool room = unit.native() || !disk_.units_.at_bound();
    if (row.in_segment) {
      auto segment = segments_.find(row.number);
      if (segment == segments_.end()) return false;
      if (row.offset + row.length > segment->second->bytes()) return false;
      unit.file = segment->second;
    } else {
      auto name = names_.find(unit_path(id, row.number).substr(9));
      if (name == names_.end() || !room) return false;
      uint64_t bytes = disk_bytes(row.length);
      unit.file = std::make_shared<DataFile>(disk_.space_, disk_.number_, row.number, bytes, id);
      disk_.space_->found(bytes);
      bool native = unit.native();
      bool taken = disk_.units_.insert_found(id, std::move(unit));
      // A native one that is here twice: neither is given up.
      if (taken || native) names_.erase(name);
      return taken || native;
    }
    bool native = unit.native();
    return room && (disk_.units_.insert_found(id, std::move(unit)) || native);
  }

  void enter(unsigned folder) {
    for (; result_ && next_folder_ <= folder; ++next_folder_) {
      leave();
      auto entries = disk_.directory_->list(folder_name(next_folder_));
      if (!entries && entries.error().code() == Code::not_found) continue;
      if (!entries) {
        result_ = std::move(entries.error());
        return;
      }
      for (auto& entry : *entries) names_.insert(std::move(entry.name));
    }
  }

  // Removes what the folder holds without a row.
  void leave() {
    for (auto& name : names_) {
      if (!result_) break;
      result_ = disk_.directory_->remove(folder_name(next_folder_ - 1) + "/" + name);
      disk_.counters.files_removed++;
    }
    names_.clear();
  }

  Disk& disk_;
  std::unordered_map<uint64_t, std::shared_ptr<DataFile>> segments_;
  std::unordered_set<std::string> names_;  // in folder next_folder_ - 1
  unsigned next_folder_ = 0;
  Result<> result_ = ok;
};

Result<> Disk::load_rows() {
  Loader loader(*this);
  Result<> loaded = index_->load([&](const UnitId& id, ByteView value) { loader.row(id, value); });
  if (!loaded) return loaded;  // what was not read must not look like files without rows
  return loader.finish();
}

Result<> Disk::drop_dead_segments() {
  for (auto& segment : segments()) {
    if (segment->live == 0) remove_segment(segment);
  }
  units_.set_in(number_);
  healthy_ = true;
  sweep();
  refresh_limit();
  return commit();
}

}  // namespace forebay::disk
