#include "cluster/mirror.h"

#include "cluster/tenure.h"

namespace forebay::cluster {

namespace {

constexpr Duration kAgain = milliseconds(200);

bool cancelled(const Context& ctx) { return ctx.cancel != nullptr && ctx.cancel->cancelled(); }

}  // namespace

std::shared_ptr<const Mirror::Rows> Mirror::rows() const {
  std::lock_guard lock(mutex_);
  return rows_;
}

void Mirror::show(Rows rows) {
  {
    std::lock_guard lock(mutex_);
    rows_ = std::make_shared<const Rows>(std::move(rows));
  }
  changed_->notify();
}

Task<> Mirror::run(Context ctx) {
  while (!cancelled(ctx)) {
    (void)co_await follow(ctx);
    (void)co_await io::sleep_until(ctx.loop->now() + kAgain, ctx);
  }
  co_return ok;
}

// All rows once, and then what changes, from the moment of the first page on.
Task<> Mirror::follow(Context ctx) {
  Rows all;
  uint64_t revision = 0;
  for (meta::Range left = range_;;) {
    Context soon = ctx.until(ctx.loop->now() + kCallTime);
    meta::Page page = co_await co_await control_.scan(left, meta::kMaxPageRows, soon);
    if (revision == 0) revision = page.revision;
    for (meta::Row& row : page.rows) all[std::move(row.key)] = std::move(row.value);
    if (all.size() > kMaxRows) co_return fail(Code::too_large, "more rows than are followed");
    if (!page.more) break;
    left = range_.after(all.rbegin()->first);
  }
  show(all);
  std::unique_ptr<meta::Watch> watch = control_.watch(range_, revision);
  while (true) {
    std::vector<meta::Event> events = co_await co_await watch->next(ctx);
    for (meta::Event& event : events) {
      if (event.value) {
        all[std::move(event.key)] = std::move(*event.value);
      } else {
        all.erase(event.key);
      }
    }
    show(all);
  }
}

}  // namespace forebay::cluster
