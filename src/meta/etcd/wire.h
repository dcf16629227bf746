// EtcdWire: one request to one of several members of an etcd, through its JSON gateway: who is
// asked next when one does not answer, and what may be asked again. What is asked is EtcdStore's.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>

#include "meta/etcd/url.h"

namespace forebay::meta {

struct EtcdOptions {
  EtcdUrl url;
  /// The loop's; outlives the store.
  std::function<http::Client&(io::Loop&)> client;
};

struct EtcdCall {
  std::string_view path;    ///< "/v3/kv/range"
  std::string body;         ///< JSON
  bool repeatable = false;  ///< may be done twice
  bool stream = false;      ///< what follows an answer's head is told as it comes
};

struct EtcdText {
  std::string endpoint;  ///< who said it, for errors
  size_t member = 0;     ///< the same, for pass_over()
  std::string text;
  io::Body body = {};  ///< of a stream, instead
};

/// Any loop; whoever calls joins before it is destroyed.
class EtcdWire {
 public:
  /// The largest answer: a page and the row that it ends with, in base64, and the names around.
  static constexpr uint64_t kMaxAnswer = 8 << 20;
  /// The detail of Code::too_large for a larger one.
  static constexpr std::string_view kOverlong = "Overlong";
  /// How long a call goes on, however late its deadline is: etcd gives up after 7 s itself.
  static constexpr Duration kPatience = seconds(15);
  /// What may be done twice is asked of another member after so long.
  static constexpr Duration kReadPatience = seconds(3);
  static constexpr Duration kFirstPause = milliseconds(50);
  static constexpr Duration kLastPause = milliseconds(800);

  explicit EtcdWire(EtcdOptions options);

  const EtcdUrl& url() const { return options_.url; }

  /// The text of an answer with status 200. Whoever surely got nothing is passed over for the next
  /// member, round after round until the deadline; so is, of what may be done twice, who gave no
  /// clear answer. Otherwise that is Code::unavailable: the outcome is unknown, and the next call
  /// begins at the next member. Errors name the member, or all when none was reached.
  Task<EtcdText> send(EtcdCall call, Context ctx) const;
  /// The next call begins after `member`, of which a stream broke, say. However many say so at
  /// once, it is one step.
  void pass_over(size_t member) const;

 private:
  enum class Fate {
    clear,    ///< an answer, good or bad
    unsent,   ///< nothing happened there
    unknown,  ///< it may have happened, or may yet
  };
  Task<EtcdText> attempt(size_t member, const EtcdCall& call [[clang::lifetimebound]],
                         Fate& fate [[clang::lifetimebound]], Context ctx) const;

  const EtcdOptions options_;
  mutable std::atomic<size_t> member_ = 0;  ///< that answered last, or comes after who did not
};

}  // namespace forebay::meta
