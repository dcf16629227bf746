#include "node/natives.h"

#include <utility>

namespace forebay::node {

Natives::Natives(Options options)
    : options_(std::move(options)), units_(options_.disks, options_.small_max, options_.memory) {
  units_.when_full([this] {
    bool more = false;
    for (auto& [origin, swept] : now()) {
      origin->remove_retired();
      more = more || !swept;  // what a process that died has left is not known yet
    }
    return more;
  });
}

std::vector<std::pair<std::shared_ptr<object::NativeOrigin>, bool>> Natives::now() {
  std::vector<std::pair<std::shared_ptr<object::NativeOrigin>, bool>> out;
  std::lock_guard lock(mutex_);
  std::erase_if(opened_, [](const Opened& one) { return one.origin.expired(); });
  for (Opened& one : opened_) {
    if (auto origin = one.origin.lock()) out.emplace_back(std::move(origin), one.swept);
  }
  return out;
}

std::shared_ptr<origin::Origin> Natives::open(const object::Bucket& bucket,
                                              std::shared_ptr<origin::Meter> meter) {
  auto origin = std::make_shared<object::NativeOrigin>(
      object::NativeOptions{.incarnation = bucket.incarnation,
                            .unit_max = bucket.largest_unit(),
                            .self = options_.self,
                            .units = units_,
                            .meta = options_.meta,
                            .meter = std::move(meter),
                            .verify = bucket.verify,
                            .documents = options_.documents});
  std::lock_guard lock(mutex_);
  opened_.push_back({origin, false});
  return origin;
}

Task<> Natives::tend(Context ctx) {
  Result<> result = ok;
  for (auto& [origin, swept] : now()) {
    origin->remove_due(ctx.loop->now());
    if (swept) continue;
    // One that cannot be swept must not keep the others from it.
    Result<> done = co_await origin->sweep(ctx);
    if (!done && result) result = std::move(done);
    if (!done) continue;
    std::lock_guard lock(mutex_);
    for (Opened& one : opened_) {
      if (one.origin.lock() == origin) one.swept = true;
    }
  }
  co_return result;
}

class Natives::Rounds final : public job::Job {
 public:
  explicit Rounds(Natives& natives) : natives_(natives) {}
  std::string name() const override { return "native-space"; }
  Task<> run(job::Progress&, Context ctx) override { co_return co_await natives_.tend(ctx); }

 private:
  Natives& natives_;
};

Result<> Natives::start(job::Runner& jobs) {
  return jobs.start(std::make_shared<Rounds>(*this), {.period = seconds(1)});
}

}  // namespace forebay::node
