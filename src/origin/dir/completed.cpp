// DirStore: what uploads came to, and the end of all uploads with their bucket.
#include <algorithm>

#include "origin/dir/key.h"
#include "origin/dir/store.h"

namespace forebay::origin {

namespace {

/// How long a lost answer can be asked for again. Less than temporary files live: a record whose
/// file is gone says that it became the object.
constexpr Duration kRemembered = seconds(3600);
/// Records kept, but for those of this many completions since the last sweep.
constexpr size_t kMostRemembered = 1000;
constexpr uint32_t kSweepEvery = 64;
constexpr uint64_t kLargestCompleted = 1 << 20;

std::string completed_path(const std::string& id) { return std::string(kDirCompleted) + "/" + id; }

Result<> write_completed(io::Directory& root, const std::string& path, const std::string& text) {
  Result<> made = root.make_directory(std::string(kDirCompleted));
  if (!made) return made;
  auto file = root.open(path, io::OpenMode::create);
  if (!file) return std::move(file.error());
  Result<> emptied = (*file)->truncate(0);
  if (!emptied) return emptied;
  Result<> written = (*file)->write_at(0, as_bytes(text));
  if (!written) return written;
  return (*file)->sync();
}

}  // namespace

Result<PutAnswer> DirStore::commit_upload(const std::string& id, DirTemp& temp,
                                          const std::string& path, DirRecord record,
                                          DirCompleted completed,
                                          const WriteConditions& conditions) {
  WallTime now = completed.at;
  completed.temp = temp.path;
  if (completions_++ % kSweepEvery == 0) sweep_completed(now);
  Result<> kept = write_completed(*root(), completed_path(id), encode(completed));
  if (kept) kept = sync_above(completed_path(id));
  Result<PutAnswer> done =
      kept ? commit(temp, path, std::move(record), conditions, now) : std::move(kept.error());
  if (!done) {
    // In this order: a record without its file would say that it became the object.
    (void)root()->remove(completed_path(id));
    drop(temp);
  }
  return done;
}

std::optional<DirCompleted> DirStore::completed(const std::string& id, const std::string& key,
                                                WallTime now) {
  if (!is_dir_upload_id(id)) return std::nullopt;
  auto file = root()->open(completed_path(id), io::OpenMode::read);
  if (!file) return std::nullopt;
  auto stat = (*file)->stat();
  if (!stat || stat->size > kLargestCompleted) return std::nullopt;
  std::string text(stat->size, '\0');
  auto count = (*file)->read_at(0, std::as_writable_bytes(std::span(text)));
  if (!count || *count != text.size()) return std::nullopt;
  auto record = parse_dir_completed(text);
  // Torn or foreign: nothing is known.
  if (!record || record->key != key || now.ns - record->at.ns > kRemembered.ns) {
    return std::nullopt;
  }
  if (root()->stat(record->temp)) return std::nullopt;
  return std::move(*record);
}

void DirStore::sweep_completed(WallTime now) {
  auto entries = root()->list(std::string(kDirCompleted));
  if (!entries) return;
  std::vector<std::pair<int64_t, std::string>> kept;  // the newest first
  for (const io::DirectoryEntry& entry : *entries) {
    std::string path = completed_path(entry.name);
    auto stat = root()->stat(path);
    if (!stat) continue;
    kept.emplace_back(-stat->modified.ns, std::move(path));
  }
  std::sort(kept.begin(), kept.end());
  for (size_t i = 0; i < kept.size(); ++i) {
    bool old = now.ns + kept[i].first > kRemembered.ns;
    if (old || i >= kMostRemembered) (void)root()->remove(kept[i].second);
  }
}

Result<> DirStore::drop_uploads(const std::string& name) {
  for (std::string_view folder : {kDirUploads, kDirCompleted}) {
    if (!root()->stat(std::string(folder))) continue;
    Result<> made = root()->make_directory(std::string(kDirTemporary));
    if (!made) return made;
    std::string aside = std::string(kDirTemporary) + "/" + name + std::string(folder);
    Result<> moved = root()->rename(std::string(folder), aside, false);
    if (!moved && moved.error().code() == Code::not_found) continue;
    if (!moved) return moved;
    Result<> durable = root()->sync("");
    if (!durable) return durable;
    drop_tree(aside, 2);
  }
  return ok;
}

Result<> DirStore::discard(io::Loop& loop) {
  Result<> opened = open(loop, nullptr);
  if (!opened && opened.error().code() == Code::not_found) return ok;
  if (!opened) return opened;
  bool any_key = false;
  std::vector<std::string> own;
  Result<> seen = root()->visit("", [&](io::DirectoryEntry& entry) {
    any_key = !dir_reserved(entry.name) || entry.name == kDirFolderFile;
    own.push_back(std::move(entry.name));
    return !any_key;
  });
  if (!seen || any_key) return seen;
  for (const std::string& name : own) drop_tree(name, 3);
  auto above = loop.open_directory(
      path_.starts_with('/') && path_.rfind('/') == 0 ? "/" : dir_parent(path_), false);
  if (!above) return std::move(above.error());
  Result<> removed = (*above)->remove_folder(path_.substr(path_.rfind('/') + 1));
  // A key that came meanwhile keeps it.
  if (!removed && removed.error().code() != Code::conflict) return removed;
  return (*above)->sync("");
}

}  // namespace forebay::origin
