// The durable list of one disk's units, behind an interface because its engine does its own I/O:
// RocksDB in production, memory in simulation. One contract suite (index_test.cpp) binds both.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/names.h"
#include "base/result.h"

namespace forebay::disk {

/// A row to put (value) or to remove (nullopt).
struct Change {
  UnitId id;
  std::optional<std::string> value;
  bool native = false;  ///< of a native unit: it must not be given up
};

/// Rows by unit id. Every call may block: make it within run_blocking(). Any thread, any number at
/// once. An error of any call means that this index, and so its disk, cannot be trusted further.
class Index {
 public:
  virtual ~Index() = default;
  /// Calls `row` for every row, in order of id. The view is good during the call only.
  virtual Result<> load(const std::function<void(const UnitId&, ByteView)>& row) = 0;
  /// Makes all changes or none, in their order; the last of one id stays. Survives the death of
  /// the process when it returns. A power loss keeps, of all batches ever applied, some first
  /// ones: never a later one without every earlier one. Code::busy, "ENOSPC": there is no room, and
  /// nothing was changed.
  virtual Result<> apply(std::span<const Change> changes) = 0;
  /// Everything applied before survives a power loss when it returns.
  virtual Result<> flush() = 0;
  /// Bytes on the disk that are not in the disk's folder `index`, which is measured file by file.
  virtual uint64_t bytes() const { return 0; }
};

/// The production index: one RocksDB in the folder `path` (made when missing), its log unsynced.
/// Its buffers are cut to a disk of `capacity` bytes, so that it stays a small part of it.
/// Code::busy with "ENOSPC" when fewer than rocks_index_room() bytes are free there.
Result<std::shared_ptr<Index>> open_rocks_index(const std::string& path, uint64_t capacity);
/// What opening it may write, in bytes.
uint64_t rocks_index_room(uint64_t capacity);

/// The twin for simulation. It lives outside the simulated process: keep it, call crash(), and open
/// a new Store on it.
class MemoryIndex final : public Index {
 public:
  Result<> load(const std::function<void(const UnitId&, ByteView)>& row) override;
  Result<> apply(std::span<const Change> changes) override;
  Result<> flush() override;
  uint64_t bytes() const override;
  /// It takes so much more than its rows, as an engine's logs and buffers do.
  void set_overhead(uint64_t bytes) { overhead_ = bytes; }

  /// Power loss: of the batches since the last flush only the first `kept` stay.
  void crash(size_t kept);
  /// Batches applied since the last flush.
  size_t unflushed() const;
  /// Every later call fails, as a dead disk would; nullopt heals.
  void fail_with(std::optional<Error> error);

 private:
  using Rows = std::map<UnitId, std::string>;
  static void make(Rows& rows, std::span<const Change> changes);

  mutable std::mutex mutex_;
  Rows durable_;
  Rows rows_;
  std::vector<std::vector<Change>> since_flush_;
  std::optional<Error> error_;
  std::atomic<uint64_t> overhead_ = 0;
};

}  // namespace forebay::disk
