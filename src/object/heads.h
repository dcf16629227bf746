// Heads: what this node believes about the current version of each key it owns, and the tickets of
// writes under way. The rules are docs/semantics.md, "Heads and tickets".
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "io/sync.h"
#include "job/crew.h"
#include "meta/store.h"
#include "object/bucket.h"
#include "object/head.h"
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
  /// Bytes for heads, all keys together (about 700 each); least recently used ones go.
  uint64_t max_bytes = 64 << 20;
  /// What counts as small for an eager question; the disk's small_max.
  uint64_t small_max = 64 << 10;
};

class Heads {
 public:
  Heads(meta::Meta& meta, job::Crews& crews, HeadOptions options, obs::Registry& registry);
  ~Heads();

  /// A head that was current at some moment of this call, or is believed by the bucket's
  /// freshness. `force`: only one from a check that starts after the call. A key that does not
  /// exist gives a head with exists = false. The origin's errors come as they are.
  ///
  /// `eager`: if nothing at all is known of the key, ask with a GET instead of a HEAD; when the
  /// object turns out to be small its bytes come along, and a cold small read costs one request
  /// instead of two. The bytes of a larger one are left where they are.
  struct Current {
    HeadRef head;
    Bytes bytes = {};       ///< the whole object, or nothing
    bool believed = false;  ///< nobody was asked
    bool joined = false;    ///< another read's question
  };
  Task<Current> ask(BucketRef bucket, ObjectKey key, bool force, bool eager, Context ctx);
  /// The same, never eager: just the head.
  Task<HeadRef> current(BucketRef bucket, ObjectKey key, bool force, Context ctx);

  /// The believed head, if there is one; does not wait. Any thread.
  HeadRef believed(const Bucket& bucket, std::string_view key, Time now);

  /// The origin has answered that this version is not the current one: the head is believed no
  /// more, in no mode, or an object that is cached in part could never be read to its end again.
  void disbelieve(const Head& head);

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
  /// `loop` tells the time at which the ticket closes.
  Ticket open_ticket(const Bucket& bucket, const ObjectKey& key, io::Loop& loop);

  /// Builds the head of what the origin told, with the layout if it is known or can be learned.
  Task<HeadRef> make_head(BucketRef bucket, ObjectKey key, origin::ObjectInfo info, Time checked,
                          Context ctx);
  /// A head with the given layout.
  static HeadRef head_with(const Bucket& bucket, const ObjectKey& key, origin::ObjectInfo info,
                           Layout layout, Time checked);
  Layouts& layouts() { return layouts_; }

 private:
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
  };

  Stripe& stripe(std::string_view name);
  Entry& entry(Stripe& stripe, std::string_view name);
  void trim(Stripe& stripe, Time now);
  void install(Stripe& stripe, Entry& entry, HeadRef head);
  static bool believable(const Entry& entry, const Freshness& freshness, Time now);
  Task<> run_checks(BucketRef bucket, ObjectKey key, Question question,
                    std::shared_ptr<Check> check, Context ctx);
  /// Keeps what was found; gives those who wait for the next question, which is due then.
  std::shared_ptr<Check> answered(const Question& question, const Result<Current>& found, Time now);
  // Bucket and key are the caller's, who waits for the end.
  Task<Current> check_once(const BucketRef& bucket, const ObjectKey& key, const Question& question,
                           bool eager, Context ctx);
  Task<Current> ask_eagerly(const BucketRef& bucket, const ObjectKey& key, Time started,
                            Context ctx);
  void close(const std::string& key, HeadRef head, bool uncertain, Time now);

  Layouts layouts_;
  job::Crews& crews_;
  HeadOptions options_;
  obs::Counter& checks_;
  obs::Counter& checks_joined_;
  obs::Counter& believed_;
  std::array<std::unique_ptr<Stripe>, 64> stripes_;
};

}  // namespace forebay::object
