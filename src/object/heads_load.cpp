// After a start: rows come into memory by pages, which costs a tenth of looking for each by itself.
#include "io/loop.h"
#include "meta/schema.h"
#include "object/heads.h"
#include "object/heads_state.h"

namespace forebay::object {

namespace {

constexpr uint32_t kLoadedAtOnce = 500;
// Between two pages: requests have the processor too.
constexpr Duration kLoadPause = milliseconds(2);

}  // namespace

// A row that was read may be out of date when it gets here: then a ticket was opened or closed
// meanwhile, and its stripe takes none of the page.
bool Heads::load_page(const Bucket& bucket, const std::vector<meta::Row>& rows,
                      const LoadMarks& marks) {
  bool room = false;
  for (const meta::Row& row : rows) {
    auto named = meta::schema::parse_head(row.key);
    auto stamp = read_kept_stamp(row.value);
    if (!named || named->key.size() > ObjectKey::kMaxBytes) continue;
    if (!stamp || stamp->kind != KeptKind::immutable) continue;
    Name id(bucket.incarnation, named->key);
    Stripe& s = stripe(id);
    std::lock_guard lock(s.mutex);
    bool full = s.table.bytes() >= packed_budget();
    room = room || !full;
    bool same = s.revoked == marks[stripe_index(id)];
    if (full || !same || s.find(id) != nullptr || s.table.contains(id)) continue;
    s.table.put(id, row.value, true);
    tell(s);
  }
  return room;
}

Heads::LoadMarks Heads::load_marks() {
  LoadMarks out{};
  for (size_t i = 0; i < stripes_.size(); ++i) {
    std::lock_guard lock(stripes_[i]->mutex);
    out[i] = stripes_[i]->revoked;
  }
  return out;
}

Task<> Heads::load(BucketRef bucket, job::Progress& progress, Context ctx) {
  bool believed = bucket->freshness.kind == Freshness::Kind::immutable && !bucket->native();
  if (!believed) co_return ok;
  meta::Range range = meta::Range::prefix(meta::schema::heads(bucket->incarnation));
  while (true) {
    LoadMarks marks = load_marks();
    meta::Page page = co_await co_await rows_.scan(bucket->incarnation, range, kLoadedAtOnce, ctx);
    if (page.rows.empty()) co_return ok;
    progress.add(page.rows.size());
    bool room = load_page(*bucket, page.rows, marks);
    if (!page.more || !room) co_return ok;
    range = range.after(page.rows.back().key);
    co_await co_await io::sleep_until(ctx.loop->now() + kLoadPause, ctx);
  }
}

Task<> HeadLoad::run(job::Progress& progress, Context ctx) {
  progress.start(0);
  for (BucketRef& bucket : buckets_.list()) {
    co_await co_await heads_.load(std::move(bucket), progress, ctx);
  }
  co_return ok;
}

}  // namespace forebay::object
