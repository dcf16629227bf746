// Tickets: what a write does to what is believed.
#include "object/heads.h"
#include "object/heads_state.h"

namespace forebay::object {

Heads::Ticket Heads::begin_ticket(const Bucket& bucket, const ObjectKey& key, io::Loop& loop) {
  Name id(bucket.incarnation, key.text());
  Stripe& s = stripe(id);
  std::lock_guard lock(s.mutex);
  Entry& e = entry_of(s, id, bucket, key.text());
  believe(s, e, nullptr);
  ++s.revoked;
  ++e.changes;
  if (++e.tickets > 1) e.crowded = true;
  return Ticket(this, &loop, std::string(std::string_view(id)));
}

Task<Heads::Ticket> Heads::open_ticket(BucketRef bucket, ObjectKey key, Leaves leaves,
                                       Context ctx) {
  Ticket ticket = begin_ticket(*bucket, key, *ctx.loop);
  if (bucket->native()) co_return ticket;
  // From here on no row of the key is put; those that were go, before the write is begun.
  Result<> gone = co_await rows_.forget(bucket->incarnation, key, leaves, ctx);
  // Where every read is checked a row tells of a layout at most, of a version that it names.
  if (gone || bucket->freshness.kind == Freshness::Kind::exact) co_return ticket;
  ticket.close(nullptr);
  co_return not_taken_back(std::move(gone.error()));
}

Error Heads::not_taken_back(Error why) {
  if (why.code() == Code::cancelled || why.code() == Code::timeout) return why;
  return fail(Code::busy, "what is believed of a key cannot be taken back: " + why.text(),
              "SlowDown");
}

Task<> Heads::start(Context ctx) {
  bool left = co_await co_await rows_.were_writes_left(ctx);
  if (left) doubt_until_ = ctx.loop->now() + kUncertain;
  co_return ok;
}

Task<> Heads::stop(Context ctx) {
  Time now = ctx.loop->now();
  bool doubt = now < doubt_until_;
  for (auto& stripe : stripes_) {
    std::lock_guard lock(stripe->mutex);
    for (const Entry& entry : stripe->order) {
      doubt = doubt || entry.tickets > 0 || now < entry.check_until;
    }
  }
  if (doubt) co_return ok;
  co_return co_await rows_.no_writes_left(ctx);
}

void Heads::close(const std::string& id, HeadRef head, bool uncertain, Time now) {
  Stripe& s = stripe(id);
  std::lock_guard lock(s.mutex);
  Entry* open = s.find(id);
  check(open != nullptr && open->tickets > 0, "a ticket is closed twice");
  Entry& e = *open;
  ++s.revoked;
  ++e.changes;
  if (uncertain) e.check_until = now + kUncertain;
  if (head != nullptr) install(s, e, head);
  bool sure = !uncertain && now >= e.check_until && now >= doubt_until_;
  if (head != nullptr && !e.crowded && sure) {
    believe(s, e, std::move(head));
  }
  if (--e.tickets == 0) e.crowded = false;
  trim(s, now);
}

Heads::Ticket::~Ticket() {
  if (owner_ != nullptr) close_uncertain();
}

void Heads::Ticket::close(HeadRef head) {
  std::exchange(owner_, nullptr)->close(key_, std::move(head), false, loop_->now());
}

void Heads::Ticket::close_uncertain() {
  std::exchange(owner_, nullptr)->close(key_, nullptr, true, loop_->now());
}

}  // namespace forebay::object
