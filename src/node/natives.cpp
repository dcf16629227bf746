#include "node/natives.h"

#include <algorithm>
#include <utility>

namespace forebay::node {

namespace {

// Between two sweeps of a bucket: what there is to find comes of deaths and of disks that were out.
constexpr Duration kAgain = seconds(6 * 3600);
constexpr Duration kLeastPause = seconds(1);

}  // namespace

Natives::Natives(Options options)
    : options_(std::move(options)), units_(options_.disks, options_.small_max, options_.memory) {
  units_.when_full([this] {
    bool more = false;
    for (Opened& one : open_now()) {
      one.origin->remove_retired();
      more = more || one.pause == Duration{};  // what a process that died has left is not known yet
    }
    return more;
  });
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
                            .documents = options_.documents,
                            .md5 = options_.md5});
  std::lock_guard lock(mutex_);
  known_.push_back({.origin = origin});
  return origin;
}

std::vector<Natives::Opened> Natives::open_now() {
  std::vector<Opened> out;
  std::lock_guard lock(mutex_);
  std::erase_if(known_, [](const Known& one) { return one.origin.expired(); });
  for (Known& one : known_) {
    if (auto origin = one.origin.lock()) out.push_back({std::move(origin), one.due, one.pause});
  }
  return out;
}

void Natives::swept(const std::shared_ptr<object::NativeOrigin>& origin, bool good, Time now) {
  std::lock_guard lock(mutex_);
  for (Known& one : known_) {
    if (one.origin.lock() != origin) continue;
    one.pause = good ? kAgain : std::clamp(one.pause * 2, kLeastPause, kAgain);
    one.due = now + one.pause;
  }
}

// What was removed while a disk was out is there again when it is back.
void Natives::look_at_disks() {
  uint64_t out = 0;
  for (const disk::DiskStats& disk : options_.disks->stats().disks) {
    out += disk.lost + (disk.healthy ? 0 : 1);
  }
  if (std::exchange(disks_out_, out) == out) return;
  std::lock_guard lock(mutex_);
  for (Known& one : known_) one.due = Time{};
}

Task<> Natives::tend(Context ctx) {
  look_at_disks();
  std::vector<Opened> all = open_now();
  for (Opened& one : all) one.origin->remove_due(ctx.loop->now());
  Result<> result = ok;
  // Before any sweep, which may take long: a bucket with a quota takes no write until it is
  // counted.
  for (Opened& one : all) {
    Result<> counted = co_await one.origin->count(ctx);
    if (!counted && result) result = std::move(counted);
  }
  for (Opened& one : all) {
    if (ctx.cancel != nullptr && ctx.cancel->cancelled()) break;
    if (ctx.loop->now() < one.due) continue;
    // One that cannot be swept must not keep the others from it.
    Result<> done = co_await one.origin->sweep(ctx);
    swept(one.origin, done.has_value(), ctx.loop->now());
    if (!done && result) result = std::move(done);
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
