// S3Wire: one request to an S3 server: path or virtual style, the origin's prefix, signature, the
// loop's client, and what a refusal means. What the requests are about is S3Origin's business.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/shared.h"
#include "origin/s3/answer.h"
#include "origin/s3/s3.h"
#include "sign/signer.h"

namespace forebay::origin {

struct S3Call {
  std::string method = "GET";
  /// Empty: the bucket itself. Without the origin's prefix; outlives the call.
  std::string_view key = {};
  std::vector<std::pair<std::string, std::string>> query = {};  ///< not encoded
  http::HeadFields fields = {};
  io::Body body = {};                      ///< of known length; not covered by the signature
  bool trailer = false;                    ///< body is from s3_with_trailer()
  std::string document = {};               ///< or a small one that is
  std::string_view missing = "NoSuchKey";  ///< see S3Asked
  bool slow_reader = false;                ///< see http::ClientRequest
  /// What it is to those who ask a second time; nothing: it is asked once.
  std::optional<Hedge::Question> question = {};
};

/// An answer with its whole body.
struct S3Text {
  http::ClientResponse head = {};
  std::string text = {};
  Allowance::Share share = {};  ///< of S3Options::documents
};

/// The largest document there is: a page of 1000 keys of 1024 bytes, each byte as "&#x1F;", with
/// what stands around them.
inline constexpr uint64_t kMaxS3Document = 8 << 20;
/// So many entries are asked for when there is no room for a whole page: few enough for
/// HeldText::kFree.
inline constexpr uint32_t kShortPage = 4;

/// With whose keys requests are signed. Immutable.
struct S3Keys {
  std::string access_key = {};
  Secret secret = {};
  std::shared_ptr<const sign::Signer> signer = nullptr;  ///< null: requests are not signed
};

class S3Wire {
 public:
  explicit S3Wire(S3Options options);

  /// Its keys are those of the beginning.
  const S3Options& options() const { return options_; }
  std::shared_ptr<const S3Keys> keys() const { return keys_.get(); }
  void set_keys(std::string access_key, Secret secret);
  void set_hedging(Hedging hedging) { hedging_.store(hedging, std::memory_order_relaxed); }
  /// `name` as the server knows it.
  std::string prefixed(std::string_view name) const {
    return options_.url.prefix + std::string(name);
  }
  /// A name of the server without the prefix; not below it → Code::corrupt.
  Result<std::string> stripped(std::string name) const;

  /// Sends; an answer outside 2xx is the error it means. Not reached, stalled, or (for a write) not
  /// understood → Code::unavailable. An error of call.body comes back as it is.
  /// What reads, and ended in no answer, a 5xx or a "slow down", is sent again: kTries times in
  /// all, after pauses that double and differ. So is what writes, has no body that streams, and was
  /// told to slow down: S3 has not done it.
  /// What has a `question` is asked once more beside, where hedging is set and the answer is late
  /// (docs/adr/0031).
  Task<http::ClientResponse> send(S3Call call, Context ctx) const;
  static constexpr int kTries = 3;
  static constexpr Duration kFirstPause = milliseconds(100);
  /// The same, with the whole body in memory; no room for it → Code::busy, "SlowDown".
  Task<S3Text> send_for_text(S3Call call, Context ctx) const;
  /// The same for a list of `most` entries, which the query says as `count`: fewer, down to
  /// kShortPage, when there is no room for as many. `call` has no body.
  Task<S3Text> send_for_page(S3Call call, std::string_view count, uint32_t most, Context ctx) const;

 private:
  Task<S3Text> document(S3Call call, Context ctx) const;
  /// What an answer says of the server.
  enum class Fate {
    unknown,  ///< nothing: our own trouble, or it took all the time there was
    good,     ///< it does its work, whatever it says
    lost,     ///< no answer, or 5xx: it may be better soon
    slowed,   ///< too much at once
  };
  static Fate fate_of(int status);
  /// Sends once. Takes the body that streams; all else of the call stays.
  Task<http::ClientResponse> attempt(S3Call& call [[clang::lifetimebound]], bool spare,
                                     Fate& fate [[clang::lifetimebound]], Context ctx) const;
  /// A request under way: what it holds, and what came of it.
  struct Asked {
    Pace::Place place;
    bool spare = false;  ///< see http::ClientRequest
    Fate fate = Fate::unknown;
  };
  /// The same, of which the pace hears.
  Task<http::ClientResponse> ask(S3Call& call [[clang::lifetimebound]], Pace& pace,
                                 Asked& asked [[clang::lifetimebound]], Context ctx) const;

  // --- s3_hedge.cpp
  struct Race;
  struct Entrant;
  /// ask(), and a second time beside it if the answer is late. The first good answer is taken, the
  /// other request is cancelled and has ended. `asked` is what was taken, else the first one.
  Task<http::ClientResponse> ask_hedged(S3Call& call [[clang::lifetimebound]], Hedging after,
                                        Pace& pace, Asked& asked [[clang::lifetimebound]],
                                        Context ctx) const;
  void enter(Race& race, Entrant& entrant, Context ctx) const;
  Task<> run(Race& race [[clang::lifetimebound]], Entrant& entrant [[clang::lifetimebound]],
             Context ctx) const;
  /// Whether it may; then it has.
  bool enter_second(Race& race, Context ctx) const;
  /// What a race that is over has told.
  void learn(const Race& race, bool late, bool twice, Context ctx) const;
  http::ClientRequest request(const S3Call& call, http::HeadFields fields, WallTime now) const;

  const S3Options options_;
  http::Endpoint endpoint_;  ///< with the bucket, in virtual style
  std::string authority_;
  std::string root_;  ///< the bucket's path: "/bucket", or "/"
  Shared<S3Keys> keys_;
  std::atomic<Hedging> hedging_ = Hedging::off;
};

}  // namespace forebay::origin
