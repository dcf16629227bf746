#include "batch/lifecycle.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "io/loop.h"

namespace forebay::batch {

namespace {

using What = object::NativeDue::What;

obs::Counter& ended(obs::Registry& registry, const char* what) {
  return registry.counter("forebay_lifecycle_ended_total", "What has ended by rules of buckets.",
                          {{"what", what}});
}

obs::Counter& passes(obs::Registry& registry, const char* result) {
  return registry.counter("forebay_lifecycle_passes_total",
                          "Passes of rules through a bucket that have ended.",
                          {{"result", result}});
}

bool cancelled(const Context& ctx) { return ctx.cancel != nullptr && ctx.cancel->cancelled(); }

}  // namespace

LifecycleMetrics::LifecycleMetrics(obs::Registry& registry)
    : rows(registry.counter("forebay_lifecycle_rows_total",
                            "Objects, versions and uploads that were held against rules.")),
      objects(ended(registry, "object")),
      older(ended(registry, "older_version")),
      markers(ended(registry, "delete_marker")),
      uploads(ended(registry, "upload")),
      failures(registry.counter("forebay_lifecycle_failures_total",
                                "What was to end by rules and could not be removed, or read.")),
      good(passes(registry, "good")),
      bad(passes(registry, "error")),
      running(registry.gauge("forebay_lifecycle_passes", "Buckets whose pass is under way.")),
      last(registry.gauge("forebay_lifecycle_last_pass_seconds",
                          "When a pass ended well, in seconds since 1970.")) {}

Task<> LifecycleDuty::run(job::Progress& progress, Context ctx) {
  progress.start(0);
  while (true) {
    take_up(ctx);
    std::vector<uint64_t> running;
    for (const auto& [incarnation, known] : known_) {
      if (known.pass != nullptr) running.push_back(incarnation);
    }
    metrics_.running.set(static_cast<int64_t>(running.size()));
    if (running.empty()) co_return ok;
    for (uint64_t incarnation : running) {
      co_await co_await step(incarnation, progress, ctx);
      co_await co_await io::sleep_until(ctx.loop->now() + kPause, ctx);
    }
  }
}

void LifecycleDuty::take_up(Context ctx) {
  const Time now = ctx.loop->now();
  const object::Day today = object::day_of(ctx.loop->wall_now());
  std::set<uint64_t> there;
  for (const object::BucketRef& bucket : world_.buckets.list()) {
    const object::LifecycleRef& rules = bucket->settings.lifecycle;
    if (!bucket->native() || rules == nullptr) continue;
    there.insert(bucket->incarnation);
    Known& known = known_[bucket->incarnation];
    if (known.tried != rules) known = Known{.tried = rules};
    // Another day, not only a later one: a clock that was set back has its days again.
    if (known.pass != nullptr || known.done == today || now < known.due) continue;
    known.pass = std::make_unique<Pass>(world_.meta, *bucket, today, now);
  }
  std::erase_if(known_, [&](const auto& one) { return !there.contains(one.first); });
}

std::optional<object::BucketRef> LifecycleDuty::bucket_of(const Pass& pass,
                                                          uint64_t incarnation) const {
  auto found = world_.buckets.get(pass.name);
  bool same =
      found && (*found)->incarnation == incarnation && (*found)->settings.lifecycle == pass.rules;
  if (!same) return std::nullopt;
  return std::move(*found);
}

Task<> LifecycleDuty::step(uint64_t incarnation, job::Progress& progress, Context ctx) {
  Known& known = known_.at(incarnation);  // nobody but run() changes the map
  Pass& pass = *known.pass;
  object::Day today = object::day_of(ctx.loop->wall_now());
  auto page = co_await pass.walk.next(today, ctx.until(ctx.loop->now() + kPatience));
  if (cancelled(ctx)) co_return fail(Code::cancelled, "the daemon stops");
  if (!page) {
    end(known, std::move(page.error()), ctx);
    co_return ok;
  }
  pass.counts.rows += page->rows;
  pass.counts.damaged += page->damaged;
  metrics_.rows.add(page->rows);
  metrics_.failures.add(page->damaged);
  progress.add(page->rows);
  for (object::NativeDue& due : page->due) {
    // A rule that is taken back ends nothing more; take_up() sees to the pass.
    auto bucket = bucket_of(pass, incarnation);
    if (!bucket) co_return ok;
    auto writing = object::Writing::begin(*bucket);
    if (!writing) {
      end(known, std::move(writing.error()), ctx);
      co_return ok;
    }
    const What what = due.what;
    const std::string key = due.key.text();
    Context patient = ctx.until(ctx.loop->now() + kPatience);
    Result<> done = co_await world_.objects.expire(*bucket, std::move(due), patient);
    if (cancelled(ctx)) co_return fail(Code::cancelled, "the daemon stops");
    Result<> noted = note(pass, what, key, std::move(done), ctx.loop->now());
    if (!noted) {
      end(known, std::move(noted), ctx);
      co_return ok;
    }
  }
  if (pass.walk.ended()) end(known, ok, ctx);
  co_return ok;
}

Result<> LifecycleDuty::note(Pass& pass, What what, const std::string& key, Result<> done,
                             Time now) {
  if (done) {
    pass.in_a_row = 0;
    auto count = [](uint64_t& mine, obs::Counter& all) {
      ++mine;
      all.add();
    };
    switch (what) {
      case What::object: count(pass.counts.objects, metrics_.objects); break;
      case What::older: count(pass.counts.older, metrics_.older); break;
      case What::marker: count(pass.counts.markers, metrics_.markers); break;
      case What::upload: count(pass.counts.uploads, metrics_.uploads); break;
    }
    return ok;
  }
  if (done.error().code() == Code::conflict) {
    ++pass.counts.changed;
    return ok;
  }
  ++pass.counts.failed;
  metrics_.failures.add();
  if (told_.due(pass.name, now)) {
    world_.log.warn("what is over by a rule of its bucket could not be removed; it is tried again",
                    {{"bucket", pass.name}, {"key", key}, {"error", done.error()}});
  }
  return ++pass.in_a_row < kMostFailures ? Result<>(ok) : std::move(done);
}

void LifecycleDuty::end(Known& known, Result<> result, Context ctx) {
  std::unique_ptr<Pass> pass = std::move(known.pass);
  const Counts& counts = pass->counts;
  const bool good = result && counts.failed == 0;
  (good ? metrics_.good : metrics_.bad).add();
  if (good) {
    known.done = pass->day;
    known.pause = {};
    metrics_.last.set(ctx.loop->wall_now().seconds());
  } else {
    known.pause = std::clamp(known.pause * 2, kFirstPause, kLastPause);
    known.due = ctx.loop->now() + known.pause;
  }
  if (!result) {
    world_.log.warn("a pass of lifecycle rules was broken off; it is begun again",
                    {{"bucket", pass->name}, {"error", result.error()}});
  }
  world_.log.info("lifecycle rules have passed through a bucket",
                  {{"bucket", pass->name},
                   {"good", good},
                   {"rows", counts.rows},
                   {"objects", counts.objects},
                   {"older_versions", counts.older},
                   {"delete_markers", counts.markers},
                   {"uploads", counts.uploads},
                   {"changed", counts.changed},
                   {"failed", counts.failed},
                   {"damaged", counts.damaged},
                   {"seconds", (ctx.loop->now() - pass->began).seconds()}});
}

}  // namespace forebay::batch
