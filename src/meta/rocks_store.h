// RocksStore: rows in an embedded RocksDB in one folder; the store of a single node. RocksDB's
// headers stay inside rocks_store.cpp. Commits that wait at the same time share one write and one
// sync. Tuned small: control rows are few.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "io/file.h"
#include "meta/store.h"

namespace forebay::meta {

/// Rows are added only while so many bytes of the file system are free: a 128th of it, at least
/// 512 KiB, at most 16 MiB. That is half of what cache disks leave alone (docs/formats/disk.md,
/// "Room"), so a full cache beside the rows does not stop them. Removals need a quarter of it.
uint64_t row_reserve(uint64_t total);
inline constexpr uint64_t kLeastRowReserve = 512 << 10;
inline constexpr uint64_t kMostRowReserve = 16 << 20;

struct RocksOptions {
  /// The folder; made if missing, its parent is not. One process at a time: a second one gets
  /// Code::busy.
  std::string path;
  /// Bytes of blocks kept in memory.
  size_t block_cache = 4 << 20;
  /// Bytes of one memtable; there are at most two.
  size_t memtable = 4 << 20;
  /// What the file system has; tests put another in its place. Null: it is asked, and an error when
  /// the folder is no longer there. Called on the store's threads.
  std::function<Result<io::Directory::Space>()> space = nullptr;
};

/// See the top of this file. Any loop. A commit without room → Code::busy, "InsufficientStorage":
/// nothing was changed, and it works again once there is room. The same where the folder is gone,
/// as Code::busy, "SlowDown".
class RocksStore : public Store {
 public:
  /// Recovers what was committed. A torn end of the log is dropped (it was never acknowledged);
  /// damage anywhere else → Code::corrupt.
  static Task<std::unique_ptr<RocksStore>> open(RocksOptions options, Context ctx);
  /// Why no row can be added now; empty: they can.
  virtual Task<std::string> trouble(Context ctx) = 0;
  /// Blocking: waits for background work. No call may be running.
  ~RocksStore() override = default;
};

}  // namespace forebay::meta
