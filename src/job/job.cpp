#include "job/job.h"

#include <algorithm>

#include "base/check.h"

namespace forebay::job {

std::string_view name(State state) {
  switch (state) {
    case State::waiting: return "waiting";
    case State::running: return "running";
    case State::done: return "done";
    case State::failed: return "failed";
    case State::stopped: return "stopped";
  }
  return "failed";
}

// A job with its schedule and what is shown of it. `status` is guarded by the runner's mutex; its
// done and total stay 0 there, they are read from `progress`.
struct Runner::Entry {
  std::shared_ptr<Job> job;
  Schedule schedule;
  Progress progress;
  Status status;
  bool ended = false;  ///< of the loop's thread
  obs::Counter* good = nullptr;
  obs::Counter* bad = nullptr;
};

Runner::Runner(io::Loop& loop, obs::Log& log, obs::Registry& metrics)
    : loop_(loop), log_(log), metrics_(metrics) {}

Runner::~Runner() { check(running_ == 0, "a runner ends before its jobs"); }

Result<> Runner::start(std::shared_ptr<Job> job, Schedule schedule) {
  if (cancel_.cancelled()) return fail(Code::cancelled, "the runner is stopped");
  auto entry = std::make_shared<Entry>();
  entry->status.name = job->name();
  entry->status.unit = job->unit();
  const std::string help = "Runs of background jobs that ended.";
  const std::string& name = entry->status.name;
  entry->good =
      &metrics_.counter("forebay_job_runs_total", help, {{"job", name}, {"result", "good"}});
  entry->bad =
      &metrics_.counter("forebay_job_runs_total", help, {{"job", name}, {"result", "error"}});
  entry->job = std::move(job);
  entry->schedule = schedule;
  {
    std::lock_guard lock(mutex_);
    std::shared_ptr<Entry>& place = entries_[name];
    if (place != nullptr && !place->ended) {
      return fail(Code::exists, "a job '" + name + "' is there already");
    }
    place = entry;
  }
  ++running_;
  io::start<void>(loop_, drive(entry), [this, entry](Result<>) {
    entry->ended = true;
    --running_;
    ended_.notify();
  });
  return ok;
}

// One run and what it leaves in the status. Its error is shown, counted and logged, not returned.
Task<> Runner::one_run(std::shared_ptr<Entry> entry) {
  entry->progress.start(0);
  {
    std::lock_guard lock(mutex_);
    entry->status.state = State::running;
    entry->status.started = loop_.wall_now();
  }
  Result<> result = co_await entry->job->run(entry->progress, {.loop = &loop_, .cancel = &cancel_});
  // An end that was asked for is no failure.
  bool stopped = !result && cancel_.cancelled();
  if (!stopped) (result ? entry->good : entry->bad)->add();
  if (!result && !stopped) {
    const std::string& name = entry->status.name;
    auto left_out = failed_.due(name + ": " + result.error().text(), loop_.now());
    if (left_out) {
      log_.warn("a job failed",
                {{"job", name}, {"error", result.error()}, {"left_out", *left_out}});
    }
  }
  std::lock_guard lock(mutex_);
  Status& status = entry->status;
  status.ended = loop_.wall_now();
  if (stopped) co_return ok;
  ++status.runs;
  if (result) {
    status.last_error.clear();
    status.state = entry->schedule.period ? State::waiting : State::done;
  } else {
    ++status.failures;
    status.last_error =
        std::string(forebay::name(result.error().code())) + ": " + result.error().text();
    status.state = entry->schedule.period ? State::waiting : State::failed;
  }
  co_return ok;
}

Task<> Runner::drive(std::shared_ptr<Entry> entry) {
  const Schedule& schedule = entry->schedule;
  Context ctx{.loop = &loop_, .cancel = &cancel_};
  Duration longest = schedule.period ? std::max(*schedule.period, schedule.retry) : Duration{};
  Duration retry = schedule.retry;
  bool wait_first = schedule.period && schedule.delay_first;
  if (wait_first) (void)co_await io::sleep_until(loop_.now() + *schedule.period, ctx);
  while (!cancel_.cancelled()) {
    uint64_t failures = entry->status.failures;
    (void)co_await one_run(entry);
    if (!schedule.period || cancel_.cancelled()) break;
    bool failed = entry->status.failures != failures;
    Duration pause = failed ? retry : *schedule.period;
    retry = failed ? std::min(retry * 2, longest) : schedule.retry;
    (void)co_await io::sleep_until(loop_.now() + pause, ctx);
  }
  std::lock_guard lock(mutex_);
  State& state = entry->status.state;
  if (state == State::waiting || state == State::running) state = State::stopped;
  co_return ok;
}

std::vector<Status> Runner::list() const {
  std::vector<Status> out;
  std::lock_guard lock(mutex_);
  for (const auto& [name, entry] : entries_) {
    out.push_back(entry->status);
    out.back().done = entry->progress.done();
    out.back().total = entry->progress.total();
  }
  return out;
}

Task<> Runner::stop(Context ctx) {
  cancel_.cancel();
  while (running_ > 0) {
    uint64_t seen = ended_.count();
    if (running_ == 0) break;
    if (Result<uint64_t> changed = co_await ended_.changed(seen, ctx); changed) continue;
    std::string names;
    for (const auto& [name, entry] : entries_) {
      if (!entry->ended) names += (names.empty() ? "" : ", ") + name;
    }
    co_return fail(Code::timeout, "jobs that have not ended: " + names);
  }
  co_return ok;
}

}  // namespace forebay::job
