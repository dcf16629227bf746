#include "origin/dir/store.h"

#include <algorithm>
#include <functional>

#include "base/encoding.h"
#include "origin/dir/key.h"

namespace forebay::origin {

namespace {

constexpr Duration kForgotten = seconds(24 * 3600);
constexpr int kPlaceAttempts = 100;

Error no_such_key(const std::string& path) {
  return fail(Code::not_found, "The specified key does not exist.", "NoSuchKey")
      .in("no file '" + path + "'");
}

/// The error of a folder's file in the words of an origin.
Error in_words(const Error& error, std::string_view what) {
  if (error.detail().empty() && error.code() == Code::denied) {
    return fail(Code::denied, "Access Denied", "AccessDenied").in(error.text()).in(what);
  }
  return error.in(what);
}

/// What failed may have taken effect.
Error uncertain(const Error& error) {
  return error.as(Code::unavailable).in("the disk failed at the commit");
}

}  // namespace

// --- RecentTags

void RecentTags::add(const std::string& tag, WallTime now) {
  std::lock_guard lock(mutex_);
  // After the tick is over a tag is strong by its age; keep it for twice as long.
  while (!order_.empty() &&
         (order_.size() >= limit_ || now.ns - order_.front().first.ns > seconds(4).ns)) {
    tags_.erase(order_.front().second);
    order_.pop_front();
  }
  if (tags_.insert(tag).second) order_.emplace_back(now, tag);
}

bool RecentTags::contains(const std::string& tag) const {
  std::lock_guard lock(mutex_);
  return tags_.contains(tag);
}

Result<> DirTemp::append(ByteView bytes) {
  if (other != nullptr) other->update(bytes);
  Result<> written = file->write_at(size, bytes);
  if (!written) return written;
  size += bytes.size();
  return ok;
}

// --- opening and reading

// What cannot be looked at may still be what it was.
bool DirStore::replaced(io::Loop& loop) const {
  auto there = loop.open_directory(path_, false);
  if (!there) {
    // A file or a link to nothing in its place is no folder either.
    Code code = there.error().code();
    return code == Code::not_found || code == Code::conflict;
  }
  auto found = (*there)->stat(""), kept = root()->stat("");
  return found && kept && (found->inode != kept->inode || found->device != kept->device);
}

void DirStore::set_root(std::shared_ptr<io::Directory> root) {
  std::lock_guard lock(root_mutex_);
  root_.swap(root);
}

Result<> DirStore::open(io::Loop& loop, const std::shared_ptr<io::Lane>& lane) {
  std::lock_guard lock(open_mutex_);
  // What is made once, for a new bucket, is not made again when somebody has removed it.
  bool first = next_look_ == Time{};
  if (root() != nullptr) {
    if (loop.now() < next_look_) return ok;
    next_look_ = loop.now() + kLook;
    if (!replaced(loop)) return ok;
    set_root(nullptr);
  }
  if (allowed_) {
    if (Result<> may = allowed_(); !may) return may;
  }
  auto opened = loop.open_directory(path_, create_ && first, lane);
  if (!opened && opened.error().code() == Code::not_found) {
    return fail(Code::not_found, "The specified bucket does not exist", "NoSuchBucket")
        .in("no folder " + path_);
  }
  if (!opened) return in_words(opened.error(), "open the folder of a bucket");
  // A folder that was just made must outlive a power loss, or all that is put into it does not.
  for (std::string above = path_; create_ && first && above.size() > 1;) {
    above = dir_parent(above);
    auto folder = loop.open_directory(above.empty() ? "/" : above, false);
    if (folder) (void)(*folder)->sync("");
  }
  next_look_ = loop.now() + kLook;
  set_root(std::move(*opened));
  outside_records_ = root()->stat(std::string(kDirRecords)).has_value();
  return ok;
}

Result<> DirStore::look_again(io::Loop& loop, const std::shared_ptr<io::Lane>& lane) {
  auto before = root();
  {
    std::lock_guard lock(open_mutex_);
    next_look_ = loop.now();
  }
  if (Result<> there = open(loop, lane); !there) return there;
  if (root() == before) return ok;
  return fail(Code::unavailable, "the folder of the bucket was made again; try again");
}

Result<DirObject> DirStore::find(const std::string& path, WallTime now) {
  auto file = root()->open(path, io::OpenMode::read);
  if (!file) {
    // A folder in its place, a file above it, or a name no filesystem has: no such key either.
    Code code = file.error().code();
    if (code == Code::not_found || code == Code::conflict || code == Code::too_large) {
      return no_such_key(path);
    }
  }
  if (!file) {
    // A socket, a pipe, a device: no object, for reads as for lists.
    auto there = root()->stat(path);
    if (there && there->kind == io::FileStat::Kind::other) return no_such_key(path);
    return in_words(file.error(), "open a file");
  }
  auto stat = (*file)->stat();
  if (!stat) return std::move(stat.error());
  if (stat->kind != io::FileStat::Kind::file) return no_such_key(path);
  return describe(std::move(*file), *stat, now);
}

DirObject DirStore::describe(std::shared_ptr<io::File> file, const io::FileStat& stat,
                             WallTime now) {
  DirObject out;
  std::string identity = "d:" + dir_identity(stat);
  out.info.size = stat.size;
  out.info.modified = stat.modified;
  if (!dir_unsettled(stat, now) || own_.contains(identity)) {
    out.info.tag = Tag(std::move(identity));
  }
  if (auto record = read_record(*file, stat)) {
    out.info.etag = std::move(record->etag);
    out.info.fields = std::move(record->fields);
    out.info.checksums = std::move(record->checksums);
    if (!record->tags.empty()) {
      out.info.fields[std::string(kTaggingCount)] = std::to_string(record->tags.size());
    }
    out.tags = std::move(record->tags);
    out.parts = std::move(record->parts);
  } else {
    out.info.etag = dir_etag(stat);
    out.info.fields = {{"content-type", "binary/octet-stream"}};
  }
  out.file = std::move(file);
  out.stat = stat;
  return out;
}

// --- writing

Result<DirTemp> DirStore::begin(const std::string& name, WallTime now) {
  DirTemp temp;
  temp.path = std::string(kDirTemporary) + "/" + name;
  for (int attempt = 1;; ++attempt) {
    Result<> made = root()->make_directory(std::string(kDirTemporary));
    if (!made) return in_words(made.error(), "make the folder of temporary files");
    auto file = root()->open(temp.path, io::OpenMode::create_new);
    if (file) {
      temp.file = std::move(*file);
      break;
    }
    // A probe may just have removed the empty folder.
    if (file.error().code() != Code::not_found || attempt == kPlaceAttempts) {
      return in_words(file.error(), "make a temporary file");
    }
  }
  if (!swept_.exchange(true)) sweep(now);
  return temp;
}

void DirStore::drop(const DirTemp& temp) { (void)root()->remove(temp.path); }

std::mutex& DirStore::lock_of(const std::string& path) {
  return stripes_[std::hash<std::string>()(path) % stripes_.size()];
}

Result<> DirStore::check_conditions(const std::string& path, const WriteConditions& conditions,
                                    WallTime now) {
  if (!conditions.if_none_match_any && conditions.if_match.empty()) return ok;
  Result<DirObject> there = find(path, now);
  if (!there && there.error().code() != Code::not_found) return std::move(there.error());
  if (conditions.if_none_match_any && !there) return ok;
  if (!conditions.if_match.empty()) {
    if (!there) return std::move(there.error());
    if (matches(conditions.if_match, there->info.etag)) return ok;
  }
  return fail(Code::conflict, "the condition does not hold", "PreconditionFailed");
}

Result<PutAnswer> DirStore::commit(DirTemp& temp, const std::string& path, DirRecord record,
                                   const WriteConditions& conditions, WallTime now) {
  auto written = temp.file->stat();
  if (!written) return std::move(written.error());
  record.size = written->size;
  record.modified = written->modified;
  Result<> recorded = write_record(*temp.file, *written, encode(record));
  if (!recorded) return in_words(recorded.error(), "keep a record");
  Result<> synced = temp.file->sync_all();
  if (!synced) return std::move(synced.error());

  io::FileStat placed;
  {
    std::lock_guard lock(lock_of(path));
    Result<> holds = check_conditions(path, conditions, now);
    Result<io::FileStat> before = root()->stat(path);
    Result<> done = holds ? place(temp.path, path, conditions.if_none_match_any) : std::move(holds);
    if (!done) {
      drop_record(*written);
      return std::move(done.error());
    }
    if (before && before->kind == io::FileStat::Kind::file) drop_record(*before);
    auto stat = temp.file->stat();
    if (!stat) return uncertain(stat.error());
    placed = *stat;
    own_.add("d:" + dir_identity(placed), now);
  }
  Result<> durable = sync_above(path);
  if (!durable) return uncertain(durable.error());
  return PutAnswer{record.etag, Tag("d:" + dir_identity(placed)), {}, placed.modified};
}

std::optional<std::string> DirStore::file_above(const std::string& path) {
  for (std::string above = dir_parent(path); !above.empty(); above = dir_parent(above)) {
    auto stat = root()->stat(above);
    if (stat && stat->kind != io::FileStat::Kind::directory) return above;
  }
  return std::nullopt;
}

Result<> DirStore::place_over_folder(const std::string& path) {
  Result<> gone = root()->remove_folder(path);
  if (gone || gone.error().code() == Code::not_found) return ok;
  return fail(Code::invalid,
              "a directory cannot hold this key: keys below '" + path + "/' are there",
              "InvalidArgument");
}

Result<> DirStore::place(const std::string& from, const std::string& path, bool keep_existing) {
  for (int attempt = 0; attempt < kPlaceAttempts; ++attempt) {
    std::string parent = dir_parent(path);
    Result<> made = parent.empty() ? Result<>(ok) : root()->make_directory(parent);
    Result<> renamed = made ? root()->rename(from, path, keep_existing) : std::move(made);
    if (renamed) return ok;
    Code code = renamed.error().code();
    if (code == Code::corrupt || code == Code::internal) return uncertain(renamed.error());
    if (code != Code::not_found && code != Code::exists && code != Code::conflict) {
      return in_words(renamed.error(), "put a file in place");
    }
    if (auto file = file_above(path)) {
      return fail(Code::invalid, "a directory cannot hold this key: '" + *file + "' is a key",
                  "InvalidArgument");
    }
    auto there = root()->stat(path);
    if (there && there->kind == io::FileStat::Kind::directory) {
      Result<> cleared = place_over_folder(path);
      if (!cleared) return cleared;
    } else if (there && keep_existing) {
      return fail(Code::conflict, "the key is there", "PreconditionFailed");
    }
    // Else a folder was pruned between the two steps.
  }
  return fail(Code::busy, "folders come and go too fast", "SlowDown");
}

Result<> DirStore::sync_above(const std::string& path) {
  std::string above = path;
  do {
    above = dir_parent(above);
    Result<> synced = root()->sync(above);
    // A folder that is gone was pruned: its last key was removed after this one came.
    if (!synced && synced.error().code() != Code::not_found) return synced;
  } while (!above.empty());
  return ok;
}

// --- removing

Result<> DirStore::remove(const std::string& path, const WriteConditions& conditions,
                          WallTime now) {
  {
    std::lock_guard lock(lock_of(path));
    if (Result<> holds = check_conditions(path, conditions, now); !holds) return holds;
    auto there = root()->stat(path);
    if (there && there->kind != io::FileStat::Kind::file) return ok;
    Result<> removed = root()->remove(path);
    if (!removed && removed.error().code() == Code::not_found) return ok;
    if (!removed && removed.error().code() == Code::denied) {
      return in_words(removed.error(), "remove a file");
    }
    if (!removed) return uncertain(removed.error());
    if (there) drop_record(*there);
  }
  prune_above(path);
  Result<> durable = sync_above(path);
  if (!durable) return uncertain(durable.error());
  return ok;
}

void DirStore::prune_above(const std::string& path) {
  for (std::string above = dir_parent(path); !above.empty(); above = dir_parent(above)) {
    if (!root()->remove_folder(above)) return;
  }
}

void DirStore::drop_tree(const std::string& path, int depth) {
  auto entries = root()->list(path);
  if (!entries || depth == 0) return;
  for (const io::DirectoryEntry& entry : *entries) {
    std::string name = path + "/" + entry.name;
    if (entry.kind == io::FileStat::Kind::directory) {
      drop_tree(name, depth - 1);
      continue;
    }
    if (auto stat = root()->stat(name)) drop_record(*stat);
    (void)root()->remove(name);
  }
  (void)root()->remove_folder(path);
}

void DirStore::sweep(WallTime now) {
  std::string folder(kDirTemporary);
  auto entries = root()->list(folder);
  if (!entries) return;
  for (const io::DirectoryEntry& entry : *entries) {
    std::string path = folder + "/" + entry.name;
    auto stat = root()->stat(path);
    if (!stat || now.ns - stat->changed.ns < kForgotten.ns) continue;
    if (stat->kind == io::FileStat::Kind::directory) {
      drop_tree(path, 2);
    } else {
      drop_record(*stat);
      (void)root()->remove(path);
    }
  }
}

Result<> DirStore::try_to_write(const std::string& name) {
  std::string folder(kDirTemporary);
  Result<> made = root()->make_directory(folder);
  if (!made) return made;
  auto file = root()->open(folder + "/" + name, io::OpenMode::create_new);
  if (!file) return std::move(file.error());
  (void)root()->remove(folder + "/" + name);
  (void)root()->remove_folder(folder);
  return ok;
}

}  // namespace forebay::origin
