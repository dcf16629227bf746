#include "node/health.h"

#include <utility>

#include "node/duties.h"

namespace forebay::node {

namespace {

/// How long a status waits for the folders of buckets.
constexpr Duration kLook = milliseconds(500);

}  // namespace

// Once at a time: a folder that hangs would have all of its looks waiting.
Task<> Health::look_round(Context ctx) {
  (void)co_await look_at_folders(buckets_.list(), origins_, ctx);
  looking_ = false;
  looked_.notify();
  co_return ok;
}

void Health::look_again(io::Loop& loop) {
  if (std::exchange(looking_, true)) return;
  // Not a job: those are waited for until a deadline, a call that has begun must be to its end.
  job::Crew& crew = crews_.of(loop);
  crew.spawn(look_round(crew.context()));
}

Task<> Health::show(Json& out, Context ctx) {
  uint64_t seen = looked_.count();
  look_again(*ctx.loop);
  if (looking_) (void)co_await looked_.changed(seen, ctx.until(ctx.loop->now() + kLook));

  Json::Array disks;
  bool healthy = true;
  for (const disk::DiskStats& disk : disks_->stats().disks) {
    healthy = healthy && disk.healthy && disk.native_lost == 0;
    disks.push_back(node::show(disk));
  }
  if (std::string trouble = rows_->get(); !trouble.empty()) {
    out.set("rows_trouble", std::move(trouble));
    healthy = false;
  }
  Json::Array out_of_service;
  for (const object::BucketRef& bucket : buckets_.list()) {
    std::string why = origins_.trouble(bucket->config.url);
    if (why.empty()) continue;
    out_of_service.push_back(
        Json().set("name", bucket->name.text()).set("trouble", std::move(why)));
    healthy = false;
  }
  out.set("healthy", healthy).set("disks", std::move(disks));
  if (!out_of_service.empty()) out.set("buckets_out", std::move(out_of_service));
  co_return ok;
}

}  // namespace forebay::node
