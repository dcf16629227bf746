// Node: Forebay as one simulated process, built from production parts as node/node.cpp builds them,
// and a client that talks to it over the simulated network. What outlives a process — the origin,
// the disk, the index, the rows — belongs to the test.
#pragma once

#include <memory>
#include <string>

#include "auth/guard.h"
#include "client/s3.h"
#include "disk/store.h"
#include "gateway/s3/door.h"
#include "http/server.h"
#include "io/sim.h"
#include "job/crew.h"
#include "meta/memory_store.h"
#include "obs/log.h"
#include "testkit/memory_origin.h"
#include "unit/tee.h"

namespace forebay::simtest {

/// What a process finds when it starts, and what is left of it.
struct Machine {
  io::Simulation& simulation;
  std::shared_ptr<testkit::MemoryOrigin> origin;
  meta::MemoryStore rows = {};
  std::shared_ptr<disk::MemoryIndex> index = std::make_shared<disk::MemoryIndex>();
  std::string boot_id = "boot 1";
  uint64_t disk_capacity = 4 << 20;
  uint32_t small_max = 4096;
  uint64_t direct_min = 64 << 10;
};

class Node {
 public:
  static constexpr std::string_view kBucket = "bucket";

  /// `machine` and `rows` must outlive it; `rows` lies over machine.rows.
  Node(Machine& machine, meta::Store& rows);
  ~Node();

  /// Opens everything and serves. With `bucket` it is made first.
  Task<> start(std::optional<object::BucketSpec> bucket, Context ctx);
  /// As SIGTERM: drains, ends all background work, closes. Nothing of it runs when it returns.
  Task<> stop(Context ctx);
  /// The process is dead to its index from now on; stop() follows to free what it held.
  void die();

  client::Exchange& exchange() { return *exchange_; }
  client::S3Client& s3() { return *s3_; }
  disk::Store& disks() { return *disks_; }
  std::string metrics() const { return metrics_.render(); }
  /// Copies of written bodies that have ended so.
  uint64_t copies(unit::TeeEnd end) const;

 private:
  class Factory;
  class MortalIndex;
  disk::Options disk_options();
  Task<> open_door(Context ctx);

  Machine& machine_;
  io::Loop& loop_;
  meta::Store& rows_;
  meta::SingleMeta meta_;
  std::shared_ptr<MortalIndex> index_;
  obs::Registry metrics_;
  job::Crews crews_;
  std::shared_ptr<disk::Store> disks_;
  CancelToken duties_over_;
  io::Group duties_;
  std::unique_ptr<unit::Cache> units_;
  std::unique_ptr<object::Heads> heads_;
  std::unique_ptr<object::Store> objects_;
  std::unique_ptr<Factory> factory_;
  std::unique_ptr<object::Buckets> buckets_;
  std::unique_ptr<auth::Keys> keys_;
  std::unique_ptr<auth::Guard> guard_;
  std::unique_ptr<gateway::s3::Services> services_;
  std::unique_ptr<gateway::s3::Door> door_;
  std::unique_ptr<http::Server> server_;
  io::Group serving_;
  std::unique_ptr<http::Client> http_;
  std::unique_ptr<client::Exchange> exchange_;
  std::unique_ptr<client::S3Client> s3_;
};

}  // namespace forebay::simtest
