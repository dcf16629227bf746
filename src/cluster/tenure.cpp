#include "cluster/tenure.h"

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
  Time refused_since = kNever;
  while (!is_cancelled(ctx)) {
    Time sent = ctx.loop->now();
    Result<meta::Lease> lease = co_await control_.grant(kLease, soon(ctx));
    Result<> joined = lease ? co_await settle(lease->id, ctx) : Result<>(std::move(lease.error()));
    if (joined) {
      number_.fetch_add(1, std::memory_order_acq_rel);
      believe_until(sent + kLease);
      refused_since = kNever;
      (void)co_await hold(lease->id, ctx);
      believe_until({});
      if (is_cancelled(ctx)) co_return co_await leave(lease->id, ctx);
    } else if (joined.error().code() == Code::exists) {
      // By when it was asked: an answer may have waited for us.
      refused_since = std::min(refused_since, ctx.loop->now());
      if (sent - refused_since > kLease * 2) co_return joined;
    }
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
  txn.put(key, Presence{lease, self}.dump());
  co_await co_await control_.commit_under(lease, std::move(txn), soon(ctx));
  told_ = std::move(self);
  co_return ok;
}

// Renews until the lease is gone. While the store does not answer it may live on there, whatever we
// may believe of it.
Task<> Tenure::hold(uint64_t lease, Context ctx) {
  while (true) {
    Time sent = ctx.loop->now();
    co_await co_await io::sleep_until(sent + kRenewal, ctx);
    sent = ctx.loop->now();
    Result<> kept = co_await control_.keep(lease, soon(ctx));
    if (kept) believe_until(sent + kLease);
    if (!kept && kept.error().code() == Code::not_found) co_return kept;
    if (kept && self() != told_) (void)co_await settle(lease, ctx);
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
