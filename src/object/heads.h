// Heads: what this node believes about the current version of each key it owns, and the tickets of
// writes under way. The rules are docs/semantics.md, "Heads and tickets". Three tiers, and a key is
// looked for in this order: heads that are in use, whole; packed ones behind them
// (kept/kept_table.h); rows on disk (kept/kept_rows.h).
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "io/sync.h"
#include "job/crew.h"
#include "job/job.h"
#include "meta/store.h"
#include "object/bucket.h"
#include "object/head.h"
#include "object/kept/kept_rows.h"
#include "object/kept/kept_table.h"
#include "object/layouts.h"
#include "obs/metrics.h"

namespace forebay::object {

/// After a commit whose outcome is unknown, a key is checked at every read for this long.
inline constexpr Duration kUncertain = seconds(60);
/// A missing key is believed missing for at most this long.
inline constexpr Duration kBelieveMissing = seconds(1);
/// A head without a strong tag is believed for at most this long: its object cannot be cached, and
/// a file of a `dir` origin gets a strong tag by growing older.
inline constexpr Duration kBelieveWeak = seconds(1);

/// The origin has no such key. One that is not there itself says nothing about keys.
inline bool is_missing(const Error& error) {
  return error.code() == Code::not_found && error.detail() != "NoSuchBucket";
}

struct HeadOptions {
  /// Bytes for heads in memory, all keys together; an eighth for those in use (about 700 each),
  /// the rest for packed ones (about 130). Least recently used ones go.
  uint64_t max_bytes = 64 << 20;
  /// What counts as small for an eager question; the disk's small_max.
  uint64_t small_max = 64 << 10;
  /// Random: tells the checks of this process from those of others.
  uint64_t life = 0;
};

/// Metrics of this class.
struct HeadMetrics {
  explicit HeadMetrics(obs::Registry& registry);
  obs::Counter& checks;
  obs::Counter& checks_joined;
  obs::Counter& believed;
  obs::Counter& rows_found;
  obs::Counter& rows_believed;
  obs::Gauge& whole;
  obs::Gauge& packed;
  obs::Gauge& whole_bytes;
  obs::Gauge& packed_bytes;
};

class Heads {
 public:
  Heads(meta::Meta& meta, job::Crews& crews, HeadOptions options, obs::Registry& registry);
  ~Heads();

  /// Before the first read: where a process before this one has left writes on their way, nothing
  /// that is asked is believed for kUncertain.
  Task<> start(Context ctx);
  /// After the last request: the next process need not doubt, unless a write is in doubt now.
  Task<> stop(Context ctx);

  /// A head that was current at some moment of this call, or is believed by the bucket's
  /// freshness. `force`: only one from a check that starts after the call. A key that does not
  /// exist gives a head with exists = false. The origin's errors come as they are.
  ///
  /// `eager`: if nothing at all is known of the key, ask with a GET instead of a HEAD; when the
  /// object turns out to be small its bytes come along, and a cold small read costs one request
  /// instead of two. The answer about a larger one of one unit comes along as it is: all of it, for
  /// whoever wants to fetch it. Used and dropped on the caller's loop.
  struct Current {
    HeadRef head;
    Bytes bytes = {};                                ///< the whole object, or nothing
    bool believed = false;                           ///< nobody was asked
    bool joined = false;                             ///< another read's question
    std::shared_ptr<origin::GetAnswer> answer = {};  ///< about a larger object; or null
  };
  Task<Current> ask(BucketRef bucket, ObjectKey key, bool force, bool eager, Context ctx);
  /// The same, never eager: just the head.
  Task<HeadRef> current(BucketRef bucket, ObjectKey key, bool force, Context ctx);

  /// The believed head, if there is one in memory; does not wait. Any thread.
  HeadRef believed(const Bucket& bucket, std::string_view key, Time now);

  /// Bytes of this object are cached, or about to be: from now on its head is worth a row, if it is
  /// believed still. Cheap when it has been said before. On `loop`.
  void keep(const Head& head, io::Loop& loop);

  /// The origin has answered that this version is not the current one: the head is believed no
  /// more, in no mode, or an object that is cached in part could never be read to its end again.
  Task<> disbelieve(HeadRef head, Context ctx);

  /// The last head seen of a key, believable or not; null when none is known.
  HeadRef last_seen(const Bucket& bucket, const ObjectKey& key);

  /// An open write. While it is open every read checks and nothing is installed. Closing it — the
  /// last thing before the acknowledgement — ends that.
  class Ticket {
   public:
    Ticket(Ticket&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)),
          loop_(other.loop_),
          key_(std::move(other.key_)) {}
    Ticket& operator=(Ticket&&) = delete;
    /// A ticket that nobody closed has an unknown outcome.
    ~Ticket();
    /// The write is done, or definitely not done; `head` (may be null) is what is current now. It
    /// is installed only when this ticket was alone all the time.
    void close(HeadRef head);
    /// Nobody knows whether it was done.
    void close_uncertain();

   private:
    friend class Heads;
    Ticket(Heads* owner, io::Loop* loop, std::string key)
        : owner_(owner), loop_(loop), key_(std::move(key)) {}
    Heads* owner_;
    io::Loop* loop_;
    std::string key_;
  };
  /// When it returns, nothing that was known of the key is believed by anybody, nor will be after a
  /// death at any moment. An error: no ticket is open, and the write must not be begun; Code::busy,
  /// "SlowDown", when the row could not be removed.
  Task<Ticket> open_ticket(BucketRef bucket, ObjectKey key, Leaves leaves, Context ctx);

  /// Builds the head of what the origin told, with the layout if it is known or can be learned.
  Task<HeadRef> make_head(BucketRef bucket, ObjectKey key, origin::ObjectInfo info, Time checked,
                          Context ctx);
  /// A head with the given layout.
  static HeadRef head_with(const Bucket& bucket, const ObjectKey& key, origin::ObjectInfo info,
                           Layout layout, Time checked);
  /// Takes rows of the bucket into memory as long as there is room for them. For speed only.
  Task<> load(BucketRef bucket, job::Progress& progress [[clang::lifetimebound]], Context ctx);
  Layouts& layouts() { return layouts_; }
  KeptRows& rows() { return rows_; }
  uint64_t life() const { return options_.life; }

 private:
  static constexpr size_t kStripes = 64;
  struct Check;
  struct Entry;
  struct Stripe;
  class Name;
  /// What was so when the origin was asked. The entry stays where it is while its `asking` is set.
  struct Question {
    Stripe* stripe = nullptr;
    Entry* entry = nullptr;
    HeadRef hint;
    uint64_t changes = 0;
    Time began;
    bool may_find = false;  ///< a row may answer it
  };

  // The tiers in memory; the stripe's mutex is held (heads.cpp).
  Stripe& stripe(std::string_view name);
  Entry& entry(Stripe& stripe, std::string_view name);
  /// With what the table knows of the key, if the entry is new.
  Entry& entry_of(Stripe& stripe, std::string_view name, const Bucket& bucket,
                  std::string_view key);
  void trim(Stripe& stripe, Time now);
  void put_away(Stripe& stripe, const Entry& entry, Time now);
  void leave_memory(std::string_view name, const KeptTable::Found& found, Time now);
  void tell(Stripe& stripe);
  void install(Stripe& stripe, Entry& entry, HeadRef head);
  static void believe(Stripe& stripe, Entry& entry, HeadRef head);
  static bool believable(const Entry& entry, const Freshness& freshness, Time now);
  /// The head that a row tells, if it is of this bucket's kind; null otherwise.
  HeadRef revive(const Bucket& bucket, std::string_view key, std::string_view row, bool kept) const;
  std::optional<std::string> pack(const Head& head) const;

  size_t stripe_index(std::string_view name) const;
  size_t packed_budget() const;  ///< bytes, of one stripe

  // Of each stripe how often something was revoked in it, before rows were read (heads_load.cpp).
  using LoadMarks = std::array<uint64_t, kStripes>;
  LoadMarks load_marks();
  /// False: there was no room for any.
  bool load_page(const Bucket& bucket, const std::vector<meta::Row>& rows, const LoadMarks& marks);

  // Questions (heads_ask.cpp).
  Task<HeadRef> find_row(BucketRef bucket, ObjectKey key, Context ctx);
  Task<Current> answer(const BucketRef& bucket, const ObjectKey& key, const Question& question,
                       bool eager, Context ctx);
  Task<> run_checks(BucketRef bucket, ObjectKey key, Question question,
                    std::shared_ptr<Check> check, Context ctx);
  /// Ends what a row says of the key, if the origin has told otherwise. Cannot → Code::busy,
  /// "SlowDown".
  Task<> overrule(const Bucket& bucket, const ObjectKey& key, const Question& question,
                  const Head& told, Context ctx);
  /// Keeps what was found; gives those who wait for the next question, which is due then.
  std::shared_ptr<Check> answered(const Question& question, const Result<Current>& found, Time now);
  // Bucket and key are the caller's, who waits for the end.
  Task<Current> check_once(const BucketRef& bucket, const ObjectKey& key, const Question& question,
                           bool eager, Context ctx);
  Task<Current> ask_eagerly(const BucketRef& bucket, const ObjectKey& key, Time started,
                            Context ctx);
  // Tickets (heads_tickets.cpp).
  /// The error of a request that had to forget a row and could not.
  static Error not_taken_back(Error why);
  Ticket begin_ticket(const Bucket& bucket, const ObjectKey& key, io::Loop& loop);
  void close(const std::string& key, HeadRef head, bool uncertain, Time now);

  KeptRows rows_;
  Layouts layouts_;
  job::Crews& crews_;
  HeadOptions options_;
  HeadMetrics metrics_;
  Time doubt_until_{0};  ///< set by start()
  std::array<std::unique_ptr<Stripe>, kStripes> stripes_;
};

/// Takes into memory what was known before this process; once, in the background.
class HeadLoad final : public job::Job {
 public:
  HeadLoad(Heads& heads [[clang::lifetimebound]], const Buckets& buckets [[clang::lifetimebound]])
      : heads_(heads), buckets_(buckets) {}
  std::string name() const override { return "load-heads"; }
  std::string unit() const override { return "rows"; }
  Task<> run(job::Progress& progress, Context ctx) override;

 private:
  Heads& heads_;
  const Buckets& buckets_;
};

}  // namespace forebay::object
