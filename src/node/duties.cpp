#include "node/duties.h"

#include <algorithm>
#include <limits>

#include "cli/shell.h"

namespace forebay::node {

namespace {

using Duty = Task<> (disk::Store::*)(Context);

class DiskJob final : public job::Job {
 public:
  DiskJob(std::string name, std::shared_ptr<disk::Store> disks, Duty duty)
      : name_(std::move(name)), disks_(std::move(disks)), duty_(duty) {}
  std::string name() const override { return name_; }
  Task<> run(job::Progress&, Context ctx) override { co_return co_await ((*disks_).*duty_)(ctx); }

 private:
  std::string name_;
  std::shared_ptr<disk::Store> disks_;
  Duty duty_;
};

// What was told of each disk, and what is to be told now.
class DiskWatch final : public job::Job {
 public:
  DiskWatch(obs::Log& log, std::shared_ptr<disk::Store> disks)
      : log_(log), disks_(std::move(disks)) {}
  std::string name() const override { return "watch-disks"; }
  Task<> run(job::Progress&, Context) override {
    disk::Stats now = disks_->stats();
    told_.resize(now.disks.size());
    for (size_t i = 0; i < now.disks.size(); ++i) compare(now.disks[i], told_[i]);
    co_return ok;
  }

 private:
  struct Told {
    std::string trouble;
    uint64_t lost = 0, native_lost = 0;
    bool inodes = false;
    bool size = false;
  };
  // What was asked for and what there is, when it is in use for the first time.
  void tell_size(const disk::DiskStats& disk) {
    if (disk.sharers > 1) {
      log_.warn("disks share a file system: each has its part of the room, not all of it",
                {{"disk", disk.path}, {"sharers", uint64_t{disk.sharers}}});
    }
    if (disk.asked > disk.limit + disk.index) {
      log_.warn("cache-size is more than there is: less is used",
                {{"disk", disk.path},
                 {"cache-size", cli::human_bytes(disk.asked)},
                 {"limit", cli::human_bytes(disk.limit)}});
    }
  }
  void compare(const disk::DiskStats& disk, Told& told) {
    if (!disk.healthy && disk.trouble != told.trouble) {
      log_.error(disk.returns
                     ? "a disk is out: reads go to the origins, and what native buckets have on it "
                       "is not there; it is used again by itself as soon as it can be opened"
                     : "a disk is out: reads go to the origins, and what native buckets have on it "
                       "is not there; mend it, then restart the daemon",
                 {{"disk", disk.path}, {"why", disk.trouble}});
    }
    if (disk.healthy && (!told.trouble.empty() || disk.lost > told.lost)) {
      log_.warn(
          "a disk is back and in use; what it lost of the cache is fetched again when it is "
          "read",
          {{"disk", disk.path}, {"units_kept", disk.units}, {"times_gone", disk.lost}});
    }
    if (disk.healthy && !std::exchange(told.size, true)) tell_size(disk);
    if (disk.native_lost > told.native_lost) {
      log_.error("objects of native buckets have lost bytes: what was on this disk is gone",
                 {{"disk", disk.path}, {"units", disk.native_lost - told.native_lost}});
    }
    told.native_lost = disk.native_lost;
    if (disk.bound_by_files && !told.inodes) {
      log_.warn("a disk runs out of inodes before bytes: the cache stays smaller than it may be",
                {{"disk", disk.path}, {"files", disk.files}, {"limit", disk.files_limit}});
      told.inodes = true;  // it comes and goes; once is enough
    }
    told.trouble = disk.trouble;
    told.lost = disk.lost;
  }

  obs::Log& log_;
  std::shared_ptr<disk::Store> disks_;
  std::vector<Told> told_;
};

}  // namespace

Task<> look_at_folders(std::vector<object::BucketRef> buckets, Origins& origins, Context ctx) {
  for (const object::BucketRef& bucket : buckets) {
    if (ctx.cancel != nullptr && ctx.cancel->cancelled()) break;
    // What it finds stands in the log and in the status already.
    (void)co_await origins.look(bucket->config, ctx);
  }
  co_return ok;
}

Result<> watch_disks(job::Runner& jobs, obs::Log& log, const std::shared_ptr<disk::Store>& disks) {
  return jobs.start(std::make_shared<DiskWatch>(log, disks), {.period = seconds(1)});
}

Result<> start_duties(job::Runner& jobs, const std::shared_ptr<disk::Store>& disks) {
  const std::pair<const char*, Duty> duties[] = {{"evict", &disk::Store::run_evictor},
                                                 {"recycle", &disk::Store::run_recycler},
                                                 {"commit-index", &disk::Store::run_committer},
                                                 {"scrub", &disk::Store::run_scrubber}};
  for (auto& [name, duty] : duties) {
    // A duty that failed is begun again; one that ended was told to.
    Result<> started = jobs.start(std::make_shared<DiskJob>(name, disks, duty),
                                  {.period = seconds(1), .retry = seconds(1)});
    if (!started) return started;
  }
  return ok;
}

Json show(const disk::DiskStats& disk) {
  Json out;
  out.set("path", disk.path)
      .set("healthy", disk.healthy)
      .set("trouble", disk.trouble)
      .set("returns", disk.returns)
      .set("lost", disk.lost)
      .set("cache_size", disk.asked)
      .set("sharers", uint64_t{disk.sharers})
      .set("limit", disk.limit)
      .set("used", disk.used)
      .set("index", disk.index)
      .set("bound_by", disk.bound_by_files ? "inodes" : "bytes")
      .set("units", disk.units)
      .set("native", disk.native)
      .set("native_lost", disk.native_lost);
  return out;
}

void publish_disk_metrics(obs::Registry& metrics, const std::shared_ptr<disk::Store>& disks) {
  using Stats = disk::DiskStats;
  disk::Stats now = disks->stats();
  for (size_t i = 0; i < now.disks.size(); ++i) {
    obs::Labels labels = {{"disk", now.disks[i].path}};
    auto gauge = [&](const char* name, const char* help, uint64_t Stats::* field) {
      metrics.gauge_from(name, help, labels, [disks, i, field] {
        return static_cast<double>(disks->stats().disks.at(i).*field);
      });
    };
    auto counter = [&](const char* name, const char* help, uint64_t Stats::* field) {
      metrics.counter_from(name, help, labels,
                           [disks, i, field] { return disks->stats().disks.at(i).*field; });
    };
    gauge("forebay_cache_bytes", "Bytes of units that can be served.", &Stats::live);
    gauge("forebay_cache_used_bytes", "Bytes used on the disk.", &Stats::used);
    gauge("forebay_cache_limit_bytes", "Bytes that may be used.", &Stats::limit);
    gauge("forebay_cache_index_bytes", "Bytes of the index.", &Stats::index);
    gauge("forebay_cache_files", "Files used on the disk.", &Stats::files);
    metrics.gauge_from("forebay_cache_files_limit",
                       "Files that may be used; +Inf where the file system has no fixed number.",
                       labels, [disks, i] {
                         uint64_t limit = disks->stats().disks.at(i).files_limit;
                         return limit == UINT64_MAX ? std::numeric_limits<double>::infinity()
                                                    : static_cast<double>(limit);
                       });
    gauge("forebay_cache_units", "Units that can be served.", &Stats::units);
    gauge("forebay_native_bytes", "Those of forebay_cache_bytes that are nowhere else.",
          &Stats::native);
    gauge("forebay_native_units", "Those of forebay_cache_units that are nowhere else.",
          &Stats::native_units);
    counter("forebay_native_lost_total", "Native units whose bytes were gone at the start.",
            &Stats::native_lost);
    counter("forebay_evictions_total", "Units evicted to make room.", &Stats::evictions);
    counter("forebay_evicted_bytes_total", "Bytes of evicted units.", &Stats::evicted_bytes);
    counter("forebay_disk_refused_total", "Reservations refused for lack of space.",
            &Stats::refused);
    metrics.gauge_from("forebay_disk_healthy", "1: in use; 0: out, reads go past it.", labels,
                       [disks, i] { return disks->stats().disks.at(i).healthy ? 1.0 : 0.0; });
    counter("forebay_disk_lost_total", "Times the folder, or a part of it, was gone.",
            &Stats::lost);
    counter("forebay_disk_read_errors_total", "Reads that failed.", &Stats::read_errors);
    counter("forebay_disk_write_errors_total", "Writes that failed.", &Stats::write_errors);
    counter("forebay_disk_verify_failures_total", "Units dropped: wrong bytes.",
            &Stats::verify_failures);
  }
}

void publish_memory_metrics(
    obs::Registry& metrics,
    const std::vector<std::pair<std::string, std::shared_ptr<Allowance>>>& shares) {
  for (const auto& [share, all] : shares) {
    metrics.gauge_from("forebay_memory_left_bytes",
                       "What is left of memory that requests under way share.", {{"share", share}},
                       [all] { return static_cast<double>(all->left()); });
  }
}

void publish_md5_metrics(obs::Registry& metrics, const std::shared_ptr<io::Md5Lanes>& md5) {
  metrics.counter_from("forebay_md5_runs_total", "Runs of MD5 over pieces of bodies.", {},
                       [md5] { return md5->stats().runs; });
  metrics.counter_from("forebay_md5_pieces_total", "Pieces of bodies in those runs.", {},
                       [md5] { return md5->stats().pieces; });
}

void publish_lane_metrics(obs::Registry& metrics, const io::Engine& engine) {
  // A label per origin would never go away again; the log names the folder.
  for (const char* kind : {"rows", "disk", "origin", "walk", "names", "other"}) {
    auto sum = [&engine, kind](auto&& pick) {
      uint64_t all = 0;
      for (const io::LaneStats& lane : engine.lanes()) {
        if (lane.kind == kind) all += pick(lane);
      }
      return all;
    };
    auto gauge = [&](const char* name, const char* help, uint64_t io::LaneStats::* field) {
      metrics.gauge_from(name, help, {{"lane", kind}}, [sum, field] {
        return static_cast<double>(sum([&](const io::LaneStats& lane) { return lane.*field; }));
      });
    };
    auto counter = [&](const char* name, const char* help, auto pick) {
      metrics.counter_from(name, help, {{"lane", kind}}, [sum, pick] { return sum(pick); });
    };
    gauge("forebay_lane_threads", "Threads for calls that block.", &io::LaneStats::threads);
    gauge("forebay_lane_running", "Calls that block now.", &io::LaneStats::running);
    gauge("forebay_lane_waiting", "Calls that wait for a thread.", &io::LaneStats::waiting);
    metrics.gauge_from("forebay_lane_oldest_seconds", "Longest wait of those that wait now.",
                       {{"lane", kind}}, [&engine, kind] {
                         Duration most{};
                         for (const io::LaneStats& lane : engine.lanes()) {
                           if (lane.kind == kind) most = std::max(most, lane.oldest);
                         }
                         return most.seconds();
                       });
    counter("forebay_lane_calls_total", "Calls that got a thread.",
            [](const io::LaneStats& lane) { return lane.begun; });
    counter("forebay_lane_refused_total", "Calls that got none and ended as SlowDown.",
            [](const io::LaneStats& lane) { return lane.refused; });
    counter("forebay_lane_waited_microseconds_total", "Time that calls waited for a thread.",
            [](const io::LaneStats& lane) { return static_cast<uint64_t>(lane.waited.ns / 1000); });
  }
}

void publish_server_metrics(obs::Registry& metrics, ServerSum sum) {
  using Counters = http::ServerCounters;
  for (const char* kind : {"s3", "admin"}) {
    obs::Labels labels = {{"server", kind}};
    auto gauge = [&](const char* name, const char* help, http::Counter Counters::* field) {
      metrics.gauge_from(name, help, labels,
                         [sum, kind, field] { return static_cast<double>(sum(kind, field)); });
    };
    auto counter = [&](const char* name, const char* help, http::Counter Counters::* field) {
      metrics.counter_from(name, help, labels, [sum, kind, field] { return sum(kind, field); });
    };
    gauge("forebay_http_connections", "Connections now.", &Counters::open);
    gauge("forebay_http_places", "Connections that may be at once.", &Counters::places);
    gauge("forebay_http_strangers", "Connections that have shown no right to be here yet.",
          &Counters::strangers);
    gauge("forebay_http_requests_in_flight", "Requests that are being answered.",
          &Counters::in_flight);
    counter("forebay_http_accepted_total", "Connections accepted.", &Counters::accepted);
    counter("forebay_http_evicted_total", "Connections closed to make room for others.",
            &Counters::evicted);
    counter("forebay_http_refused_heads_total", "Heads that were no request.",
            &Counters::parse_errors);
    counter("forebay_http_timeouts_total", "Heads, bodies and answers given up on.",
            &Counters::timeouts);
    counter("forebay_http_broken_bodies_total", "Answers that ended short.",
            &Counters::broken_bodies);
  }
}

}  // namespace forebay::node
