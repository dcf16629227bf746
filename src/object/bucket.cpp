#include "object/bucket.h"

#include <charconv>

#include "io/loop.h"
#include "meta/schema.h"
#include "object/bucket_row.h"
#include "object/versions.h"

namespace forebay::object {

namespace {

/// Empty pages in a row that a look for objects follows; where more come, it takes it that some are
/// there.
constexpr int kMaxEmptyPages = 100;

Error aborted() {
  return fail(Code::conflict,
              "A conflicting conditional operation is currently in progress against this "
              "resource. Please try again.",
              "OperationAborted");
}

/// What is believed of a native bucket's keys is true until it is written to, and every write comes
/// through here; its units are the objects themselves.
Result<> make_native(Bucket& bucket, const BucketSpec& spec) {
  if (!spec.says_of_origin.empty()) {
    return fail(Code::invalid,
                "a native bucket has no origin: it has no '" + spec.says_of_origin + "'",
                "InvalidArgument");
  }
  if (bucket.fill != Filling::part) {
    return fail(Code::invalid,
                "a native bucket has nothing to fill from: fill=adaptive needs an origin",
                "InvalidArgument");
  }
  bucket.freshness = {Freshness::Kind::immutable, {}};
  bucket.cache_writes = false;
  return ok;
}

}  // namespace

bool Writes::begin() {
  std::lock_guard lock(mutex_);
  if (!stopped_) ++running_;
  return !stopped_;
}

void Writes::end() {
  bool last = false;
  {
    std::lock_guard lock(mutex_);
    last = --running_ == 0;
  }
  if (last) ended_.notify();
}

bool Writes::stop() {
  std::lock_guard lock(mutex_);
  if (stopped_ || running_ > 0) return false;
  stopped_ = true;
  return true;
}

void Writes::resume() {
  std::lock_guard lock(mutex_);
  stopped_ = false;
}

bool Writes::stopped() const {
  std::lock_guard lock(mutex_);
  return stopped_;
}

Result<Writing> Writing::begin(BucketRef bucket) {
  if (!bucket->writes->begin()) return aborted();
  return Writing(std::move(bucket));
}

Result<Freshness> Freshness::parse(std::string_view text) {
  if (text == "exact") return Freshness{Kind::exact, {}};
  if (text == "immutable") return Freshness{Kind::immutable, {}};
  auto bad = [&] {
    return fail(Code::invalid,
                "'" + std::string(text) +
                    "' is no freshness: use exact, ttl:60s (or ms, m, h) or immutable",
                "InvalidArgument");
  };
  if (!text.starts_with("ttl:")) return bad();
  std::string_view time = text.substr(4);
  int64_t count = 0;
  auto [end, error] = std::from_chars(time.data(), time.data() + time.size(), count);
  std::string_view unit(end, static_cast<size_t>(time.data() + time.size() - end));
  constexpr int64_t kLongest = 1'000'000'000;  // seconds; some 31 years
  int64_t unit_seconds = unit == "h" ? 3600 : unit == "m" ? 60 : 1;
  if (error != std::errc() || count < 0 || count > kLongest / unit_seconds) return bad();
  if (unit == "ms") return Freshness{Kind::ttl, milliseconds(count)};
  if (unit == "s" || unit == "m" || unit == "h") {
    return Freshness{Kind::ttl, forebay::seconds(unit_seconds * count)};
  }
  return bad();
}

std::string Freshness::to_string() const {
  switch (kind) {
    case Kind::exact: return "exact";
    case Kind::immutable: return "immutable";
    case Kind::ttl: break;
  }
  int64_t ms = ttl.milliseconds();
  return ms % 1000 == 0 ? "ttl:" + std::to_string(ms / 1000) + "s"
                        : "ttl:" + std::to_string(ms) + "ms";
}

Result<unit::Verify> parse_verify(std::string_view text) {
  if (text == "start") return unit::Verify::start;
  if (text == "always") return unit::Verify::always;
  return fail(Code::invalid, "'" + std::string(text) + "' is no way to verify: use start or always",
              "InvalidArgument");
}

std::string_view name(unit::Verify verify) {
  return verify == unit::Verify::always ? "always" : "start";
}

Result<> allow_unit_max(uint64_t bytes) {
  if (bytes == 0 || bytes >= kLeastUnitMax) return ok;
  return fail(Code::invalid, "unit_max must be 0 (never split) or at least 1048576 (1 MiB)",
              "InvalidArgument");
}

Result<Filling> parse_filling(std::string_view text) {
  if (text == "part") return Filling::part;
  if (text == "adaptive") return Filling::adaptive;
  return fail(Code::invalid, "'" + std::string(text) + "' is no way to fill: use part or adaptive",
              "InvalidArgument");
}

std::string_view name(Filling filling) {
  return filling == Filling::adaptive ? "adaptive" : "part";
}

Result<origin::Hedging> parse_hedging(std::string_view text) {
  for (origin::Hedging one : {origin::Hedging::off, origin::Hedging::p95, origin::Hedging::p99}) {
    if (text == name(one)) return one;
  }
  return fail(Code::invalid, "'" + std::string(text) + "' is no hedge: use off, p95 or p99",
              "InvalidArgument");
}

std::string_view name(origin::Hedging hedging) {
  switch (hedging) {
    case origin::Hedging::p95: return "p95";
    case origin::Hedging::p99: return "p99";
    case origin::Hedging::off: break;
  }
  return "off";
}

// Counters live as long as the process. So that a name made and forgotten every minute does not
// grow them for ever, names beyond the first thousand share one; no bucket is called so.
std::string Buckets::label(const BucketName& name) {
  std::lock_guard lock(changing_);
  if (counted_.size() >= kMaxBuckets && !counted_.contains(name.text())) return "(others)";
  counted_.insert(name.text());
  return name.text();
}

obs::Counter& Buckets::asked(const BucketName& name) {
  return registry_.counter("forebay_bucket_asked_bytes_total",
                           "Object bytes that reads asked for, by bucket.",
                           {{"bucket", label(name)}});
}

obs::Counter& Buckets::read(const BucketName& name) {
  return registry_.counter("forebay_bucket_origin_bytes_total",
                           "Body bytes read from the bucket's origin.", {{"bucket", label(name)}});
}

Task<> Buckets::load(Context ctx) {
  auto rows = co_await co_await meta::scan_all(store_, meta::Range::prefix(meta::schema::kBuckets),
                                               kMaxBuckets, ctx);
  Map map;
  for (meta::Row& row : rows) {
    auto name =
        co_await BucketName::parse(std::string_view(row.key).substr(meta::schema::kBuckets.size()));
    auto bucket = co_await open(name, std::move(row.value), ctx);
    if (!bucket) co_return bucket.error_in("bucket " + name.text());
    map.emplace(name.text(), std::move(*bucket));
  }
  buckets_.set(std::move(map));
  co_return ok;
}

Task<BucketRef> Buckets::open(BucketName name, std::string row, Context ctx) {
  Bucket bucket = co_await bucket_of(std::move(name), row);
  bucket.asked = &asked(bucket.name);
  bucket.origin = co_await co_await factory_.open(bucket, false, read(bucket.name), ctx);
  if (bucket.settings.quota.set()) co_await bucket.origin->limit(bucket.settings.quota);
  co_await bucket.origin->set_hedging(bucket.settings.hedge);
  co_return std::make_shared<const Bucket>(std::move(bucket));
}

// Whoever makes a bucket and whoever removes or changes one of that name would take each other's
// folder and row for their own. Those who make it find out by the row which of them has.
class Buckets::Change {
 public:
  Change(Buckets& buckets, std::string name, bool alone)
      : buckets_(buckets), name_(std::move(name)), step_(alone ? -1 : 1) {
    std::lock_guard lock(buckets_.changing_);
    int& now = buckets_.changes_[name_];
    begun_ = alone ? now == 0 : now >= 0;
    if (begun_) now += step_;
  }
  ~Change() {
    if (!begun_) return;
    {
      std::lock_guard lock(buckets_.changing_);
      auto mine = buckets_.changes_.find(name_);
      mine->second -= step_;
      if (mine->second == 0) buckets_.changes_.erase(mine);
    }
    buckets_.ended_.notify();
  }
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

  Result<> begun() const {
    if (begun_) return ok;
    return aborted();
  }

 private:
  Buckets& buckets_;
  const std::string name_;
  const int step_;
  bool begun_ = false;
};

void Buckets::put(BucketRef bucket) {
  std::lock_guard lock(changing_);
  Map map = *buckets_.get();
  const std::string& name = bucket->name.text();
  map[name] = std::move(bucket);
  buckets_.set(std::move(map));
}

void Buckets::take(const BucketRef& bucket) {
  std::lock_guard lock(changing_);
  Map map = *buckets_.get();
  map.erase(bucket->name.text());
  buckets_.set(std::move(map));
}

bool Buckets::is_own(const Bucket& bucket) {
  auto config = factory_.default_config(bucket.name);
  return config && config->url == bucket.config.url;
}

Task<BucketRef> Buckets::create(BucketName name, BucketSpec spec, Context ctx) {
  Change change(*this, name.text(), false);
  co_await change.begun();
  co_return co_await make(std::move(name), std::move(spec), ctx);
}

size_t Buckets::making() {
  std::lock_guard lock(changing_);
  return static_cast<size_t>(
      std::ranges::count_if(changes_, [](const auto& change) { return change.second > 0; }));
}

Task<BucketRef> Buckets::make(BucketName name, BucketSpec spec, Context ctx) {
  auto exists = [] {
    return fail(Code::exists,
                "Your previous request to create the named bucket succeeded and "
                "you already own it.",
                "BucketAlreadyOwnedByYou");
  };
  if (buckets_.get()->contains(name.text())) co_return exists();
  if (buckets_.get()->size() + making() > kMaxBuckets) {
    co_return fail(Code::too_large, "too many buckets", "TooManyBuckets");
  }
  bool own = spec.config.url.empty();
  if (own) spec.config = co_await factory_.default_config(name);
  co_await co_await factory_.allow(spec.config, own, ctx);
  Bucket bucket(name);
  bucket.incarnation = ctx.loop->random();
  bucket.config = std::move(spec.config);
  bucket.freshness = spec.freshness;
  bucket.unit_max = spec.unit_max;
  bucket.fill = spec.fill;
  bucket.cache_writes = spec.cache_writes;
  bucket.verify = spec.verify;
  if (bucket.native()) co_await make_native(bucket, spec);
  bucket.created = ctx.loop->wall_now();
  bucket.asked = &asked(name);
  bucket.settings.quota = spec.quota;
  bucket.origin = co_await co_await factory_.open(bucket, own, read(name), ctx);
  if (spec.quota.set()) co_await bucket.origin->limit(spec.quota);
  bucket.settings.hedge = spec.hedge;
  co_await bucket.origin->set_hedging(spec.hedge);
  bucket.capabilities = co_await co_await bucket.origin->probe(ctx);
  Result<> committed = co_await commit(name, std::nullopt, row_of(bucket), ctx);
  if (!committed && committed.error().code() == Code::conflict) co_return exists();
  co_await std::move(committed);
  auto shared = std::make_shared<const Bucket>(std::move(bucket));
  put(shared);
  co_return shared;
}

Task<> Buckets::commit(BucketName name, std::optional<std::string> old, std::string row,
                       Context ctx) {
  std::string key = meta::schema::bucket(name);
  meta::Txn txn;
  (old ? txn.require(key, std::move(*old)) : txn.require_absent(key)).put(key, row);
  Result<> committed = co_await store_.commit(std::move(txn), ctx);
  if (!committed && committed.error().code() == Code::unavailable) {
    // The outcome is unknown; a row that is there unseen would block the name, or hide what holds
    // from now on, until a restart.
    auto found = co_await store_.get(key, ctx);
    if (found && *found == row) committed = ok;
  }
  co_return committed;
}

// Nobody else's change is lost, and no bucket comes back that was removed meanwhile.
Task<Buckets::Alone> Buckets::alone(BucketRef bucket, Context ctx) {
  Alone out;
  Context wait = ctx.until(ctx.loop->now() + kChangeWait);
  while (true) {
    uint64_t seen = ended_.count();
    out.change = std::make_unique<Change>(*this, bucket->name.text(), true);
    if (out.change->begun()) break;
    out.change.reset();
    auto changed = co_await ended_.changed(seen, wait);
    if (!changed && changed.error().code() == Code::timeout) co_return aborted();
    co_await std::move(changed);
  }
  out.now = co_await get(bucket->name.text());
  if (out.now->incarnation != bucket->incarnation) co_return aborted();
  std::optional<std::string> row =
      co_await co_await store_.get(meta::schema::bucket(out.now->name), ctx);
  if (!row) co_return aborted();
  out.row = std::move(*row);
  co_return std::move(out);
}

Task<> Buckets::set_keys(BucketRef bucket, std::string access_key, Secret secret, Context ctx) {
  // Before another one of it is made, which would sweep beside the one that is written to.
  if (bucket->native()) {
    co_return fail(Code::invalid, "a native bucket has no origin that would ask for keys",
                   "NotImplemented");
  }
  Alone mine = co_await co_await alone(std::move(bucket), ctx);
  Bucket next(*mine.now);
  next.config.access_key = access_key;
  next.config.secret = secret;
  // By another one first: ours goes on with keys that are good. It was made with these, but only
  // an origin that takes keys has any.
  auto trial = co_await co_await factory_.open(next, false, read(next.name), ctx);
  co_await trial->set_keys(access_key, secret);
  auto page = co_await trial->list({.max_keys = 1}, ctx);
  if (!page) co_return page.error_in("the origin, asked with these keys");
  co_await co_await commit(next.name, std::move(mine.row), row_of(next), ctx);
  co_await next.origin->set_keys(std::move(access_key), std::move(secret));
  put(std::make_shared<const Bucket>(std::move(next)));
  co_return ok;
}

Task<> Buckets::update(BucketRef bucket, std::function<void(BucketSettings&)> change, Context ctx) {
  Alone mine = co_await co_await alone(std::move(bucket), ctx);
  Bucket next(*mine.now);
  change(next.settings);
  const origin::Quota quota = next.settings.quota, before = mine.now->settings.quota;
  const origin::Hedging hedge = next.settings.hedge, hedged = mine.now->settings.hedge;
  if (quota != before) co_await next.origin->limit(quota);
  if (hedge != hedged) co_await next.origin->set_hedging(hedge);
  Result<> committed = co_await commit(next.name, std::move(mine.row), row_of(next), ctx);
  if (!committed && quota != before) (void)next.origin->limit(before);
  if (!committed && hedge != hedged) (void)next.origin->set_hedging(hedged);
  co_await std::move(committed);
  put(std::make_shared<const Bucket>(std::move(next)));
  co_return ok;
}

Task<> Buckets::remove(BucketName name, Removal removal, Context ctx) {
  auto bucket = get(name.text());
  if (bucket && (*bucket)->native()) removal = Removal::if_empty;
  if (!bucket || removal == Removal::forget) {
    co_return co_await remove_now(std::move(name), bucket ? *bucket : nullptr, removal, ctx);
  }
  // All that it may be refused for comes first, with the bucket in service. What is found once no
  // write is on its way is the last word.
  co_await co_await check_empty(*bucket, ctx);
  co_await co_await stop_writes(*bucket, ctx);
  Result<> removed = co_await check_empty(*bucket, ctx);
  if (removed) removed = co_await remove_now(std::move(name), *bucket, removal, ctx);
  if (!removed) (*bucket)->writes->resume();
  co_return removed;
}

Task<> Buckets::remove_now(BucketName name, BucketRef expected, Removal removal, Context ctx) {
  Change change(*this, name.text(), true);
  co_await change.begun();
  BucketRef bucket = co_await get(name.text());
  if (bucket != expected) co_return aborted();  // somebody made another one meanwhile
  take(bucket);
  Result<> closed = co_await close(bucket, removal, ctx);
  if (!closed) put(std::move(bucket));
  co_return closed;
}

Task<> Buckets::check_empty(BucketRef bucket, Context ctx) {
  origin::ListOptions options{.max_keys = 1};
  // A page may be empty and not the last: the bucket is empty only where no page goes on.
  for (int page = 0; page < kMaxEmptyPages; ++page) {
    auto found = co_await bucket->origin->list(options, ctx);
    if (!found) {
      // An origin without the bucket has nothing in it.
      if (page == 0 && found.error().detail() == "NoSuchBucket") co_return ok;
      co_return std::move(found.error());
    }
    if (!found->objects.empty() || !found->prefixes.empty()) break;
    if (!found->truncated) co_return co_await check_no_versions(bucket, ctx);
    options.continuation = std::move(found->next);
  }
  co_return fail(Code::conflict, "The bucket you tried to delete is not empty", "BucketNotEmpty");
}

// Writes are stopped in a moment when there are none; until then they go on. Who would stop them
// first and wait then would hide a bucket that is in use, perhaps for nothing.
Task<> Buckets::stop_writes(BucketRef bucket, Context ctx) {
  Writes& writes = *bucket->writes;
  Context wait = ctx.until(ctx.loop->now() + kWritesWait);
  while (true) {
    uint64_t seen = writes.ended().count();
    if (writes.stop()) co_return ok;
    if (writes.stopped()) co_return aborted();
    auto changed = co_await writes.ended().changed(seen, wait);
    if (!changed && changed.error().code() == Code::timeout) co_return aborted();
    co_await std::move(changed);
  }
}

Task<> Buckets::close(BucketRef bucket, Removal removal, Context ctx) {
  bool own = is_own(*bucket);
  // An upload must not put its parts into the next bucket of that name.
  if (removal == Removal::if_empty || own) {
    Result<> dropped = co_await bucket->origin->drop_uploads(ctx);
    if (!dropped && dropped.error().detail() != "NoSuchBucket") co_return dropped;
  }
  co_await co_await remove_row(bucket, ctx);
  // What cannot be removed stays; the next bucket of that name finds no uploads in it.
  if (own) (void)co_await factory_.discard(bucket->config, ctx);
  co_return ok;
}

Task<> Buckets::remove_row(BucketRef bucket, Context ctx) {
  std::string key = meta::schema::bucket(bucket->name);
  std::optional<std::string> row = co_await co_await store_.get(key, ctx);
  if (!row) co_return ok;  // an answer was lost
  Result<> removed = co_await store_.commit(meta::Txn().require(key, *row).remove(key), ctx);
  if (!removed && removed.error().code() == Code::unavailable) {
    // The outcome is unknown: a bucket in service without a row would lose what is written to it.
    auto now = co_await store_.get(key, ctx);
    if (now && !*now) removed = ok;
  }
  co_return removed;
}

Result<BucketRef> Buckets::get(std::string_view name) const {
  auto map = buckets_.get();
  auto it = map->find(name);
  if (it == map->end()) {
    return fail(Code::not_found, "The specified bucket does not exist", "NoSuchBucket");
  }
  return it->second;
}

std::vector<BucketRef> Buckets::list() const {
  std::vector<BucketRef> out;
  for (auto& [name, bucket] : *buckets_.get()) out.push_back(bucket);
  return out;
}

}  // namespace forebay::object
