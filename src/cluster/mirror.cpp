#include "cluster/mirror.h"

#include "cluster/tenure.h"

namespace forebay::cluster {

namespace {

constexpr Duration kAgain = milliseconds(200);

Result<> check_size(const Mirror::Rows& rows) {
  if (rows.size() <= Mirror::kMaxRows) return ok;
  return fail(Code::too_large, "more rows than are followed");
}

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

// All rows once, and then what changes, from the moment of the first page on. What a later page
// showed already is passed over when it is told.
Task<> Mirror::follow(Context ctx) {
  Rows all;
  std::vector<std::pair<std::string, uint64_t>> pages;  // the last key of each, and its moment
  for (meta::Range left = range_;;) {
    Context soon = ctx.until(ctx.loop->now() + kCallTime);
    meta::Page page = co_await co_await control_.scan(left, meta::kMaxPageRows, soon);
    for (meta::Row& row : page.rows) all[std::move(row.key)] = std::move(row.value);
    co_await check_size(all);
    pages.emplace_back(page.more ? all.rbegin()->first : "", page.revision);
    if (!page.more) break;
    left = range_.after(all.rbegin()->first);
  }
  auto is_known = [&](const meta::Event& event) {
    for (const auto& [last, revision] : pages) {
      if (last.empty() || event.key <= last) return event.revision <= revision;
    }
    return false;
  };
  show(all);
  std::unique_ptr<meta::Watch> watch = control_.watch(range_, pages.front().second);
  while (true) {
    std::vector<meta::Event> events = co_await co_await watch->next(ctx);
    for (meta::Event& event : events) {
      if (is_known(event)) continue;
      if (event.value) {
        all[std::move(event.key)] = std::move(*event.value);
      } else {
        all.erase(event.key);
      }
    }
    co_await check_size(all);
    show(all);
  }
}

}  // namespace forebay::cluster
