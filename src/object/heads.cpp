#include "object/heads.h"

#include <boost/intrusive/list.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include "base/check.h"
#include "base/encoding.h"

namespace forebay::object {

// One question to the origin that any number of reads share.
struct Heads::Check {
  std::mutex mutex;
  std::optional<Result<Current>> result;
  io::Progress progress;

  void finish(Result<Current> r) {
    {
      std::lock_guard lock(mutex);
      result.emplace(std::move(r));
    }
    progress.notify();
  }
  static Task<Current> wait(std::shared_ptr<Check> check, Context ctx) {
    while (true) {
      uint64_t seen = check->progress.count();
      {
        std::lock_guard lock(check->mutex);
        const auto& result = check->result;
        if (result) co_return *result;
      }
      co_await co_await check->progress.changed(seen, ctx);
    }
  }
};

struct Heads::Entry : boost::intrusive::list_base_hook<> {
  explicit Entry(std::string_view n) : name(n), bytes(n.size() + 300) {}
  const std::string name;
  HeadRef head;  ///< believable by freshness; null: must check
  HeadRef hint;  ///< the last one seen: keeps the layout while its tag is the same
  uint32_t tickets = 0;
  bool crowded = false;            ///< tickets overlapped since there last was none
  uint64_t changes = 0;            ///< tickets opened and closed
  Time check_until{0};             ///< an uncertain commit: check every read
  bool asking = false;             ///< somebody asks the origin now
  std::shared_ptr<Check> waiting;  ///< and for these the next question
  size_t bytes;

  bool pinned(Time now) const { return tickets > 0 || asking || now < check_until; }
};

struct Heads::Stripe {
  std::mutex mutex;
  // Most look-ups of cold keys find nothing: a flat table says so after one look.
  boost::unordered_flat_map<std::string_view, std::unique_ptr<Entry>> entries;
  boost::intrusive::list<Entry> order;  ///< least recently used first
  size_t bytes = 0;

  ~Stripe() { order.clear(); }
  Entry* find(std::string_view name) {
    auto found = entries.find(name);
    return found == entries.end() ? nullptr : found->second.get();
  }
  void used(Entry& entry) { order.splice(order.end(), order, order.iterator_to(entry)); }
};

// Bucket and key in one text, in place: every read needs it.
class Heads::Name {
 public:
  Name(uint64_t incarnation, std::string_view key) : size_(sizeof incarnation + key.size()) {
    check(key.size() <= ObjectKey::kMaxBytes, "a key longer than keys are");
    std::memcpy(text_.data(), &incarnation, sizeof incarnation);
    std::memcpy(text_.data() + sizeof incarnation, key.data(), key.size());
  }
  operator std::string_view() const { return {text_.data(), size_}; }

 private:
  size_t size_;
  std::array<char, sizeof(uint64_t) + ObjectKey::kMaxBytes> text_;
};

Heads::Heads(meta::Meta& meta, job::Crews& crews, HeadOptions options, obs::Registry& registry)
    : layouts_(meta),
      crews_(crews),
      options_(options),
      checks_(
          registry.counter("forebay_head_checks_total", "Questions to origins: what is current.")),
      checks_joined_(registry.counter("forebay_head_checks_joined_total",
                                      "Reads that shared a question with others.")),
      believed_(registry.counter("forebay_heads_believed_total",
                                 "Reads answered with a head that was believed.")) {
  for (auto& stripe : stripes_) stripe = std::make_unique<Stripe>();
}

Heads::~Heads() = default;

Heads::Stripe& Heads::stripe(std::string_view name) {
  return *stripes_[std::hash<std::string_view>()(name) % stripes_.size()];
}

Heads::Entry& Heads::entry(Stripe& stripe, std::string_view name) {
  if (Entry* known = stripe.find(name)) {
    stripe.used(*known);
    return *known;
  }
  auto made = std::make_unique<Entry>(name);
  Entry& entry = *made;
  stripe.entries.emplace(entry.name, std::move(made));
  stripe.order.push_back(entry);
  stripe.bytes += entry.bytes;
  return entry;
}

void Heads::install(Stripe& stripe, Entry& entry, HeadRef head) {
  stripe.bytes -= entry.bytes;
  entry.bytes = 800 + entry.name.size();
  for (const origin::Fields* fields : {&head->info.fields, &head->info.checksums}) {
    for (auto& [key, value] : *fields) entry.bytes += key.size() + value.size() + 64;
  }
  // The head and its version have each of these; usual ones are in the figure above.
  constexpr size_t kUsualNames = 256;
  const origin::ObjectInfo& info = head->info;
  size_t names = info.etag.text().size() + info.tag.text().size() + info.version_id.size();
  entry.bytes += 2 * names - std::min(2 * names, kUsualNames);
  // Of parts and pieces: where they end, and what the object tells of each.
  entry.bytes += head->layout.memory() + info.pieces.size() * sizeof(origin::Piece);
  stripe.bytes += entry.bytes;
  entry.hint = std::move(head);
}

// Dropping a head is always safe: no head means "must check". What a write or a check is using
// stays.
void Heads::trim(Stripe& stripe, Time now) {
  size_t budget = options_.max_bytes / stripes_.size();
  size_t looked = 0;
  for (auto it = stripe.order.begin(); stripe.bytes > budget && looked < 8; ++looked) {
    if (it == stripe.order.end()) return;
    Entry& oldest = *it;
    if (oldest.pinned(now)) {
      // Behind all others, or a few of these at the front would keep everything.
      stripe.order.splice(stripe.order.end(), stripe.order, it++);
      continue;
    }
    stripe.bytes -= oldest.bytes;
    it = stripe.order.erase(it);
    stripe.entries.erase(stripe.entries.find(oldest.name));
  }
}

bool Heads::believable(const Entry& entry, const Freshness& freshness, Time now) {
  if (entry.head == nullptr || entry.tickets > 0 || now < entry.check_until) return false;
  Duration age = now - entry.head->checked;
  std::optional<Duration> most;
  if (!entry.head->exists) {
    most = kBelieveMissing;
  } else if (entry.head->version == nullptr) {
    most = kBelieveWeak;
  }
  switch (freshness.kind) {
    case Freshness::Kind::exact: return false;
    case Freshness::Kind::ttl: return age < std::min(freshness.ttl, most.value_or(freshness.ttl));
    case Freshness::Kind::immutable: return !most || age < *most;
  }
  return false;
}

HeadRef Heads::believed(const Bucket& bucket, std::string_view key, Time now) {
  if (bucket.freshness.kind == Freshness::Kind::exact) return nullptr;
  Name id(bucket.incarnation, key);
  Stripe& s = stripe(id);
  std::lock_guard lock(s.mutex);
  Entry* e = s.find(id);
  if (e == nullptr || !believable(*e, bucket.freshness, now)) return nullptr;
  s.used(*e);
  believed_.add();
  return e->head;
}

void Heads::disbelieve(const Head& head) {
  Name id(head.incarnation, head.version->key.text());
  Stripe& s = stripe(id);
  std::lock_guard lock(s.mutex);
  Entry* e = s.find(id);
  if (e != nullptr && e->head != nullptr && e->head->info.tag == head.info.tag) e->head = nullptr;
}

HeadRef Heads::last_seen(const Bucket& bucket, const ObjectKey& key) {
  Name id(bucket.incarnation, key.text());
  Stripe& s = stripe(id);
  std::lock_guard lock(s.mutex);
  Entry* e = s.find(id);
  return e == nullptr ? nullptr : e->hint;
}

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
    Entry& e = entry(s, id);
    if (!force && believable(e, bucket->freshness, now)) {
      believed_.add();
      co_return Current{e.head, {}, true};
    }
    if (e.asking) {
      // Who asks now may have asked before we came; the question after that will not have been.
      joined = e.waiting != nullptr;
      if (!joined) e.waiting = std::make_shared<Check>();
      check = e.waiting;
    } else {
      e.asking = true;
      question = {&s, &e, e.hint, e.changes, now};
    }
    trim(s, now);
  }
  if (check != nullptr) {
    if (joined) checks_joined_.add();
    Current current = co_await co_await Check::wait(check, ctx);
    current.joined = joined;
    co_return current;
  }
  checks_.add();
  Result<Current> found = co_await check_once(bucket, key, question, eager, ctx);
  if (auto next = answered(question, found, ctx.loop->now())) {
    job::Crew& crew = crews_.of(*ctx.loop);
    crew.spawn(run_checks(bucket, key, question, std::move(next), crew.context()));
  }
  co_return found;
}

// Asks for those who came while another question was under way, as long as there are any.
Task<> Heads::run_checks(BucketRef bucket, ObjectKey key, Question question,
                         std::shared_ptr<Check> check, Context ctx) {
  while (check != nullptr) {
    {
      std::lock_guard lock(question.stripe->mutex);
      question.hint = question.entry->hint;
      question.changes = question.entry->changes;
      question.began = ctx.loop->now();
    }
    checks_.add();
    Result<Current> found = co_await check_once(bucket, key, question, false, ctx);
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
    install(s, e, found->head);
    bool quiet = e.tickets == 0 && e.changes == question.changes && now >= e.check_until;
    if (quiet) e.head = found->head;
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
    co_return Current{head_with(*bucket, key, std::move(*info), hint->layout, started)};
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
  current.head = co_await co_await make_head(bucket, key, std::move(answer.info), started, ctx);
  co_return current;
}

HeadRef Heads::head_with(const Bucket& bucket, const ObjectKey& key, origin::ObjectInfo info,
                         Layout layout, Time checked) {
  auto head = std::make_shared<Head>();
  head->incarnation = bucket.incarnation;
  head->adaptive = bucket.fill == Filling::adaptive;
  head->checked = checked;
  head->layout = std::move(layout);
  if (info.tag.strong()) {
    head->version = std::make_shared<const unit::Version>(
        unit::Version{bucket.origin, key, info.tag, info.etag, info.version_id, info.size,
                      bucket.verify, bucket.owner(key), bucket.native()});
  }
  head->info = std::move(info);
  head->last_modified = http_date(head->info.modified);
  if (head->version != nullptr && head->info.size > 0) head->first = head->unit_at(0);
  return head;
}

Task<HeadRef> Heads::make_head(BucketRef bucket, ObjectKey key, origin::ObjectInfo info,
                               Time checked, Context ctx) {
  Layout layout = co_await co_await layouts_.learn(*bucket, key, info, ctx);
  co_return head_with(*bucket, key, std::move(info), std::move(layout), checked);
}

Heads::Ticket Heads::open_ticket(const Bucket& bucket, const ObjectKey& key, io::Loop& loop) {
  Name id(bucket.incarnation, key.text());
  Stripe& s = stripe(id);
  std::lock_guard lock(s.mutex);
  Entry& e = entry(s, id);
  e.head = nullptr;
  ++e.changes;
  if (++e.tickets > 1) e.crowded = true;
  return Ticket(this, &loop, std::string(id));
}

void Heads::close(const std::string& id, HeadRef head, bool uncertain, Time now) {
  Stripe& s = stripe(id);
  std::lock_guard lock(s.mutex);
  Entry* open = s.find(id);
  check(open != nullptr && open->tickets > 0, "a ticket is closed twice");
  Entry& e = *open;
  ++e.changes;
  if (uncertain) e.check_until = now + kUncertain;
  if (head != nullptr) install(s, e, head);
  if (head != nullptr && !e.crowded && !uncertain && now >= e.check_until) e.head = head;
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
