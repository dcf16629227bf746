// Where a file's record lies: in its attribute, or beside it where attributes cannot hold it; and
// the one change that a record sees after its file is in place, that of its tags.
#include "origin/dir/key.h"
#include "origin/dir/store.h"

namespace forebay::origin {

namespace {

constexpr uint64_t kLargestRecord = 4 << 20;

/// Whether a file's attribute says that its record lies beside it: it is no record.
constexpr const char* kElsewhere = "elsewhere";

}  // namespace

std::optional<DirRecord> DirStore::read_record(io::File& file, const io::FileStat& stat) {
  Result<std::string> text = file.attribute(kDirAttribute);
  if (outside_records_ && (!text || *text == kElsewhere)) {
    auto kept = root()->open(dir_record_path(stat), io::OpenMode::read);
    if (!kept) return std::nullopt;
    auto kept_stat = (*kept)->stat();
    if (!kept_stat || kept_stat->size > kLargestRecord) return std::nullopt;
    text = std::string(kept_stat->size, '\0');
    auto bytes = std::as_writable_bytes(std::span(*text));
    auto count = (*kept)->read_at(0, bytes);
    if (!count || *count != bytes.size()) return std::nullopt;
  }
  if (!text) return std::nullopt;
  Result<DirRecord> record = parse_dir_record(*text);
  if (!record || !record->describes(stat)) return std::nullopt;
  return std::move(*record);
}

Result<> DirStore::write_record(io::File& file, const io::FileStat& stat, const std::string& text) {
  if (file.set_attribute(kDirAttribute, text)) return ok;
  // No attributes here, or too little room for this one (ext4 has one block for all).
  Result<> kept = write_outside(stat, text);
  if (!kept) return kept;
  // A record that was there before, and did fit, counts no more.
  Result<std::string> before = file.attribute(kDirAttribute);
  return before ? file.set_attribute(kDirAttribute, kElsewhere) : Result<>(ok);
}

// By rename, so that of a record that is replaced one of the two is there after a crash.
Result<> DirStore::write_outside(const io::FileStat& stat, const std::string& text) {
  Result<> made = root()->make_directory(std::string(kDirRecords));
  if (!made) return made;
  std::string path = dir_record_path(stat), fresh = path + ".new";
  auto file = root()->open(fresh, io::OpenMode::create);
  if (!file) return std::move(file.error());
  outside_records_ = true;
  Result<> emptied = (*file)->truncate(0);
  if (!emptied) return emptied;
  Result<> written = (*file)->write_at(0, as_bytes(text));
  if (!written) return written;
  Result<> synced = (*file)->sync();
  if (!synced) return synced;
  Result<> placed = root()->rename(fresh, path, false);
  if (!placed) return placed;
  return sync_above(path);
}

void DirStore::drop_record(const io::FileStat& stat) {
  if (outside_records_) (void)root()->remove(dir_record_path(stat));
}

Result<> DirStore::set_tags(const std::string& path, TagSet tags, WallTime now) {
  // Two at once would otherwise each keep what they know of the record.
  std::lock_guard lock(lock_of(path));
  Result<DirObject> found = find(path, now);
  if (!found) return std::move(found.error());
  // What is open is what gets them: whoever replaces the file meanwhile replaces the tags too.
  io::File& file = *found->file;
  DirRecord record{.size = found->stat.size,
                   .modified = found->stat.modified,
                   .etag = found->info.etag,
                   .fields = std::move(found->info.fields),
                   .tags = std::move(tags),
                   .checksums = std::move(found->info.checksums),
                   .parts = std::move(found->parts)};
  record.fields.erase(std::string(kTaggingCount));  // it follows from the tags
  Result<> recorded = write_record(file, found->stat, encode(record));
  if (!recorded) return recorded.error_in("keep the tags of a file");
  Result<> synced = file.sync_all();
  if (!synced) return synced.error().as(Code::unavailable).in("the disk failed at the commit");
  return ok;
}

}  // namespace forebay::origin
