#include "sign/key.h"

#include <atomic>
#include <functional>
#include <optional>

namespace forebay::sign {

struct SigningKeys::Entry {
  std::string access_key;
  std::string date;
  std::string region;
  std::string service;
  Secret secret;
  std::optional<HmacKey> key;  ///< empty: the entry is free

  bool is(std::string_view access, const Scope& scope) const {
    return key && access_key == access && date == scope.date && region == scope.region &&
           service == scope.service;
  }
};

struct SigningKeys::Set {
  std::mutex mutex;
  std::array<Entry, kWays> entries;
  size_t next = 0;  ///< the entry replaced next, in turn
  uint64_t derived = 0;
};

HmacKey derive_key(const Secret& secret, const Scope& scope) {
  std::string first = "AWS4" + secret.reveal();
  Digest256 step = HmacKey(as_bytes(first)).sign(as_bytes(scope.date));
  step = HmacKey(step).sign(as_bytes(scope.region));
  step = HmacKey(step).sign(as_bytes(scope.service));
  return HmacKey(HmacKey(step).sign(as_bytes("aws4_request")));
}

SigningKeys::SigningKeys() : sets_(std::make_unique<std::array<Set, kSets>>()) {}
SigningKeys::~SigningKeys() = default;

HmacKey SigningKeys::get(std::string_view access_key, const Secret& secret, const Scope& scope) {
  std::hash<std::string_view> hash;
  size_t mixed = hash(access_key) ^ (hash(scope.date) * 3) ^ (hash(scope.region) * 5);
  Set& set = (*sets_)[mixed % kSets];
  {
    std::lock_guard lock(set.mutex);
    for (Entry& entry : set.entries) {
      const std::optional<HmacKey>& key = entry.key;
      if (key && entry.is(access_key, scope) && secret.same_as(entry.secret.reveal())) return *key;
    }
  }
  HmacKey key = derive_key(secret, scope);
  std::lock_guard lock(set.mutex);
  ++set.derived;
  // An entry of the same name holds an old secret, or another thread was faster: replace that one.
  Entry* place = nullptr;
  for (Entry& entry : set.entries) {
    if (entry.is(access_key, scope)) place = &entry;
  }
  if (place == nullptr) place = &set.entries[set.next++ % kWays];
  *place = Entry{std::string(access_key),
                 std::string(scope.date),
                 std::string(scope.region),
                 std::string(scope.service),
                 secret,
                 key};
  return key;
}

uint64_t SigningKeys::derived() const {
  uint64_t sum = 0;
  for (Set& set : *sets_) {
    std::lock_guard lock(set.mutex);
    sum += set.derived;
  }
  return sum;
}

}  // namespace forebay::sign
