#include "world.h"

#include <algorithm>

#include "base/check.h"

namespace forebay::simtest {

namespace {

/// Nothing that a client waits for takes longer than this, simulated.
constexpr Duration kPatience = seconds(300);

}  // namespace

World::World(const Plan& plan)
    : plan_(plan),
      simulation_(io::Simulation::make({.seed = plan.seed, .disk_bytes = plan.disk_bytes})),
      loop_(simulation_->loop()),
      machine_{.simulation = *simulation_,
               .origin = std::make_shared<testkit::MemoryOrigin>(loop_, plan.origin)},
      rows_(machine_.rows, plan.rows),
      oracle_(*machine_.origin, plan.bucket.freshness, plan.quiet),
      cancel_(std::make_unique<CancelToken>()) {}

void World::blame(std::string what) { wrong_.push_back(std::move(what)); }

bool World::advance(const bool& done, uint64_t steps) {
  Time end = loop_.now() + kPatience;
  for (uint64_t i = 0; i < steps && !done; ++i, ++steps_) {
    if (simulation_->step() && loop_.now() < end) continue;
    if (!done) blame("something hangs");
    return done;
  }
  return true;
}

template <class T>
Result<T> World::drive(Task<T> task) {
  // Outlives this call when the task hangs.
  auto out = std::make_shared<std::optional<Result<T>>>();
  auto done = std::make_shared<bool>(false);
  io::start<T>(loop_, std::move(task), [out, done](Result<T> result) {
    out->emplace(std::move(result));
    *done = true;
  });
  if (!advance(*done)) return fail(Code::timeout, "it hangs");
  return std::move(present(*out, "done without a result"));
}

void World::faults(bool on) {
  static const meta::FaultOptions kNone{.delay = milliseconds(1)};
  simulation_->options().disk_error = on ? plan_.disk_error : 0;
  rows_.options() = on ? plan_.rows : kNone;
  testkit::MemoryOriginOptions& origin = machine_.origin->options();
  origin.error = on ? plan_.origin.error : 0;
  origin.broken_body = on ? plan_.origin.broken_body : 0;
  origin.lost_answer = on ? plan_.origin.lost_answer : 0;
  origin.late_commit = on ? plan_.origin.late_commit : 0;
}

bool World::start() {
  faults(false);
  node_ = std::make_unique<Node>(machine_, rows_);
  std::optional<object::BucketSpec> bucket;
  if (deaths_ == 0) bucket = plan_.bucket;
  Result<> started = drive(node_->start(bucket, {.loop = &loop_}));
  if (!started) blame("start: " + started.error().text());
  return wrong_.empty();
}

void World::begin() {
  faults(true);
  worked_ = false;
  io::start<void>(loop_, work(context()), [this](Result<>) { worked_ = true; });
}

void World::go(uint64_t steps) { advance(worked_, steps); }

bool World::finish() {
  advance(worked_);
  faults(false);
  return wrong_.empty();
}

bool World::read_all() {
  machine_.origin->settle();
  Result<> read = drive(read_in_peace({.loop = &loop_}));
  if (!read) blame(read.error().text());
  return wrong_.empty();
}

bool World::stop() {
  for (const disk::DiskStats& disk : node_->disks().stats().disks) {
    tally_.evictions += disk.evictions;
    tally_.disk_errors += disk.read_errors + disk.write_errors;
    tally_.refused += disk.refused;
  }
  Result<> stopped = drive(node_->stop({.loop = &loop_}));
  if (!wrong_.empty()) return false;
  bool healthy = plan_.disk_error == 0 && plan_.disk_bytes > (64 << 20);
  if (!stopped && healthy && cancel_ != nullptr) blame("stop: " + stopped.error().text());
  for (size_t i = 0; i < unit::kTeeEnds; ++i) {
    tally_.copies[i] += node_->copies(static_cast<unit::TeeEnd>(i));
  }
  if (node_->metrics().find("forebay_fills_inflight 0\n") == std::string::npos) {
    blame("fills are left over");
  }
  node_.reset();
  return wrong_.empty();
}

bool World::die(bool power) {
  ++deaths_;
  if (power) {
    simulation_->power_loss();
    machine_.boot_id = "boot " + std::to_string(deaths_ + 1);
  } else {
    simulation_->kill();
  }
  node_->die();
  // From here on nothing of the old process reaches a disk; what it still does is winding down.
  cancel_->cancel();
  if (!advance(worked_)) return false;
  Result<> stopped = drive(node_->stop({.loop = &loop_}));
  (void)stopped;  // its disk is dead
  if (!wrong_.empty()) return false;
  node_.reset();
  cancel_ = std::make_unique<CancelToken>();
  if (power) machine_.index->crash(loop_.random() % (machine_.index->unflushed() + 1));
  return start();
}

bool World::run() {
  bool good = start();
  if (good) begin(), good = finish();
  return good && read_all() && stop();
}

void World::count(const Seen& seen) {
  ++tally_.answers;
  tally_.errors += seen.status >= 500;
  tally_.missing += seen.status == 404;
  bool good = seen.status == 200 || seen.status == 206;
  tally_.good += good;
  tally_.hits += seen.cache == "hit";
  tally_.joined += seen.cache == "joined";
  tally_.misses += seen.cache == "miss";
  tally_.bypassed += seen.cache == "bypass";
}

}  // namespace forebay::simtest
