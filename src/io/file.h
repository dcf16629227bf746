// Files and folders. Every call here may block unless it says otherwise: make it inside
// run_blocking(). Paths are relative to a Directory and never leave it (openat2 RESOLVE_BENEATH).
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "io/lane.h"

namespace forebay::io {

/// What stat tells.
struct FileStat {
  enum class Kind { file, directory, other };
  Kind kind = Kind::file;
  uint64_t size = 0;
  WallTime modified;
  WallTime changed;
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t allocated = 0;  ///< bytes on disk
};

/// An open file; any thread. The descriptor closes with the last holder.
class File {
 public:
  virtual ~File() = default;
  /// Bytes read: all that were asked for, fewer only at the end of the file.
  virtual Result<size_t> read_at(uint64_t offset, ByteSpan into) = 0;
  /// Does not block: bytes read from memory (perhaps fewer than asked), 0 at the end, -EAGAIN
  /// when the disk would be asked, or another -errno.
  virtual ssize_t try_read_at(uint64_t offset, ByteSpan into) = 0;
  /// Writes all of `bytes`.
  virtual Result<> write_at(uint64_t offset, ByteView bytes) = 0;
  /// Reserves blocks so that later writes up to `size` find space; the size grows to it.
  virtual Result<> allocate(uint64_t size) = 0;
  virtual Result<> truncate(uint64_t size) = 0;
  /// The bytes, and how many they are, are durable when it returns (fdatasync). Attributes and
  /// times need not be: ext4 keeps them out of it.
  virtual Result<> sync() = 0;
  /// All of the file is (fsync).
  virtual Result<> sync_all() { return sync(); }
  virtual Result<FileStat> stat() = 0;
  /// Does not block: whether the bytes are in memory, so that sendfile will not wait for the disk.
  virtual bool resident(uint64_t offset, uint64_t length) = 0;
  /// Brings the bytes into memory.
  virtual void read_ahead(uint64_t offset, uint64_t length) = 0;
  /// The kernel's descriptor; -1 in simulation.
  virtual int descriptor() const = 0;
  /// Where calls that block on this file belong; null is the engine's own lane.
  virtual Lane* lane() const { return nullptr; }
  /// Nobody but its owner may read it from now on (mode 0600).
  virtual Result<> make_private() = 0;
  /// An extended attribute of the open file, as Directory::attribute.
  virtual Result<std::string> attribute(const std::string& name) {
    return fail(Code::unavailable, "attribute " + name + ": not supported");
  }
  /// Sets it for this very file, whatever its name has come to mean since it was opened.
  virtual Result<> set_attribute(const std::string& name, const std::string& value) {
    (void)value;
    return fail(Code::unavailable, "attribute " + name + ": not supported");
  }
  /// Copies `length` bytes of `source` from `from` to `to` here, in the kernel where it can (some
  /// filesystems share the blocks). A source that ends before is Code::corrupt.
  virtual Result<> copy_from(File& source, uint64_t from, uint64_t to, uint64_t length) {
    std::vector<std::byte> buffer(std::min<uint64_t>(length, 256 << 10));
    while (length > 0) {
      ByteSpan into = ByteSpan(buffer).first(std::min<uint64_t>(length, buffer.size()));
      Result<size_t> count = source.read_at(from, into);
      if (!count) return std::move(count.error());
      if (*count == 0) return fail(Code::corrupt, "a file is shorter than what is copied of it");
      Result<> written = write_at(to, into.first(*count));
      if (!written) return written;
      from += *count, to += *count, length -= *count;
    }
    return ok;
  }
  /// Somebody found it shorter than the slice he was given: remembered for who gave it.
  void found_short() { short_.store(true, std::memory_order_relaxed); }
  bool is_short() const { return short_.load(std::memory_order_relaxed); }
  /// Somebody could not read what is at `offset`, by the disk's fault: the same.
  void found_unreadable(uint64_t offset);
  /// Whether that happened to somebody in this stretch.
  bool is_unreadable(uint64_t offset, uint64_t length) const;
  /// Places remembered one by one; from the next one on all of the file counts as unreadable.
  static constexpr size_t kUnreadablePlaces = 1024;

 private:
  std::atomic<bool> short_ = false;
  std::atomic<bool> unreadable_ = false;
  mutable std::mutex mutex_;
  std::vector<uint64_t> unreadable_at_;
};

enum class OpenMode {
  read,        ///< must exist
  read_write,  ///< must exist
  create,      ///< read and write; made if missing
  create_new,  ///< read and write; Code::exists when it is there
  /// Read and write past the page cache; must exist. Offset, length and memory of every transfer
  /// are multiples of kDirectAlign. Code::invalid where the file system has no such thing.
  direct,
};
inline constexpr uint64_t kDirectAlign = 4096;

struct DirectoryEntry {
  std::string name;
  FileStat::Kind kind;  ///< a symbolic link is `other`
};

/// A folder by its descriptor; any thread. A path that leaves it is Code::denied.
class Directory {
 public:
  virtual ~Directory() = default;
  /// A folder → Code::conflict; what is neither file nor folder → Code::denied.
  virtual Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual Result<FileStat> stat(const std::string& path) = 0;
  /// Shows the names in one folder ("" is this one), in no order, without "." and "..", one at a
  /// time, until `see` answers false. It may take the name out of the entry.
  virtual Result<> visit(const std::string& path,
                         const std::function<bool(DirectoryEntry&)>& see) = 0;
  /// All that visit() shows: for folders that are known to be small.
  Result<std::vector<DirectoryEntry>> list(const std::string& path) {
    std::vector<DirectoryEntry> out;
    Result<> visited = visit(path, [&](DirectoryEntry& entry) {
      out.push_back(std::move(entry));
      return true;
    });
    if (!visited) return std::move(visited.error());
    return out;
  }
  /// Makes a folder and its parents; no error when it is there.
  virtual Result<> make_directory(const std::string& path) = 0;
  /// Removes a file, or an empty folder. Not empty → Code::conflict.
  virtual Result<> remove(const std::string& path) = 0;
  /// Removes an empty folder, and never a file. Not empty → Code::conflict; no folder, or a file
  /// in its place → Code::not_found.
  virtual Result<> remove_folder(const std::string& path) {
    Result<FileStat> found = stat(path);
    if (!found) return std::move(found.error());
    if (found->kind != FileStat::Kind::directory) return fail(Code::not_found, "no folder " + path);
    return remove(path);
  }
  /// Atomically gives `from` the name `to`, replacing a file there unless `keep_existing`, which
  /// answers Code::exists instead. A folder replaces an empty folder only.
  virtual Result<> rename(const std::string& from, const std::string& to, bool keep_existing) = 0;
  /// Makes names in a folder durable.
  virtual Result<> sync(const std::string& path) = 0;
  struct Space {
    uint64_t total = 0;
    uint64_t free = 0;
    /// Files and folders that the file system can hold and that can still be made. A total of 0:
    /// it makes room for them as it goes (btrfs, xfs nearly so).
    uint64_t inodes = 0;
    uint64_t free_inodes = 0;
  };
  virtual Result<Space> space() = 0;
  /// Extended attributes of a file (user.…): missing → not_found; unsupported → unavailable.
  virtual Result<std::string> attribute(const std::string& path, const std::string& name) = 0;
  virtual Result<> set_attribute(const std::string& path, const std::string& name,
                                 const std::string& value) = 0;
};

/// Part of a file, kept open (and, by `pin`, kept from eviction) while it is held.
struct FileSlice {
  std::shared_ptr<File> file;
  uint64_t offset = 0;
  uint64_t length = 0;
  std::shared_ptr<const void> pin = nullptr;
};

}  // namespace forebay::io
