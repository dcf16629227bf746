// Whether all is well: the disks, and where the folders of buckets lead.
#pragma once

#include <memory>

#include "base/json.h"
#include "disk/store.h"
#include "io/sync.h"
#include "job/crew.h"
#include "node/origins.h"
#include "node/rows_watch.h"
#include "object/bucket.h"

namespace forebay::node {

/// On the first loop. What it refers to outlives it, and its crew has stopped before it goes.
class Health {
 public:
  Health(std::shared_ptr<disk::Store> disks, object::Buckets& buckets, Origins& origins,
         std::shared_ptr<const RowsTrouble> rows, job::Crews& crews)
      : disks_(std::move(disks)),
        rows_(std::move(rows)),
        buckets_(buckets),
        origins_(origins),
        crews_(crews) {}

  /// Looks at the folders of all buckets, unless that is under way. Does not wait.
  void look_again(io::Loop& loop);
  /// Adds `healthy`, `disks` and, where there are any, `rows_trouble` and `buckets_out`. Looks as
  /// it is asked; where a folder takes its time it tells what was seen before.
  Task<> show(Json& out [[clang::lifetimebound]], Context ctx);

 private:
  Task<> look_round(Context ctx);

  const std::shared_ptr<disk::Store> disks_;
  const std::shared_ptr<const RowsTrouble> rows_;
  object::Buckets& buckets_;
  Origins& origins_;
  job::Crews& crews_;
  bool looking_ = false;
  io::Progress looked_;
};

}  // namespace forebay::node
