// One data file of a disk, a large unit or a segment, and the bounded cache of open descriptors.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/names.h"
#include "disk/space.h"
#include "io/file.h"

namespace forebay::disk {

/// A file that exists, and its bytes in the account. Shared by the map of units, by slices (as
/// their pin) and by whoever works on it; when the last one lets go, the bytes are free. Any
/// thread.
class DataFile {
 public:
  /// A segment.
  DataFile(std::shared_ptr<Space> space, uint8_t disk, uint64_t number, uint64_t bytes)
      : space_(std::move(space)), number_(number), bytes_(bytes), disk_(disk), segment_(true) {}
  /// A large unit.
  DataFile(std::shared_ptr<Space> space, uint8_t disk, uint64_t number, uint64_t bytes,
           const UnitId& id)
      : space_(std::move(space)), number_(number), bytes_(bytes), id_(id), disk_(disk) {}
  DataFile(const DataFile&) = delete;
  DataFile& operator=(const DataFile&) = delete;
  ~DataFile();

  /// Of a unit that was begun without a name. Before anybody but its writer knows the file.
  void give_id(const UnitId& id) { id_ = id; }
  /// Of one that grows: so many more are in the account. The same.
  void add_bytes(uint64_t more) { bytes_ += more; }

  uint8_t disk() const { return disk_; }
  uint64_t number() const { return number_; }
  uint64_t bytes() const { return bytes_; }
  bool is_segment() const { return segment_; }
  /// Under the disk's folder.
  std::string path() const;
  Space& space() const { return *space_; }

  /// The open file, if its descriptor is cached; counts as a use. One that was found short is given
  /// up: whoever opens it again looks how long it is.
  std::shared_ptr<io::File> file();
  /// Caches `file`, or gives the one that is cached already. `*added` tells which.
  std::shared_ptr<io::File> cache(std::shared_ptr<io::File> file, bool* added);
  /// Gives the descriptor up; holders of it go on.
  void uncache();
  bool cached() const;
  /// Whether file() was called since the last time this was asked.
  bool used_lately() { return used_.exchange(false, std::memory_order_relaxed); }

  /// The file will be unlinked: from now on its bytes are leaving. Once.
  void retire();

  /// Segments: bytes of records whose units can be found.
  std::atomic<uint64_t> live = 0;
  /// Segments: nothing is appended any more.
  std::atomic<bool> sealed = false;
  /// Segments: a native unit has been in it.
  std::atomic<bool> native = false;
  /// Segments: a native unit in it cannot be read, so it is not recycled.
  std::atomic<bool> stuck = false;

 private:
  const std::shared_ptr<Space> space_;
  const uint64_t number_;
  uint64_t bytes_;
  UnitId id_{};
  mutable std::mutex mutex_;
  std::shared_ptr<io::File> file_;
  std::atomic<bool> used_ = false;
  std::atomic<bool> retired_ = false;
  const uint8_t disk_;
  const bool segment_ = false;
};

/// Which data files hold a cached descriptor: at most so many, second chance decides. Any thread.
class OpenFiles {
 public:
  explicit OpenFiles(size_t most) : most_(most) {}
  /// After DataFile::cache() said `added`. May uncache another.
  void add(const std::shared_ptr<DataFile>& file);
  /// Descriptors cached now.
  size_t size() const;

 private:
  const size_t most_;
  mutable std::mutex mutex_;
  std::vector<std::weak_ptr<DataFile>> ring_;
  size_t hand_ = 0;
};

}  // namespace forebay::disk
