// Questions: what is current, by what is believed, by a row, or by the origin's word.
#include "object/heads.h"
#include "object/heads_state.h"

namespace forebay::object {

Task<HeadRef> Heads::current(BucketRef bucket, ObjectKey key, bool force, Context ctx) {
  Current found = co_await co_await ask(std::move(bucket), std::move(key), force, false, ctx);
  co_return std::move(found.head);
}

Task<Heads::Current> Heads::ask(BucketRef bucket, ObjectKey key, bool force, bool eager,
                                Context ctx) {
  std::shared_ptr<Check> check;
  Question question;
  bool joined = false;
  {
    Name id(bucket->incarnation, key.text());
    Stripe& s = stripe(id);
    std::lock_guard lock(s.mutex);
    Time now = ctx.loop->now();
    trim(s, now);  // before: what is found now stays until somebody else comes
    Entry& e = entry_of(s, id, *bucket, key.text());
    if (!force && believable(e, bucket->freshness, now)) {
      metrics_.believed.add();
      co_return Current{e.head, {}, true};
    }
    if (e.asking) {
      // Who asks now may have asked before we came; the question after that will not have been.
      joined = e.waiting != nullptr;
      if (!joined) e.waiting = std::make_shared<Check>();
      check = e.waiting;
      check->forced = check->forced || force;
    } else {
      e.asking = true;
      question = {&s, &e, e.hint, e.changes, now};
      // What was known of the key since this process began is newer than any row.
      question.may_find = !force && e.hint == nullptr && e.tickets == 0 && now >= e.check_until;
    }
  }
  if (check != nullptr) {
    if (joined) metrics_.checks_joined.add();
    Current current = co_await co_await Check::wait(check, ctx);
    current.joined = joined;
    co_return current;
  }
  Result<Current> found = co_await answer(bucket, key, question, eager, ctx);
  if (auto next = answered(question, found, ctx.loop->now())) {
    job::Crew& crew = crews_.of(*ctx.loop);
    crew.spawn(run_checks(bucket, key, question, std::move(next), crew.context()));
  }
  rows_.write_soon(*ctx.loop);  // what has left memory meanwhile
  co_return found;
}

Task<Heads::Current> Heads::answer(const BucketRef& bucket, const ObjectKey& key,
                                   const Question& question, bool eager, Context ctx) {
  const bool rows_tell = !bucket->native() && bucket->freshness.kind != Freshness::Kind::exact;
  if (rows_tell && question.may_find) {
    auto head = co_await find_row(bucket, key, ctx);
    // What cannot be read is not there.
    if (head && *head != nullptr) co_return Current{std::move(*head), {}, true};
  }
  metrics_.checks.add();
  Current told = co_await co_await check_once(bucket, key, question, eager, ctx);
  if (rows_tell) co_await co_await overrule(*bucket, key, question, *told.head, ctx);
  co_return told;
}

// The row goes before anybody is answered: it would be believed again as soon as nothing of the key
// is in memory.
Task<> Heads::overrule(const Bucket& bucket, const ObjectKey& key, const Question& question,
                       const Head& told, Context ctx) {
  HeadRef before = question.hint;
  if (before == nullptr && !question.may_find) {
    auto found = co_await rows_.find(bucket.incarnation, key, ctx);
    if (!found) co_return not_taken_back(std::move(found.error()));
    const std::optional<std::string> row = std::move(*found);
    if (row) before = revive(bucket, key.text(), *row, true);
  }
  if (before == nullptr || before->version == nullptr) co_return ok;
  bool same = told.exists && told.info.tag == before->info.tag;
  bool over = before->kind == KeptKind::ttl && ctx.loop->now() >= before->until;
  if (same || over) co_return ok;
  Result<> gone = co_await disbelieve(std::move(before), ctx);
  if (!gone) co_return not_taken_back(std::move(gone.error()));
  co_return ok;
}

Task<HeadRef> Heads::find_row(BucketRef bucket, ObjectKey key, Context ctx) {
  auto row = co_await co_await rows_.find(bucket->incarnation, key, ctx);
  if (!row) co_return HeadRef();
  metrics_.rows_found.add();
  HeadRef head = revive(*bucket, key.text(), *row, true);
  bool old = head != nullptr && head->kind == KeptKind::ttl && ctx.loop->now() >= head->until;
  if (head == nullptr || old) co_return HeadRef();
  metrics_.rows_believed.add();
  metrics_.believed.add();
  co_return head;
}

// Asks for those who came while another question was under way, as long as there are any.
Task<> Heads::run_checks(BucketRef bucket, ObjectKey key, Question question,
                         std::shared_ptr<Check> check, Context ctx) {
  while (check != nullptr) {
    std::optional<Current> known;
    {
      std::lock_guard lock(question.stripe->mutex);
      const Entry& e = *question.entry;
      Time now = ctx.loop->now();
      if (!check->forced && believable(e, bucket->freshness, now)) {
        known = Current{e.head, {}, true};
        metrics_.believed.add();
      }
      question.hint = e.hint;
      question.changes = e.changes;
      question.began = now;
      question.may_find = false;
    }
    Result<Current> found = fail(Code::internal, "nobody has asked");
    if (known) {
      found = std::move(*known);
    } else {
      found = co_await answer(bucket, key, question, false, ctx);
    }
    auto next = answered(question, found, ctx.loop->now());
    check->finish(std::move(found));
    check = std::move(next);
  }
  co_return ok;
}

std::shared_ptr<Heads::Check> Heads::answered(const Question& question,
                                              const Result<Current>& found, Time now) {
  Stripe& s = *question.stripe;
  Entry& e = *question.entry;
  std::lock_guard lock(s.mutex);
  if (found) {
    bool quiet = e.tickets == 0 && e.changes == question.changes && now >= e.check_until;
    // What a dead process has begun had its row removed before: one that is there is true.
    quiet = quiet && (found->believed || now >= doubt_until_);
    if (found->head != e.hint) install(s, e, found->head);
    if (quiet) believe(s, e, found->head);
  }
  e.asking = e.waiting != nullptr;
  return std::move(e.waiting);
}

Task<Heads::Current> Heads::check_once(const BucketRef& bucket, const ObjectKey& key,
                                       const Question& question, bool eager, Context ctx) {
  Time started = question.began;
  const HeadRef& hint = question.hint;
  if (eager && hint == nullptr) {
    Result<Current> asked = co_await ask_eagerly(bucket, key, started, ctx);
    if (asked) co_return asked;
  }
  Result<origin::ObjectInfo> info = co_await bucket->origin->head(key, {}, ctx);
  if (!info && is_missing(info.error())) {
    auto missing = std::make_shared<Head>();
    missing->exists = false;
    missing->deleted = info.error().detail() == origin::kDeleteMarker;
    missing->checked = started;
    missing->incarnation = bucket->incarnation;
    co_return Current{missing};
  }
  if (!info) co_return std::move(info.error());
  // A version id names bytes, but an origin that gives one twice must not be believed in this: the
  // layout of another size does not fit.
  bool same = hint != nullptr && hint->exists && info->tag.strong() &&
              hint->info.tag == info->tag && hint->info.size == info->size;
  if (same) {
    auto head = head_with(*bucket, key, std::move(*info), hint->layout, started);
    // A row that tells no more than the layout is as true as before.
    if (head->kind == KeptKind::layout) head->kept = hint->kept.load();
    co_return Current{std::move(head)};
  }
  co_return Current{co_await co_await make_head(bucket, key, std::move(*info), started, ctx)};
}

// Any failure here is no failure: the caller asks with a HEAD.
Task<Heads::Current> Heads::ask_eagerly(const BucketRef& bucket, const ObjectKey& key, Time started,
                                        Context ctx) {
  auto answer = co_await co_await bucket->origin->get(key, {}, ctx);
  Current current;
  if (answer.info.size <= options_.small_max && answer.info.tag.strong()) {
    if (auto here = io::take_bytes(answer.body)) {
      current.bytes = std::move(*here);
    } else {
      current.bytes =
          Bytes(co_await co_await io::read_all(std::move(answer.body), options_.small_max, ctx));
    }
    if (current.bytes.size() != answer.info.size) co_return fail(Code::unavailable, "a short body");
    if (answer.info.pieces.empty()) {
      Layout layout = Layout::small(answer.info.size, answer.info.etag, bucket->largest_unit());
      current.head = head_with(*bucket, key, std::move(answer.info), std::move(layout), started);
      co_return current;
    }
    current.head = co_await co_await make_head(bucket, key, std::move(answer.info), started, ctx);
    // Bytes that come along are those of one unit.
    bool one = current.head->first.range.length == current.head->info.size;
    if (!one) current.bytes = {};
    co_return current;
  }
  current.head = co_await co_await make_head(bucket, key, answer.info, started, ctx);
  const Head& head = *current.head;
  ByteRange whole{0, head.info.size};
  bool one = head.version != nullptr && head.first.range == whole && answer.range == whole;
  if (one) current.answer = std::make_shared<origin::GetAnswer>(std::move(answer));
  co_return current;
}

Task<HeadRef> Heads::make_head(BucketRef bucket, ObjectKey key, origin::ObjectInfo info,
                               Time checked, Context ctx) {
  Layouts::Learned learned = co_await co_await layouts_.learn(*bucket, key, info, ctx);
  auto head = head_with(*bucket, key, std::move(info), std::move(learned.layout), checked);
  if (head->kind == KeptKind::layout) head->kept = learned.has_row;
  co_return head;
}

}  // namespace forebay::object
