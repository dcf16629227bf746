// What runs in the background on this node's disks, and what metrics tell of them.
#pragma once

#include <memory>

#include "disk/store.h"
#include "job/job.h"
#include "obs/metrics.h"

namespace forebay::node {

/// Starts eviction, recycling, index commits and scrubbing.
Result<> start_duties(job::Runner& jobs, const std::shared_ptr<disk::Store>& disks);

/// forebay_cache_bytes, forebay_evictions_total and the like, per disk.
void publish_disk_metrics(obs::Registry& metrics, const std::shared_ptr<disk::Store>& disks);

}  // namespace forebay::node
