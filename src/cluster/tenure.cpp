#include "cluster/tenure.h"

#include <utility>

#include "base/check.h"
#include "cluster/records.h"
#include "meta/schema.h"

namespace forebay::cluster {

namespace {

constexpr Duration kJoinAgain = milliseconds(200);

bool is_cancelled(const Context& ctx) { return ctx.cancel != nullptr && ctx.cancel->cancelled(); }
Context soon(Context ctx) { return ctx.until(ctx.loop->now() + kCallTime); }

}  // namespace

place::Member Tenure::self() const {
  std::lock_guard lock(mutex_);
  return self_;
}

void Tenure::become(place::Member self) {
  std::lock_guard lock(mutex_);
  self_ = std::move(self);
}

Task<> Tenure::run(Context ctx) {
  check(!std::exchange(began_, true), "a process is a member once: who left is not waited for");
  Time refused_since = kNever;
  while (!is_cancelled(ctx)) {
    Time sent = ctx.loop->now();
    Result<meta::Lease> lease = co_await control_.grant(kLease, soon(ctx));
    Result<> joined = lease ? co_await settle(lease->id, ctx) : Result<>(std::move(lease.error()));
    if (joined) {
      number_.fetch_add(1, std::memory_order_acq_rel);
      believe_until(sent + kLease);
      (void)co_await hold(lease->id, ctx);
      believe_until({});
      if (is_cancelled(ctx)) co_return co_await leave(lease->id, ctx);
    }
    // Again and again, and by when it was asked: an answer may have waited for us.
    bool refused = !joined && joined.error().code() == Code::exists;
    refused_since = refused ? std::min(refused_since, ctx.loop->now()) : kNever;
    if (refused && sent > refused_since + kLease * 2) co_return joined;
    (void)co_await io::sleep_until(ctx.loop->now() + kJoinAgain, ctx);
  }
  co_return ok;
}

// Puts the row under `lease`, whether or not it is there under an earlier one of ours.
Task<> Tenure::settle(uint64_t lease, Context ctx) {
  place::Member self = this->self();
  const std::string key = meta::schema::member(self.disk);
  std::optional<std::string> there = co_await co_await control_.get(key, soon(ctx));
  meta::Txn txn;
  if (there) {
    Presence other = co_await Presence::parse(*there);
    if (other.member.nonce != self.nonce) {
      co_return fail(Code::exists, "another process has this disk: " + other.member.name + " at " +
                                       other.member.peer);
    }
    txn.require(key, *there);
  } else {
    txn.require_absent(key);
  }
  std::string row = Presence{lease, ++puts_, self}.dump();
  txn.put(key, row);
  co_await co_await control_.commit_under(lease, std::move(txn), soon(ctx));
  told_ = std::move(self);
  row_ = std::move(row);
  co_return ok;
}

// Renews until the lease or its row is gone, since whoever does not find the row waits no longer
// than the lease. A store that answers renewals alone, as an etcd may that leads no more, is not
// believed.
Task<> Tenure::hold(uint64_t lease, Context ctx) {
  while (true) {
    co_await co_await io::sleep_until(ctx.loop->now() + kRenewal, ctx);
    Time sent = ctx.loop->now();
    Result<> kept = co_await control_.keep(lease, soon(ctx));
    if (!kept && kept.error().code() == Code::not_found) co_return kept;
    auto got = co_await control_.get(meta::schema::member(disk_), soon(ctx));
    if (!kept || !got) continue;
    std::string row = std::move(*got).value_or("");
    if (row != row_) {
      // Perhaps we put another, and were not told. Else who put it?
      auto there = Presence::parse(row);
      bool own = there && there->lease == lease && there->member.nonce == nonce_;
      if (!own) co_return fail(Code::not_found, "the row under the lease is gone");
      row_ = std::move(row);
      told_ = std::move(there->member);
    }
    believe_until(sent + kLease);
    if (self() != told_) (void)co_await settle(lease, ctx);
  }
}

// In the end nothing is believed of the lease any more, so that others need not wait for it.
Task<> Tenure::leave(uint64_t lease, Context ctx) {
  Context last{.loop = ctx.loop, .deadline = ctx.loop->now() + kCallTime};
  place::Member self = this->self();
  meta::Txn txn;
  txn.put(meta::schema::confirmation(self.disk),
          Confirmation{.nonce = self.nonce, .left = true}.dump());
  (void)co_await control_.commit(std::move(txn), last);
  (void)co_await control_.revoke(lease, last);
  co_return ok;
}

}  // namespace forebay::cluster
