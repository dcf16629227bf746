// RocksStore: rows in an embedded RocksDB in one folder; the store of a single node. RocksDB's
// headers stay inside rocks_store.cpp. Commits that wait at the same time share one write and one
// sync. Tuned small: control rows are few.
#pragma once

#include <memory>
#include <string>

#include "meta/store.h"

namespace forebay::meta {

struct RocksOptions {
  /// The folder; made if missing, its parent is not. One process at a time: a second one gets
  /// Code::busy.
  std::string path;
  /// Bytes of blocks kept in memory.
  size_t block_cache = 4 << 20;
  /// Bytes of one memtable; there are at most two.
  size_t memtable = 4 << 20;
};

/// See the top of this file. Any loop.
class RocksStore : public Store {
 public:
  /// Recovers what was committed. A torn end of the log is dropped (it was never acknowledged);
  /// damage anywhere else → Code::corrupt.
  static Task<std::unique_ptr<RocksStore>> open(RocksOptions options, Context ctx);
  /// Blocking: waits for background work. No call may be running.
  ~RocksStore() override = default;
};

}  // namespace forebay::meta
