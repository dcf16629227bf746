#include "object/kept/kept_sweep.h"

#include "io/loop.h"
#include "meta/schema.h"
#include "object/head.h"

namespace forebay::object {

bool KeptSweep::is_useful(const meta::Row& row, const Known& buckets) const {
  auto named = meta::schema::parse_head(row.key);
  if (!named) return false;
  auto found = buckets.find(named->incarnation);
  if (found == buckets.end() || found->second->native()) return false;
  const Bucket& bucket = *found->second;
  auto kept = read_kept(row.value, bucket.largest_unit());
  if (!kept) return false;
  // How an upload was cut is told nowhere else.
  if (kept->layout.known() && kept->layout.telling()) return true;
  const KeptStamp& stamp = kept->stamp;
  if (stamp.kind == KeptKind::layout) return false;
  if (stamp.kind == KeptKind::ttl && stamp.life != options_.life) return false;
  if (kept->info.size == 0) return false;  // it has no bytes that could be here
  const std::string& tag = kept->info.tag.text();
  unit::Unit first = unit_of(kept->layout, named->incarnation, named->key, tag, 0);
  return units_.has(first.id);
}

Task<> KeptSweep::run(job::Progress& progress, Context ctx) {
  progress.start(0);
  meta::Range range = meta::Range::prefix(meta::schema::kHeads);
  // On one node all rows lie in one store.
  meta::Store& store = meta_.shard(0, "");
  while (true) {
    meta::Page page = co_await co_await store.scan(range, options_.page, ctx);
    // Not before the page: a bucket that has rows was there before them.
    Known buckets;
    for (BucketRef& bucket : buckets_.list()) buckets.emplace(bucket->incarnation, bucket);
    if (page.rows.empty()) co_return ok;
    std::string last = page.rows.back().key;
    progress.add(page.rows.size());
    std::erase_if(page.rows, [&](const meta::Row& row) { return is_useful(row, buckets); });
    co_await co_await rows_.remove_as_read(store, std::move(page.rows), ctx);
    if (!page.more) co_return ok;
    range = range.after(last);
    co_await co_await io::sleep_until(ctx.loop->now() + options_.pause, ctx);
  }
}

}  // namespace forebay::object
