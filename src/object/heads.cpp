// The tiers in memory.
#include "object/heads.h"

#include "base/encoding.h"
#include "object/heads_state.h"

namespace forebay::object {

namespace {

// Of the memory for heads: one of so many shares is for those in use, the rest for packed ones.
constexpr size_t kShares = 8;
// Looked at when something is to go.
constexpr size_t kEntriesAtOnce = 8, kPackedAtOnce = 16;

KeptKind kind_of(const Bucket& bucket) {
  switch (bucket.freshness.kind) {
    case Freshness::Kind::exact: return KeptKind::layout;
    case Freshness::Kind::ttl: return KeptKind::ttl;
    case Freshness::Kind::immutable: return KeptKind::immutable;
  }
  return KeptKind::layout;
}

bool is_fresh(const Head& head, const Freshness& freshness, Time now) {
  Duration age = now - head.checked;
  std::optional<Duration> most;
  if (!head.exists) {
    most = kBelieveMissing;
  } else if (head.version == nullptr) {
    most = kBelieveWeak;
  }
  switch (freshness.kind) {
    case Freshness::Kind::exact: return false;
    case Freshness::Kind::ttl: return age < std::min(freshness.ttl, most.value_or(freshness.ttl));
    case Freshness::Kind::immutable: return !most || age < *most;
  }
  return false;
}

}  // namespace

HeadMetrics::HeadMetrics(obs::Registry& registry)
    : checks(
          registry.counter("forebay_head_checks_total", "Questions to origins: what is current.")),
      checks_joined(registry.counter("forebay_head_checks_joined_total",
                                     "Reads that shared a question with others.")),
      believed(registry.counter("forebay_heads_believed_total",
                                "Reads answered with a head that was believed.")),
      rows_found(registry.counter("forebay_head_rows_found_total",
                                  "Heads looked for on disk and found there.")),
      rows_believed(registry.counter("forebay_head_rows_believed_total",
                                     "Heads found on disk that were believed.")),
      whole(registry.gauge("forebay_heads", "Heads in memory.", {{"form", "whole"}})),
      packed(registry.gauge("forebay_heads", "Heads in memory.", {{"form", "packed"}})),
      whole_bytes(registry.gauge("forebay_heads_bytes", "Memory of heads, as it is reckoned.",
                                 {{"form", "whole"}})),
      packed_bytes(registry.gauge("forebay_heads_bytes", "Memory of heads, as it is reckoned.",
                                  {{"form", "packed"}})) {}

Heads::Heads(meta::Meta& meta, job::Crews& crews, HeadOptions options, obs::Registry& registry)
    : rows_(meta, crews, registry),
      layouts_(rows_),
      crews_(crews),
      options_(options),
      metrics_(registry) {
  for (auto& stripe : stripes_) stripe = std::make_unique<Stripe>();
}

Heads::~Heads() = default;

Heads::Stripe& Heads::stripe(std::string_view name) { return *stripes_[stripe_index(name)]; }

size_t Heads::stripe_index(std::string_view name) const {
  return std::hash<std::string_view>()(name) % stripes_.size();
}

size_t Heads::packed_budget() const {
  return options_.max_bytes / stripes_.size() / kShares * (kShares - 1);
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

Heads::Entry& Heads::entry_of(Stripe& stripe, std::string_view name, const Bucket& bucket,
                              std::string_view key) {
  if (Entry* known = stripe.find(name)) {
    stripe.used(*known);
    return *known;
  }
  HeadRef head;
  if (auto packed = stripe.table.find(name)) head = revive(bucket, key, packed->row, packed->kept);
  Entry& made = entry(stripe, name);
  if (head == nullptr) {
    stripe.table.erase(name);  // of no use to anybody
  } else {
    install(stripe, made, head);
    made.head = std::move(head);
  }
  return made;
}

void Heads::install(Stripe& stripe, Entry& entry, HeadRef head) {
  stripe.bytes -= entry.bytes;
  entry.bytes = 800 + entry.name.size();
  for (const origin::Fields* fields : {&head->info.fields, &head->info.checksums}) {
    for (auto& [key, value] : *fields) entry.bytes += key.size() + value.size() + 64;
  }
  // The head and its version have each of these; usual ones are in the figure above.
  constexpr size_t kUsual = 256;
  const origin::ObjectInfo& info = head->info;
  size_t names = info.etag.text().size() + info.tag.text().size() + info.version_id.size();
  entry.bytes += 2 * names - std::min(2 * names, kUsual);
  entry.bytes += head->layout.memory();
  stripe.bytes += entry.bytes;
  entry.hint = std::move(head);
}

// What is believed of the key from now on. The packed one is of before.
void Heads::believe(Stripe& stripe, Entry& entry, HeadRef head) {
  if (entry.head == head) return;
  stripe.table.erase(entry.name);
  entry.head = std::move(head);
}

// Dropping a head is always safe: no head means "must check". What a write or a check is using
// stays.
void Heads::trim(Stripe& stripe, Time now) {
  size_t budget = options_.max_bytes / stripes_.size() / kShares;
  size_t looked = 0;
  for (auto it = stripe.order.begin(); stripe.bytes > budget && looked < kEntriesAtOnce; ++looked) {
    if (it == stripe.order.end()) break;
    Entry& oldest = *it;
    if (oldest.pinned(now)) {
      // Behind all others, or a few of these at the front would keep everything.
      stripe.order.splice(stripe.order.end(), stripe.order, it++);
      continue;
    }
    put_away(stripe, oldest, now);
    stripe.bytes -= oldest.bytes;
    it = stripe.order.erase(it);
    stripe.entries.erase(stripe.entries.find(oldest.name));
  }
  stripe.table.trim(packed_budget(), kPackedAtOnce,
                    [&](std::string_view name, const KeptTable::Found& found) {
                      leave_memory(name, found, now);
                    });
  tell(stripe);
}

void Heads::put_away(Stripe& stripe, const Entry& entry, Time now) {
  const HeadRef& head = entry.head;
  if (head == nullptr || head->kind == KeptKind::layout) return;
  if (head->kind == KeptKind::ttl && now >= head->until && !head->layout.telling()) return;
  bool kept = head->kept.load(std::memory_order_relaxed);
  if (stripe.table.contains(entry.name)) {
    if (kept) stripe.table.set_kept(entry.name);
    return;
  }
  if (auto row = pack(*head)) stripe.table.put(entry.name, *row, kept);
}

// Heads that are believed for ever have their rows by now. Those that are believed for a while get
// one only here: as long as they are in memory it would be of no use.
void Heads::leave_memory(std::string_view name, const KeptTable::Found& found, Time now) {
  if (!found.kept) return;
  auto stamp = read_kept_stamp(found.row);
  if (!stamp || stamp->kind != KeptKind::ttl || now >= stamp->until) return;
  rows_.put(Name::incarnation_of(name), Name::key_of(name), std::string(found.row));
}

void Heads::tell(Stripe& stripe) {
  auto change = [](obs::Gauge& gauge, size_t& told, size_t now) {
    if (told == now) return;
    gauge.add(static_cast<int64_t>(now) - static_cast<int64_t>(told));
    told = now;
  };
  change(metrics_.whole, stripe.told_whole, stripe.entries.size());
  change(metrics_.whole_bytes, stripe.told_whole_bytes, stripe.bytes);
  change(metrics_.packed, stripe.told_packed, stripe.table.size());
  change(metrics_.packed_bytes, stripe.told_packed_bytes, stripe.table.bytes());
}

bool Heads::believable(const Entry& entry, const Freshness& freshness, Time now) {
  if (entry.head == nullptr || entry.tickets > 0 || now < entry.check_until) return false;
  return is_fresh(*entry.head, freshness, now);
}

HeadRef Heads::believed(const Bucket& bucket, std::string_view key, Time now) {
  if (bucket.freshness.kind == Freshness::Kind::exact) return nullptr;
  Name id(bucket.incarnation, key);
  Stripe& s = stripe(id);
  std::lock_guard lock(s.mutex);
  if (Entry* e = s.find(id)) {
    if (!believable(*e, bucket.freshness, now)) return nullptr;
    s.used(*e);
    metrics_.believed.add();
    return e->head;
  }
  auto packed = s.table.find(id);
  if (!packed) return nullptr;
  HeadRef head = revive(bucket, key, packed->row, packed->kept);
  if (head == nullptr || !is_fresh(*head, bucket.freshness, now)) return nullptr;
  metrics_.believed.add();
  // Once is no reason to push out another one.
  if (packed->again) {
    Entry& e = entry(s, id);
    install(s, e, head);
    e.head = head;
    trim(s, now);
  }
  return head;
}

std::optional<std::string> Heads::pack(const Head& head) const {
  if (!head.exists || head.version == nullptr) return std::nullopt;
  KeptStamp stamp{.kind = head.kind};
  if (head.kind == KeptKind::ttl) {
    stamp.life = options_.life;
    stamp.until = head.until;
  }
  return write_kept(stamp, head.info, head.layout);
}

HeadRef Heads::revive(const Bucket& bucket, std::string_view key, std::string_view row,
                      bool kept) const {
  KeptKind kind = kind_of(bucket);
  auto stamp = read_kept_stamp(row);
  bool mine = stamp && kind != KeptKind::layout && stamp->kind == kind &&
              (kind != KeptKind::ttl || stamp->life == options_.life);
  if (!mine) return nullptr;
  auto read = read_kept(row, bucket.largest_unit());
  auto name = ObjectKey::parse(key);
  if (!read || !name) return nullptr;
  Time checked;
  if (kind == KeptKind::ttl) checked.ns = stamp->until.ns - bucket.freshness.ttl.ns;
  HeadRef head = head_with(bucket, *name, std::move(read->info), std::move(read->layout), checked);
  head->kept.store(kept, std::memory_order_relaxed);
  return head;
}

void Heads::keep(const Head& head, io::Loop& loop) {
  // A hot head is read by all loops, and written by none.
  if (head.kept.load(std::memory_order_relaxed)) return;
  bool never = !head.exists || head.version == nullptr || head.version->native ||
               (head.kind == KeptKind::layout && !head.layout.telling());
  if (never || head.kept.exchange(true, std::memory_order_relaxed)) return;
  const std::string& key = head.version->key.text();
  Name id(head.incarnation, key);
  Stripe& s = stripe(id);
  {
    std::lock_guard lock(s.mutex);
    Entry* e = s.find(id);
    auto packed = e == nullptr ? s.table.find(id) : std::nullopt;
    std::optional<std::string> row;
    if (packed || head.kind != KeptKind::ttl) row = pack(head);
    bool current = e != nullptr ? e->head.get() == &head : packed && row && packed->row == *row;
    bool due = current && row && head.kind != KeptKind::ttl;
    bool waits = due && rows_.put(head.incarnation, key, *row);
    // Here too, so that it need not be packed again when it is put away.
    if (waits && !packed && head.kind == KeptKind::immutable) s.table.put(id, *row, true);
    if (!current || (due && !waits)) {
      head.kept.store(false, std::memory_order_relaxed);  // another time, perhaps
      return;
    }
    if (packed) s.table.set_kept(id);
    if (!waits) return;
  }
  rows_.write_soon(loop);
}

Task<> Heads::disbelieve(HeadRef head, Context ctx) {
  {
    Name id(head->incarnation, head->version->key.text());
    Stripe& s = stripe(id);
    std::lock_guard lock(s.mutex);
    // With an entry no row answers for the key.
    Entry& e = entry(s, id);
    if (e.hint == nullptr) install(s, e, head);
    if (e.head == nullptr || e.head->info.tag == head->info.tag) believe(s, e, nullptr);
    s.table.erase(id);
    ++s.revoked;
    trim(s, ctx.loop->now());
  }
  if (head->version->native) co_return ok;
  Result<> gone = co_await rows_.forget(head->incarnation, head->version->key, Leaves::layout, ctx);
  Name id(head->incarnation, head->version->key.text());
  Stripe& s = stripe(id);
  std::lock_guard lock(s.mutex);
  ++s.revoked;
  co_return gone;
}

HeadRef Heads::last_seen(const Bucket& bucket, const ObjectKey& key) {
  Name id(bucket.incarnation, key.text());
  Stripe& s = stripe(id);
  std::lock_guard lock(s.mutex);
  if (Entry* e = s.find(id)) return e->hint;
  auto packed = s.table.find(id);
  return packed ? revive(bucket, key.text(), packed->row, packed->kept) : nullptr;
}

HeadRef Heads::head_with(const Bucket& bucket, const ObjectKey& key, origin::ObjectInfo info,
                         Layout layout, Time checked) {
  auto head = std::make_shared<Head>();
  head->incarnation = bucket.incarnation;
  head->adaptive = bucket.fill == Filling::adaptive;
  head->checked = checked;
  head->kind = kind_of(bucket);
  if (head->kind == KeptKind::ttl) head->until = checked + bucket.freshness.ttl;
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

}  // namespace forebay::object
