// Bucket: a name, the origin behind it, and how fresh its reads are. Control rows in meta; a
// snapshot in memory that every request reads.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/names.h"
#include "base/secret.h"
#include "base/shared.h"
#include "io/sync.h"
#include "meta/store.h"
#include "object/cors.h"
#include "object/lifecycle.h"
#include "obs/metrics.h"
#include "origin/origin.h"
#include "unit/fill.h"

namespace forebay::object {

/// How long a head is believed (docs/semantics.md, "Heads and tickets").
struct Freshness {
  enum class Kind { exact, ttl, immutable };
  Kind kind = Kind::ttl;
  Duration ttl = seconds(60);

  /// "exact", "ttl:60s" (units ms, s, m, h), "immutable".
  static Result<Freshness> parse(std::string_view text);
  std::string to_string() const;
  bool operator==(const Freshness&) const = default;
};

/// When stored bytes are compared with their checksums: "start", "always".
Result<unit::Verify> parse_verify(std::string_view text);
std::string_view name(unit::Verify verify);

/// When late answers of the origin are asked for again (docs/adr/0031): "off", "p95", "p99".
Result<origin::Hedging> parse_hedging(std::string_view text);
std::string_view name(origin::Hedging hedging);

/// How much of a unit a read fetches (docs/adr/0016): all of it, or what reads have earned.
enum class Filling { part, adaptive };
/// "part", "adaptive".
Result<Filling> parse_filling(std::string_view text);
std::string_view name(Filling filling);

/// The url of a bucket without an origin: its bytes are on our own disks, and nowhere else.
inline constexpr std::string_view kNative = "native:";

/// Where a bucket's truth is, and with whose keys it is reached.
struct OriginConfig {
  std::string url;         ///< dir:///path, s3://bucket[/prefix]?endpoint=…&region=…, or kNative
  std::string access_key;  ///< empty where the kind needs none
  Secret secret;
};

/// Units below this cost a request and a file each for next to nothing.
inline constexpr uint64_t kLeastUnitMax = 1 << 20;
/// Whether a new bucket may have this unit_max: 0 (never split), or from 1 MiB on.
Result<> allow_unit_max(uint64_t bytes);

/// Counts the writes that are on their way to one bucket, so that whoever removes it knows that no
/// more come. Any thread.
class Writes {
 public:
  /// False while they are stopped; else end() is due.
  bool begin();
  void end();
  /// No more begin. False when some are on their way, or when they are stopped already.
  bool stop();
  void resume();
  bool stopped() const;
  /// Tells when one may look again.
  io::Progress& ended() { return ended_; }

 private:
  mutable std::mutex mutex_;
  uint64_t running_ = 0;
  bool stopped_ = false;
  io::Progress ended_;
};

/// What may change while a bucket is in service. Each change makes a new Bucket.
struct BucketSettings {
  origin::TagSet tags = {};  ///< the bucket's own
  CorsRules cors = {};
  LifecycleRef lifecycle = {};  ///< of a native bucket; another value is another set of rules
  origin::Quota quota = {};     ///< of a native bucket
  origin::Hedging hedge = origin::Hedging::off;  ///< of one with an s3 origin
};

/// One bucket; immutable, shared.
struct Bucket {
  explicit Bucket(BucketName bucket_name) : name(std::move(bucket_name)) {}
  BucketName name;
  uint64_t incarnation = 0;  ///< new at every creation; part of every unit's name
  OriginConfig config;
  Freshness freshness;
  uint64_t unit_max = 128 << 20;  ///< larger parts are split; 0: never
  Filling fill = Filling::part;
  bool cache_writes = true;                   ///< written bytes are stored as they pass
  unit::Verify verify = unit::Verify::start;  ///< when stored bytes are checked
  BucketSettings settings;
  WallTime created;
  origin::Capabilities capabilities;
  std::shared_ptr<origin::Origin> origin;
  /// How many questions in a row found a small object that was not cached, and how many reads in a
  /// row a larger one of one unit: where that is the rule, the next question is asked eagerly. Any
  /// thread.
  std::shared_ptr<std::atomic<uint32_t>> cold_small = std::make_shared<std::atomic<uint32_t>>(0);
  std::shared_ptr<std::atomic<uint32_t>> cold_large = std::make_shared<std::atomic<uint32_t>>(0);
  std::shared_ptr<Writes> writes = std::make_shared<Writes>();
  obs::Counter* asked = nullptr;  ///< object bytes that reads asked for; may be null

  bool native() const { return config.url == kNative; }
  /// Whose units those of a key are.
  disk::UnitOwner owner(const ObjectKey& key) const {
    return {incarnation, key_slot(incarnation, key.text())};
  }
  /// Adaptive units are no larger than this, whatever unit_max says.
  static constexpr uint64_t kExtent = 2 << 20;
  /// Larger parts are split into units; 0: never.
  uint64_t largest_unit() const {
    if (fill == Filling::part) return unit_max;
    return unit_max == 0 ? kExtent : std::min(unit_max, kExtent);
  }
};
using BucketRef = std::shared_ptr<const Bucket>;

/// A write that is on its way to a bucket, for as long as it lives.
class Writing {
 public:
  /// Code::conflict, "OperationAborted", while the bucket is removed.
  static Result<Writing> begin(BucketRef bucket);
  Writing(Writing&&) = default;
  Writing& operator=(Writing&&) = delete;
  ~Writing() {
    if (bucket_ != nullptr) bucket_->writes->end();
  }

 private:
  explicit Writing(BucketRef bucket) : bucket_(std::move(bucket)) {}
  BucketRef bucket_;
};

/// What CreateBucket and `forebay bucket create` give.
struct BucketSpec {
  OriginConfig config = {};  ///< an empty url: the node's default origin
  Freshness freshness = {};
  uint64_t unit_max = 128 << 20;
  Filling fill = Filling::part;
  bool cache_writes = true;
  unit::Verify verify = unit::Verify::start;
  origin::Hedging hedge = origin::Hedging::off;  ///< of an s3 origin; others have `off`
  /// The last thing it says that only a bucket with an origin has; empty: nothing. It is refused
  /// where the bucket turns out to be native.
  std::string says_of_origin = {};
  origin::Quota quota = {};  ///< of a native bucket; another with one → "NotImplemented"
};

/// Makes origins; node binds it. `create` allows to make what the node itself owns (the folder of
/// a default origin).
class OriginFactory {
 public:
  virtual ~OriginFactory() = default;
  /// The default origin's configuration for a bucket of that name.
  virtual Result<OriginConfig> default_config(const BucketName& name) = 0;
  /// Whether a new bucket may have it; `own`: it is what default_config() said.
  virtual Task<> allow(OriginConfig config, bool own, Context ctx) {
    (void)config, (void)own, (void)ctx;
    co_return ok;
  }
  /// That of `bucket`, which has all but the origin. `read` counts the body bytes that come from
  /// it.
  virtual Task<std::shared_ptr<origin::Origin>> open(const Bucket& bucket [[clang::lifetimebound]],
                                                     bool create, obs::Counter& read,
                                                     Context ctx) = 0;
  /// After a bucket of default_config() is gone: removes what open() has made for it, unless it
  /// holds objects.
  virtual Task<> discard(OriginConfig config, Context ctx) {
    (void)config, (void)ctx;
    co_return ok;
  }
};

/// Whether a bucket may be removed while its origin holds objects.
enum class Removal {
  if_empty,  ///< DeleteBucket: else "BucketNotEmpty". Its uploads end with it
  forget     ///< the objects stay; not of a native bucket, whose objects are nowhere else
};

/// All buckets. Any loop.
class Buckets {
 public:
  /// Most buckets of one node.
  static constexpr size_t kMaxBuckets = 1000;
  /// How long the removal of a bucket waits for writes on their way.
  static constexpr Duration kWritesWait = seconds(5);
  /// How long a change of a bucket waits for others.
  static constexpr Duration kChangeWait = seconds(5);

  Buckets(meta::Store& store, OriginFactory& factory, obs::Registry& registry)
      : store_(store), factory_(factory), registry_(registry) {}

  /// Reads all rows and opens their origins; called once, before serving.
  Task<> load(Context ctx);
  /// Opens and probes the origin, then writes the row. Exists already → Code::exists,
  /// "BucketAlreadyOwnedByYou".
  Task<BucketRef> create(BucketName name, BucketSpec spec, Context ctx);
  /// Changes what may change of the bucket, durably; readers see it once this has returned. What
  /// the origin cannot → its error, and nothing is changed. Waits
  /// for other changes, a removal or a creation of that name, for kChangeWait. Then, or when it is
  /// no longer this bucket: Code::conflict, "OperationAborted".
  Task<> update(BucketRef bucket, std::function<void(BucketSettings&)> change, Context ctx);
  /// Gives the bucket's origin other keys, durably, once the origin has answered a list with them;
  /// who holds the bucket uses them too. Waits as update() does. What the origin says of them is
  /// the error, and nothing is changed; an origin that has none → "NotImplemented".
  Task<> set_keys(BucketRef bucket, std::string access_key, Secret secret, Context ctx);
  /// Forgets the bucket. While that takes its time, nobody finds it, and create() of its name is
  /// Code::conflict, "OperationAborted"; when it fails the bucket is there again. What is refused
  /// is not noticed: a bucket that is not empty, or that is still written to after kWritesWait
  /// (Code::conflict, "OperationAborted"; if_empty only), stays in service all the while.
  Task<> remove(BucketName name, Removal removal, Context ctx);
  /// Code::not_found, "NoSuchBucket".
  Result<BucketRef> get(std::string_view name) const;
  std::vector<BucketRef> list() const;

 private:
  using Map = std::map<std::string, BucketRef, std::less<>>;
  /// Holds a name whose bucket is being made, changed or removed.
  class Change;
  Task<BucketRef> open(BucketName name, std::string row, Context ctx);
  /// The name under which a bucket is counted.
  std::string label(const BucketName& name);
  obs::Counter& asked(const BucketName& name);
  obs::Counter& read(const BucketName& name);
  /// Names under which buckets are being made.
  size_t making();
  /// A bucket that nobody else changes meanwhile, and its row.
  struct Alone {
    std::unique_ptr<Change> change;
    BucketRef now;
    std::string row;
  };
  Task<Alone> alone(BucketRef bucket, Context ctx);
  Task<BucketRef> make(BucketName name, BucketSpec spec, Context ctx);
  /// Writes the row in place of `old`, or where none is. Code::conflict: another is there.
  Task<> commit(BucketName name, std::optional<std::string> old, std::string row, Context ctx);
  Task<> remove_now(BucketName name, BucketRef expected, Removal removal, Context ctx);
  static Task<> check_empty(BucketRef bucket, Context ctx);
  static Task<> stop_writes(BucketRef bucket, Context ctx);
  Task<> close(BucketRef bucket, Removal removal, Context ctx);
  Task<> remove_row(BucketRef bucket, Context ctx);
  bool is_own(const Bucket& bucket);
  void put(BucketRef bucket);
  void take(const BucketRef& bucket);

  meta::Store& store_;
  OriginFactory& factory_;
  obs::Registry& registry_;
  Shared<Map> buckets_;
  std::mutex changing_;
  std::set<std::string> counted_;  ///< names with counters of their own; under changing_
  /// Names in change, under changing_: how many make it, or -1 while it is removed or changed.
  std::map<std::string, int> changes_;
  io::Progress ended_;  ///< of a change
};

}  // namespace forebay::object
