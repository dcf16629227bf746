// DirStore::list: a walk in key order that enters only what can hold a wanted key.
#include <algorithm>

#include "base/held_text.h"
#include "origin/checksums.h"
#include "origin/dir_key.h"
#include "origin/dir_store.h"

namespace forebay::origin {

namespace {

/// One name of a folder as a piece of keys: "file", "folder/", or "" for the folder's own key.
struct Entry {
  std::string name;
  bool folder;
};

/// What an entry takes in a document: its fields, and a byte of its name where it is not plain.
constexpr uint64_t kMostFields = 400;
constexpr uint64_t kMostEscaped = 5;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_.~/").find(c) != std::string_view::npos;
}

/// For heaps whose top is the least name.
bool later(const Entry& a, const Entry& b) { return a.name > b.name; }

class Walk {
 public:
  Walk(DirStore& store, const ListOptions& options, Allowance::Share share, WallTime now)
      : store_(store),
        options_(options),
        after_(options.continuation.empty() ? options.start_after : options.continuation),
        now_(now) {
    out_.share = std::move(share);
  }

  Result<ListAnswer> run() {
    if (options_.max_keys == 0) return ListAnswer();
    Result<> walked = folder("");
    if (!walked) return std::move(walked.error());
    if (out_.truncated) out_.next = out_.last_name;
    return std::move(out_);
  }

 private:
  // Visits the keys that begin with `key` ("" or ending with '/').
  Result<> folder(const std::string& key) {
    Result<std::vector<Entry>> entries = wanted(key);
    if (!entries) return std::move(entries.error());
    std::make_heap(entries->begin(), entries->end(), later);
    while (!entries->empty() && !out_.truncated) {
      std::pop_heap(entries->begin(), entries->end(), later);
      Entry entry = std::move(entries->back());
      entries->pop_back();
      Result<> visited = visit(key + entry.name, entry.folder);
      if (!visited) return visited;
    }
    return ok;
  }

  Result<> visit(const std::string& full, bool is_folder) {
    std::string common = rolled_up(full);
    if (!common.empty()) {
      if (common <= after_ || common == last_prefix_) return ok;
      Result<bool> any = is_folder ? holds_any(full) : ObjectKey::parse(full).has_value();
      if (!any) return std::move(any.error());
      if (*any) give_prefix(std::move(common));
      return ok;
    }
    return is_folder ? folder(full) : give_object(full);
  }

  /// The common prefix that stands for `full`; empty when it is listed itself.
  std::string rolled_up(const std::string& full) const {
    if (options_.delimiter.empty() || !full.starts_with(options_.prefix)) return {};
    size_t at = full.find(options_.delimiter, options_.prefix.size());
    if (at == std::string::npos) return {};
    return full.substr(0, at + options_.delimiter.size());
  }

  /// Whether the page has room for one more of that name; else it ends here.
  bool room(std::string_view name) {
    size_t entries = out_.objects.size() + out_.prefixes.size();
    told_ += kMostFields;
    for (char c : name) told_ += is_plain(c) ? 1 : kMostEscaped;
    out_.truncated = entries >= options_.max_keys ||
                     (!out_.share.resize(HeldText::share_of(told_)) && entries > 0);
    return !out_.truncated;
  }

  void give_prefix(std::string common) {
    if (!room(common)) return;
    last_prefix_ = common;
    out_.last_name = common;
    out_.prefixes.push_back(std::move(common));
  }

  Result<> give_object(const std::string& key) {
    auto parsed = ObjectKey::parse(key);
    if (!parsed) return ok;  // no key in S3's sense: too long, or no UTF-8
    auto path = dir_path(*parsed);
    if (!path) return ok;
    Result<DirObject> object = store_.find(*path, now_);
    if (!object && object.error().code() == Code::denied) {
      // Not readable by us, or a link that leads outside. The former is there all the same.
      auto stat = store_.root()->stat(*path);
      if (!stat || stat->kind != io::FileStat::Kind::file) return ok;
      object = DirObject();
      object->info.size = stat->size;
      object->info.modified = stat->modified;
      object->info.etag = dir_etag(*stat);
    }
    if (!object && object.error().code() == Code::not_found) return ok;  // gone meanwhile
    if (!object) return std::move(object.error());
    if (!room(key)) return ok;
    out_.last_name = key;
    ListedObject listed{key, object->info.size, object->info.etag, object->info.modified};
    listed.checksum = plan_of(object->info.checksums);
    out_.objects.push_back(std::move(listed));
    return ok;
  }

  /// What lies in a folder; a folder that is gone is empty.
  Result<std::vector<io::DirectoryEntry>> read(const std::string& key) {
    auto found = store_.root()->list(key.empty() ? "" : key.substr(0, key.size() - 1));
    if (!found && found.error().code() == Code::not_found) {
      return std::vector<io::DirectoryEntry>();
    }
    return found;
  }

  /// A directory entry as a piece of keys; nothing when it is hidden or no file or folder.
  std::optional<Entry> piece(const std::string& key, io::DirectoryEntry entry) {
    if (dir_reserved(entry.name)) {
      if (key.empty() || entry.name != kDirFolderFile) return std::nullopt;
      return Entry{"", false};
    }
    io::FileStat::Kind kind = entry.kind;
    if (kind == io::FileStat::Kind::other) {
      auto stat = store_.root()->stat(key + entry.name);
      if (!stat) return std::nullopt;
      kind = stat->kind;
      if (kind == io::FileStat::Kind::directory && leads_back(key, *stat)) return std::nullopt;
    }
    if (kind == io::FileStat::Kind::other) return std::nullopt;
    bool is_folder = kind == io::FileStat::Kind::directory;
    if (is_folder) entry.name += '/';
    if (key.size() + entry.name.size() > ObjectKey::kMaxBytes) return std::nullopt;
    return Entry{std::move(entry.name), is_folder};
  }

  /// Whether a link in folder `key` leads to one of the folders it lies in.
  bool leads_back(const std::string& key, const io::FileStat& target) {
    for (std::string above = key.empty() ? "" : key.substr(0, key.size() - 1);;
         above = dir_parent(above)) {
      auto stat = store_.root()->stat(above);
      if (stat && stat->inode == target.inode && stat->device == target.device) return true;
      if (above.empty()) return false;
    }
  }

  Result<std::vector<Entry>> wanted(const std::string& key) {
    auto found = read(key);
    if (!found) return std::move(found.error());
    std::vector<Entry> out;
    for (io::DirectoryEntry& raw : *found) {
      // Cheap tests first: a page of a large folder drops most names here.
      if (raw.kind == io::FileStat::Kind::file && after_.starts_with(key) &&
          raw.name != kDirFolderFile && std::string_view(after_).substr(key.size()) >= raw.name) {
        continue;
      }
      std::optional<Entry> entry = piece(key, std::move(raw));
      if (!entry) continue;
      std::string full = key + entry->name;
      bool in_prefix = full.starts_with(options_.prefix);
      if (!in_prefix && !(entry->folder && options_.prefix.starts_with(full))) continue;
      if (full <= after_ && !(entry->folder && after_.starts_with(full))) continue;
      out.push_back(std::move(*entry));
    }
    return out;
  }

  /// Whether any key begins with `key`: an empty folder is none.
  Result<bool> holds_any(const std::string& key) {
    auto found = read(key);
    if (!found) return std::move(found.error());
    std::vector<std::string> below;
    for (io::DirectoryEntry& raw : *found) {
      std::optional<Entry> entry = piece(key, std::move(raw));
      if (!entry) continue;
      std::string full = key + entry->name;
      if (!ObjectKey::parse(full)) continue;
      if (!entry->folder) return true;
      below.push_back(std::move(full));
    }
    for (const std::string& name : below) {
      Result<bool> any = holds_any(name);
      if (!any || *any) return any;
    }
    return false;
  }

  DirStore& store_;
  const ListOptions& options_;
  const std::string after_;
  const WallTime now_;
  ListAnswer out_;
  uint64_t told_ = 0;  ///< bytes of the document that out_ becomes, at most
  std::string last_prefix_;
};

}  // namespace

Result<ListAnswer> DirStore::list(const ListOptions& options, Allowance::Share share,
                                  WallTime now) {
  return Walk(*this, options, std::move(share), now).run();
}

}  // namespace forebay::origin
