// What runs in the background on this node's disks, and what metrics tell of them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/allowance.h"
#include "base/json.h"
#include "disk/store.h"
#include "http/counters.h"
#include "io/engine.h"
#include "io/md5_lanes.h"
#include "job/job.h"
#include "node/origins.h"
#include "object/bucket.h"
#include "obs/metrics.h"

namespace forebay::node {

/// Starts eviction, recycling, index commits and scrubbing.
Result<> start_duties(job::Runner& jobs, const std::shared_ptr<disk::Store>& disks);

/// Logs once, when it happens, what an operator must know of a disk: it is out, it is back, its
/// file system has too few inodes, shares it with others, or is smaller than what was asked for.
Result<> watch_disks(job::Runner& jobs, obs::Log& log, const std::shared_ptr<disk::Store>& disks);

/// Looks where the folders of all buckets lead: which are refused is told by log and status before
/// the first request finds out. A folder that hangs holds up those behind it, and nobody else.
Task<> look_at_folders(std::vector<object::BucketRef> buckets,
                       Origins& origins [[clang::lifetimebound]], Context ctx);

/// What the status tells of a disk.
Json show(const disk::DiskStats& disk);

/// forebay_cache_bytes, forebay_evictions_total and the like, per disk.
void publish_disk_metrics(obs::Registry& metrics, const std::shared_ptr<disk::Store>& disks);

/// How many bodies are hashed side by side.
void publish_md5_metrics(obs::Registry& metrics, const std::shared_ptr<io::Md5Lanes>& md5);

/// What waits for a thread, by kind of lane; `engine` must outlive the last scrape.
void publish_lane_metrics(obs::Registry& metrics, const io::Engine& engine);

/// What is left of the memory that requests under way share, by share.
void publish_memory_metrics(
    obs::Registry& metrics,
    const std::vector<std::pair<std::string, std::shared_ptr<Allowance>>>& shares);

/// What one kind of server (`s3`, `admin`) counts, as forebay_http_…; called at each scrape, on the
/// scraping thread, to add up `field` of all of that kind.
using ServerSum =
    std::function<uint64_t(std::string_view kind, http::Counter http::ServerCounters::* field)>;
void publish_server_metrics(obs::Registry& metrics, ServerSum sum);

}  // namespace forebay::node
