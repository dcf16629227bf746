// Gets space back from segments: what lives in a mostly dead one is copied forward, then the file
// is unlinked whole.
#pragma once

#include <memory>
#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "disk/disk.h"
#include "disk/file/data_file.h"
#include "disk/index/unit_map.h"
#include "disk/segment/appender.h"

namespace forebay::disk {

/// One per disk; one pass at a time. Belongs to the Store.
class Recycler {
 public:
  Recycler(const Options& options, Disk& disk, UnitMap& units, OpenFiles& open_files)
      : disk_(disk), units_(units), mover_(options, disk, units, open_files, true, [] {}) {}

  /// Unlinks dead segments; while space is short, recycles the emptiest ones.
  Task<> pass(Context ctx);
  /// Bytes that recycling can win back from segments at least a quarter dead. Eviction stops when
  /// this covers what is missing.
  uint64_t promise() const;
  /// As Appender::let_go().
  void let_go() { mover_.let_go(); }
  bool abandon() { return mover_.abandon(); }

 private:
  std::shared_ptr<DataFile> emptiest() const;
  Task<> recycle(std::shared_ptr<DataFile> segment, Context ctx);
  Result<> remove_dead();
  Result<> finish(const std::shared_ptr<DataFile>& segment, uint64_t opening);
  std::vector<Appender::Move> living(const std::shared_ptr<DataFile>& segment, ByteView bytes,
                                     uint64_t* offset);

  Disk& disk_;
  UnitMap& units_;
  Appender mover_;
};

}  // namespace forebay::disk
