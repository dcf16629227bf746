// DirStore: uploads in parts. An upload is a folder: `upload.json` and one file per part.
#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "origin/dir/key.h"
#include "origin/dir/store.h"
#include "origin/parts.h"

namespace forebay::origin {

namespace {

constexpr uint64_t kLargestUploadFile = 1 << 20;
constexpr std::string_view kUploadFile = "upload.json";
constexpr std::string_view kPartPrefix = "part.";

Error no_such_upload() { return fail(Code::not_found, "no such upload", "NoSuchUpload"); }

std::string folder_of(std::string_view id) {
  return std::string(kDirUploads) + "/" + std::string(id);
}

std::string part_path(std::string_view id, uint32_t number) {
  return folder_of(id) + "/" + std::string(kPartPrefix) + std::to_string(number);
}

std::optional<uint32_t> part_number(std::string_view name) {
  if (!name.starts_with(kPartPrefix)) return std::nullopt;
  name.remove_prefix(kPartPrefix.size());
  uint32_t number = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

Result<std::string> read_whole(io::Directory& root, const std::string& path) {
  auto file = root.open(path, io::OpenMode::read);
  if (!file) return std::move(file.error());
  auto stat = (*file)->stat();
  if (!stat) return std::move(stat.error());
  if (stat->size > kLargestUploadFile) return fail(Code::corrupt, "a file is too large").in(path);
  std::string text(stat->size, '\0');
  auto count = (*file)->read_at(0, std::as_writable_bytes(std::span(text)));
  if (!count) return std::move(count.error());
  if (*count != text.size()) return fail(Code::corrupt, "a file is short").in(path);
  return text;
}

}  // namespace

bool is_dir_upload_id(std::string_view id) {
  return id.size() == 32 && std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<> DirStore::create_upload(const std::string& id, const DirUpload& upload, WallTime now) {
  // Made aside and renamed, so that a folder of an upload always has its file.
  std::string aside = std::string(kDirTemporary) + "/" + id;
  if (!swept_.exchange(true)) sweep(now);
  Result<> made = make_upload(aside, id, upload);
  // Where there is no room, what is left of each try would take some.
  if (!made) drop_tree(aside, 1);
  return made ? sync_above(folder_of(id)) : made;
}

Result<> DirStore::make_upload(const std::string& aside, const std::string& id,
                               const DirUpload& upload) {
  Result<> made = root()->make_directory(aside);
  if (!made) return made;
  std::string path = aside + "/" + std::string(kUploadFile);
  auto file = root()->open(path, io::OpenMode::create_new);
  if (!file) return std::move(file.error());
  Result<> written = (*file)->write_at(0, as_bytes(encode(upload)));
  if (!written) return written;
  Result<> synced = (*file)->sync();
  if (!synced) return synced;
  Result<> named = root()->sync(aside);
  if (!named) return named;
  return place(aside, folder_of(id), true);
}

Result<DirUpload> DirStore::upload(const std::string& id, const std::string& key) {
  if (!is_dir_upload_id(id)) return no_such_upload();
  auto text = read_whole(*root(), folder_of(id) + "/" + std::string(kUploadFile));
  if (!text && text.error().code() == Code::not_found) return no_such_upload();
  if (!text) return std::move(text.error());
  auto upload = parse_dir_upload(*text);
  if (upload && upload->key != key) return no_such_upload();
  return upload;
}

Result<PartInfo> DirStore::commit_part(DirTemp& temp, const std::string& id, uint32_t number,
                                       Fields checksums) {
  auto stat = temp.file->stat();
  if (!stat) return std::move(stat.error());
  DirRecord record;
  record.size = stat->size;
  record.modified = stat->modified;
  record.etag = ETag("\"" + to_hex(temp.md5.digest()) + "\"");
  record.checksums = std::move(checksums);
  Result<> recorded = write_record(*temp.file, *stat, encode(record));
  if (!recorded) return std::move(recorded.error());
  Result<> synced = temp.file->sync_all();
  if (!synced) return std::move(synced.error());
  std::string path = part_path(id, number);
  auto before = root()->stat(path);
  Result<> placed = root()->rename(temp.path, path, false);
  if (!placed && placed.error().code() == Code::not_found) return no_such_upload();
  if (!placed) return std::move(placed.error());
  if (before) drop_record(*before);
  Result<> durable = root()->sync(folder_of(id));
  if (!durable && durable.error().code() == Code::not_found) return no_such_upload();
  if (!durable) return durable.error().as(Code::unavailable);
  return PartInfo{number, stat->size, record.etag, stat->modified, std::move(record.checksums)};
}

Result<std::map<uint32_t, PartInfo>> DirStore::parts(const std::string& id) {
  auto entries = root()->list(folder_of(id));
  if (!entries && entries.error().code() == Code::not_found) return no_such_upload();
  if (!entries) return std::move(entries.error());
  std::map<uint32_t, PartInfo> out;
  for (const io::DirectoryEntry& entry : *entries) {
    auto number = part_number(entry.name);
    if (!number) continue;
    Result<DirObject> part = find(part_path(id, *number), {});
    if (!part && part.error().code() == Code::not_found) continue;  // gone meanwhile
    if (!part) return std::move(part.error());
    ObjectInfo& info = part->info;
    out[*number] = {*number, info.size, std::move(info.etag), info.modified,
                    std::move(info.checksums)};
  }
  return out;
}

Result<std::shared_ptr<io::File>> DirStore::open_part(const std::string& id, const PartInfo& part) {
  Result<DirObject> found = find(part_path(id, part.number), {});
  if (!found && found.error().code() == Code::not_found) return no_such_upload();
  if (!found) return std::move(found.error());
  if (found->info.etag != part.etag || found->info.size != part.size) {
    return fail(Code::invalid, "a part was replaced while the upload completed", "InvalidPart");
  }
  return std::move(found->file);
}

Result<> DirStore::drop_upload(const std::string& id) {
  std::string aside = std::string(kDirTemporary) + "/" + id;
  for (int attempt = 0; attempt < 10; ++attempt) {
    Result<> made = root()->make_directory(std::string(kDirTemporary));
    if (!made) return made;
    Result<> moved = root()->rename(folder_of(id), aside, true);
    if (moved) {
      Result<> durable = root()->sync(std::string(kDirUploads));
      drop_tree(aside, 1);
      return durable;
    }
    if (moved.error().code() != Code::not_found) return moved;
    if (!root()->stat(folder_of(id))) return no_such_upload();
  }
  return fail(Code::busy, "folders come and go too fast", "SlowDown");
}

Result<> DirStore::visit_uploads(const std::function<void(UploadInfo)>& see) {
  Result<> good = ok;
  Result<> visited = root()->visit(std::string(kDirUploads), [&](io::DirectoryEntry& entry) {
    if (!is_dir_upload_id(entry.name)) return true;
    auto text = read_whole(*root(), folder_of(entry.name) + "/" + std::string(kUploadFile));
    if (!text && text.error().code() == Code::not_found) return true;  // gone meanwhile
    auto upload = text ? parse_dir_upload(*text) : Result<DirUpload>(std::move(text.error()));
    if (upload) see({std::move(upload->key), entry.name, upload->initiated, upload->plan});
    if (!upload) good = std::move(upload.error());
    return good.has_value();
  });
  if (!visited && visited.error().code() == Code::not_found) return ok;
  return visited ? good : visited;
}

}  // namespace forebay::origin
