#include "meta/postgres/pool.h"

#include <algorithm>

#include "meta/postgres/sql.h"

namespace forebay::meta {

PgPool::Lent::~Lent() {
  // Nothing is left in one that was moved from.
  if (connection_ == nullptr || !connection_->idle()) return;
  pool_->idle_.push_back(std::move(connection_));
}

Task<PgPool::Lent> PgPool::take(Context ctx, Tables tables) {
  const Context whole = ctx.until(ctx.loop->now() + kPatience);
  Result<io::Semaphore::Permit> permit = co_await permits_.acquire(1, whole);
  if (!permit) {
    if (permit.error().code() == Code::cancelled) co_return std::move(permit.error());
    co_return fail(Code::busy, "every connection to PostgreSQL is in use");
  }
  while (!idle_.empty()) {
    std::unique_ptr<PgConnection> last = std::move(idle_.back());
    idle_.pop_back();
    if (last->usable()) co_return Lent(*this, std::move(*permit), std::move(last));
  }
  auto made = co_await co_await connect(tables, whole);
  co_return Lent(*this, std::move(*permit), std::move(made));
}

Task<std::unique_ptr<PgConnection>> PgPool::connect(Tables tables, Context ctx) {
  const size_t servers = url_.endpoints.size();
  Duration pause = kFirstPause;
  const size_t first = first_;
  std::vector<std::string> reasons(servers);
  for (size_t tries = 0;; ++tries) {
    const size_t server = (first + tries) % servers;
    Context one = ctx.until(ctx.loop->now() + kServerPatience);
    auto made = co_await connect_to(url_.endpoints[server], tables, one);
    if (made) {
      first_ = server;
      co_return made;
    }
    Code code = made.error().code();
    // One that cannot do, or does not let us in, is not what the next will make good.
    if (code != Code::busy && code != Code::unavailable && code != Code::timeout) {
      co_return std::move(made.error());
    }
    // That no time was left for another try is not why.
    bool cut = ctx.loop->now() >= ctx.deadline;
    if (!cut || reasons[server].empty()) reasons[server] = made.error().text();
    if ((tries + 1) % servers != 0) continue;
    // All were asked: one may be starting, or becoming primary.
    Result<> slept = ok;
    if (ctx.loop->now() + pause < ctx.deadline) {
      slept = co_await io::sleep_until(ctx.loop->now() + pause, ctx);
      pause = std::min(pause * 2, kLastPause);
    } else {
      slept = fail(Code::timeout, "no time is left");
    }
    if (slept) continue;
    if (slept.error().code() == Code::cancelled) co_return std::move(slept.error());
    std::string all;
    for (const std::string& reason : reasons) all += (all.empty() ? "" : "; ") + reason;
    co_return fail(Code::busy, "no PostgreSQL takes writes: " + all);
  }
}

Task<std::unique_ptr<PgConnection>> PgPool::connect_to(io::Address server, Tables tables,
                                                       Context ctx) {
  Result<std::vector<io::Address>> addresses =
      co_await ctx.loop->resolve(server.host, server.port, ctx);
  if (!addresses) co_return addresses.error_in("PostgreSQL " + server.to_string());
  Error last = fail(Code::busy, "no address").in("PostgreSQL " + server.to_string());
  for (const io::Address& address : *addresses) {
    auto made = co_await PgConnection::open(url_, server, address, ctx);
    if (!made) {
      last = std::move(made.error());
      continue;
    }
    PgConnection& connection = **made;
    Result<> known = pg::check_version(connection.version());
    if (!known) co_return known.error_in(connection.server());
    PgFault fault;
    PgAnswer session = co_await co_await connection.script(pg::session_script(url_), fault, ctx);
    Result<bool> there = pg::check_session(session, connection.process());
    if (!there) co_return there.error_in(connection.server());
    if (!*there && tables == Tables::made) {
      co_await co_await connection.script(pg::setup_script(url_), fault, ctx);
    }
    if (!*there && tables == Tables::there) {
      co_return fail(Code::invalid, "the tables of cluster '" + url_.name + "' are gone")
          .in(connection.server());
    }
    co_await co_await connection.script(pg::prepare_script(url_), fault, ctx);
    co_return made;
  }
  co_return last;
}

}  // namespace forebay::meta
