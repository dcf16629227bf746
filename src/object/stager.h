// Stager: the queue of objects that clients want here before they read them (docs/semantics.md,
// "Request headers").
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "io/sync.h"
#include "job/crew.h"
#include "object/bring.h"
#include "object/heads.h"
#include "obs/metrics.h"
#include "unit/cache.h"

namespace forebay::object {

/// All loops share one; its crews have stopped before it goes.
class Stager {
 public:
  /// Objects in the queue at once, all loops together, those that are being fetched among them.
  static constexpr size_t kMost = 1000;

  Stager(unit::Cache& cache, Heads& heads, job::Crews& crews, obs::Registry& registry);

  /// An object in the queue, or one that was.
  class Staged;
  /// Puts the version in `head` into the queue, where it may be already: then it is joined. Not
  /// without a strong tag or without bytes. Code::busy, "SlowDown": the queue is full.
  Result<std::shared_ptr<Staged>> add(HeadRef head, io::Loop& loop);
  /// Waits until all of it is here; errors as bring() has them.
  Task<> wait(std::shared_ptr<Staged> staged, Context ctx);

 private:
  Task<> fetch(HeadRef head, std::shared_ptr<Staged> staged, Context ctx);

  unit::Cache& cache_;
  Heads& heads_;
  job::Crews& crews_;
  obs::Counter &good_, &failed_, &refused_;
  obs::Gauge& waiting_;
  std::mutex mutex_;
  /// By the first unit, which no two versions share. Under mutex_, as is how each of them ended.
  std::unordered_map<UnitId, std::shared_ptr<Staged>> queue_;
};

}  // namespace forebay::object
