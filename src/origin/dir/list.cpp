// DirStore::list: a walk in key order that enters only what can hold a wanted key.
#include "base/held_text.h"
#include "origin/checksums.h"
#include "origin/dir/key.h"
#include "origin/dir/least_names.h"
#include "origin/dir/store.h"

namespace forebay::origin {

namespace {

/// What an entry takes in a document: its fields, and a byte of its name where it is not plain.
constexpr uint64_t kMostFields = 400;
constexpr uint64_t kMostEscaped = 5;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_.~/").find(c) != std::string_view::npos;
}

class Walk {
 public:
  using Entry = LeastNames::Entry;

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
    LeastNames names(held_);
    do {
      Result<> seen = read(key, names, [&](Entry entry) {
        want(key, std::move(entry), names);
        return true;
      });
      if (!seen) return seen;
      while (!out_.truncated) {
        std::optional<Entry> entry = names.take();
        if (!entry) break;
        Result<> visited = visit(key + entry->name, entry->folder);
        if (!visited) return visited;
      }
    } while (!out_.truncated && names.more());
    return ok;
  }

  Result<> visit(const std::string& full, bool is_folder) {
    std::string common = rolled_up(full);
    if (common.empty()) return is_folder ? folder(full) : give_object(full);
    if (common == last_prefix_) return ok;
    Result<bool> any = is_folder ? holds_any(full) : true;
    if (!any) return std::move(any.error());
    if (*any) give_prefix(std::move(common));
    return ok;
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

  /// Shows what lies in a folder and `names` wants; a folder that is gone is empty.
  template <class See>
  Result<> read(const std::string& key, LeastNames& names, const See& see) {
    names.begin();
    std::string path = key.empty() ? "" : key.substr(0, key.size() - 1);
    Result<> seen = store_.root()->visit(path, [&](io::DirectoryEntry& raw) {
      // Cheap tests first: a page of a large folder drops most names here.
      if (!dir_reserved(raw.name) && !names.may_want(raw.name)) return true;
      std::optional<Entry> entry = piece(key, raw);
      return !entry || names.taken(entry->name) || see(std::move(*entry));
    });
    if (!seen && seen.error().code() == Code::not_found) return ok;
    return seen;
  }

  /// A directory entry as a piece of keys; nothing when it is hidden or no file or folder.
  std::optional<Entry> piece(const std::string& key, io::DirectoryEntry& entry) {
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

  /// Keeps an entry that may lead to a name of the page.
  void want(const std::string& key, Entry entry, LeastNames& names) {
    if (!entry.folder && after_.starts_with(key) &&
        std::string_view(after_).substr(key.size()) >= entry.name) {
      return;
    }
    std::string full = key + entry.name;
    bool in_prefix = full.starts_with(options_.prefix);
    if (!in_prefix && !(entry.folder && options_.prefix.starts_with(full))) return;
    if (full <= after_ && !after_.starts_with(full)) return;
    std::string common = rolled_up(full);
    if (!common.empty()) {
      if (common <= after_ || common == last_prefix_) return;
      if (!entry.folder) {
        // Any file stands for its common prefix: one of many is kept.
        if (!ObjectKey::parse(full)) return;
        entry.name = common.substr(key.size());
      }
    }
    names.offer(std::move(entry));
  }

  /// Whether any key begins with `key`: an empty folder is none.
  Result<bool> holds_any(const std::string& key) {
    LeastNames below(held_);
    do {
      bool any = false;
      Result<> seen = read(key, below, [&](Entry entry) {
        if (!ObjectKey::parse(key + entry.name)) return true;
        any = !entry.folder;
        if (entry.folder) below.offer(std::move(entry));
        return !any;
      });
      if (!seen) return std::move(seen.error());
      if (any) return true;
      while (std::optional<Entry> entry = below.take()) {
        Result<bool> found = holds_any(key + entry->name);
        if (!found || *found) return found;
      }
    } while (below.more());
    return false;
  }

  DirStore& store_;
  const ListOptions& options_;
  const std::string after_;
  const WallTime now_;
  ListAnswer out_;
  uint64_t told_ = 0;  ///< bytes of the document that out_ becomes, at most
  uint64_t held_ = 0;  ///< bytes of names, of all folders that are being walked
  std::string last_prefix_;
};

}  // namespace

Result<ListAnswer> DirStore::list(const ListOptions& options, Allowance::Share share,
                                  WallTime now) {
  return Walk(*this, options, std::move(share), now).run();
}

}  // namespace forebay::origin
