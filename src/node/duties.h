// What runs in the background on this node's disks, and what metrics tell of them.
#pragma once

#include <memory>

#include "disk/store.h"
#include "io/engine.h"
#include "job/job.h"
#include "obs/metrics.h"

namespace forebay::node {

/// Starts eviction, recycling, index commits and scrubbing.
Result<> start_duties(job::Runner& jobs, const std::shared_ptr<disk::Store>& disks);

/// forebay_cache_bytes, forebay_evictions_total and the like, per disk.
void publish_disk_metrics(obs::Registry& metrics, const std::shared_ptr<disk::Store>& disks);

/// What waits for a thread, by kind of lane; `engine` must outlive the last scrape.
void publish_lane_metrics(obs::Registry& metrics, const io::Engine& engine);

}  // namespace forebay::node
