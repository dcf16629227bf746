// What the files of Heads share: the entries of keys, and questions to origins. Nobody else
// includes it.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstring>

#include "base/check.h"
#include "object/heads.h"

namespace forebay::object {

// One question to the origin that any number of reads share.
struct Heads::Check {
  bool forced = false;  ///< somebody wants the origin's word; under the stripe's mutex

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

// What is known of a key that is in use. While there is one it is the truth, whatever the stripe's
// table holds of the key.
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
  size_t bytes = 0;                     ///< of entries
  KeptTable table;                      ///< of heads that are not in use
  uint64_t revoked = 0;                 ///< how often a head was said not to hold any more
  // What the gauges have been told.
  size_t told_whole = 0, told_whole_bytes = 0, told_packed = 0, told_packed_bytes = 0;

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
  static constexpr size_t kFront = sizeof(uint64_t);
  Name(uint64_t incarnation, std::string_view key) : size_(kFront + key.size()) {
    check(key.size() <= ObjectKey::kMaxBytes, "a key longer than keys are");
    std::memcpy(text_.data(), &incarnation, kFront);
    std::memcpy(text_.data() + kFront, key.data(), key.size());
  }
  operator std::string_view() const { return {text_.data(), size_}; }
  static uint64_t incarnation_of(std::string_view name) {
    uint64_t out = 0;
    std::memcpy(&out, name.data(), kFront);
    return out;
  }
  static std::string_view key_of(std::string_view name) { return name.substr(kFront); }

 private:
  size_t size_;
  std::array<char, kFront + ObjectKey::kMaxBytes> text_;
};

}  // namespace forebay::object
