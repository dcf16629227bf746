#include "object/stager.h"

#include "object/store.h"

namespace forebay::object {

class Stager::Staged {
 public:
  std::optional<Result<>> end;  ///< under the stager's mutex
  io::Progress ended;
};

namespace {

obs::Counter& counter(obs::Registry& registry, const char* result) {
  return registry.counter("forebay_staged_objects_total",
                          "Objects that were to be fetched before they are read.",
                          {{"result", result}});
}

}  // namespace

Stager::Stager(unit::Cache& cache, Heads& heads, job::Crews& crews, obs::Registry& registry)
    : cache_(cache),
      heads_(heads),
      crews_(crews),
      good_(counter(registry, "good")),
      failed_(counter(registry, "error")),
      refused_(counter(registry, "refused")),
      waiting_(
          registry.gauge("forebay_staging_objects",
                         "Objects in the queue of those to be fetched before they are read.")) {}

Result<std::shared_ptr<Stager::Staged>> Stager::add(HeadRef head, io::Loop& loop) {
  std::shared_ptr<Staged> staged;
  {
    std::lock_guard lock(mutex_);
    auto there = queue_.find(head->first.id);
    if (there != queue_.end()) return there->second;
    if (queue_.size() >= kMost) {
      refused_.add();
      return fail(Code::busy, "Please reduce your request rate.", "SlowDown");
    }
    staged = std::make_shared<Staged>();
    queue_.emplace(head->first.id, staged);
  }
  waiting_.add(1);
  job::Crew& crew = crews_.of(loop);
  crew.spawn(fetch(std::move(head), staged, crew.context()));
  return staged;
}

Task<> Stager::fetch(HeadRef head, std::shared_ptr<Staged> staged, Context ctx) {
  Brought so_far;
  Result<> came = co_await bring(cache_, head, so_far, ctx);
  if (came) heads_.keep(*head, *ctx.loop);
  if (!came && moved(came.error())) (void)co_await heads_.disbelieve(head, ctx);
  (came ? good_ : failed_).add();
  waiting_.sub(1);
  {
    std::lock_guard lock(mutex_);
    staged->end = std::move(came);
    queue_.erase(head->first.id);
  }
  staged->ended.notify();
  co_return ok;
}

Task<> Stager::wait(std::shared_ptr<Staged> staged, Context ctx) {
  while (true) {
    uint64_t seen = staged->ended.count();
    std::optional<Result<>> end;
    {
      std::lock_guard lock(mutex_);
      end = staged->end;
    }
    if (end) co_return std::move(*end);
    co_await co_await staged->ended.changed(seen, ctx);
  }
}

}  // namespace forebay::object
