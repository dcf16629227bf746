#include "oracle.h"

#include <algorithm>
#include <cstring>

#include "base/encoding.h"

namespace forebay::simtest {

namespace {

std::string number(uint64_t n) { return std::to_string(n); }

// A stretch of time in which one version, or none, was current.
struct Reign {
  Time from;
  Time to;                                ///< when the next one came
  const testkit::MemoryVersion* version;  ///< null: the key was not there
};

std::vector<Reign> reigns_of(const std::vector<testkit::MemoryVersion>& versions) {
  std::vector<Reign> out{{Time{0}, kNever, nullptr}};
  for (const testkit::MemoryVersion& version : versions) {
    out.back().to = version.since;
    out.push_back({version.since, kNever, version.deleted ? nullptr : &version});
  }
  return out;
}

}  // namespace

std::string content_of(uint64_t id, uint64_t size) {
  std::string out(size, '\0');
  for (uint64_t at = 0; at < size; at += 8) {
    uint64_t word = (id + 1) * 0x9e3779b97f4a7c15 + (at / 8) * 0xbf58476d1ce4e5b9;
    word ^= word >> 31;
    std::memcpy(out.data() + at, &word, std::min<uint64_t>(8, size - at));
  }
  return out;
}

void Oracle::acknowledged(const std::string& key, Time since, Time now) {
  acknowledged_[key].emplace(now, since);
}

std::string Oracle::acknowledged(const std::string& key, const std::string& etag, Time begun,
                                 Time now) {
  for (const testkit::MemoryVersion& version : origin_.versions(key)) {
    bool this_one = version.info.etag.text() == etag && version.since >= begun;
    if (version.deleted || !this_one) continue;
    acknowledged(key, version.since, now);
    return {};
  }
  return "an acknowledged write of " + key + " is not at the origin: " + etag;
}

// The moment before which no version may have ended that is still told.
Time Oracle::oldest(const Seen& seen) const {
  using Kind = object::Freshness::Kind;
  if (quiet_ || freshness_.kind == Kind::exact) return seen.started;
  Time oldest{0};
  if (freshness_.kind == Kind::ttl) oldest = Time{seen.started.ns - freshness_.ttl.ns};
  auto acks = acknowledged_.find(seen.key);
  if (acks == acknowledged_.end()) return oldest;
  for (auto& [when, since] : acks->second) {
    if (when <= seen.started) oldest = std::max(oldest, since);
  }
  return oldest;
}

std::string Oracle::judge(const Seen& seen) const {
  if (seen.status >= 500 || seen.status == 429) return {};  // an error is always allowed
  auto versions = origin_.versions(seen.key);
  Time from = oldest(seen);
  std::string wrong;
  bool known = false;
  for (const Reign& reign : reigns_of(versions)) {
    bool told = reign.from <= seen.answered && reign.to >= from;
    if (seen.status == 404) {
      if (told && reign.version == nullptr) return {};
      continue;
    }
    if (reign.version == nullptr) continue;
    const origin::ObjectInfo& info = reign.version->info;
    if (seen.status == 416) {
      if (told && seen.first && *seen.first >= info.size) return {};
      continue;
    }
    if (info.etag.text() != seen.etag) continue;
    known = true;
    std::string found = judge_body(seen, *reign.version);
    if (!found.empty()) {
      wrong = found;
    } else if (told) {
      return {};
    } else if (wrong.empty()) {
      wrong = "stale: current from " + number(reign.from.ns) + " to " + number(reign.to.ns) +
              ", asked at " + number(seen.started.ns) + ", must not be older than " +
              number(from.ns);
    }
  }
  if (wrong.empty()) {
    wrong = seen.status != 200 && seen.status != 206 ? "a wrong status"
            : known                                  ? "a wrong answer"
                                                     : "a version that never was";
  }
  return "GET " + seen.key + " → " + number(static_cast<uint64_t>(seen.status)) + " " + seen.etag +
         " " + seen.content_range + " (" + seen.cache + "): " + wrong;
}

std::string Oracle::judge_body(const Seen& seen, const testkit::MemoryVersion& version) const {
  ByteRange range{0, version.bytes->size()};
  if (seen.status == 206) {
    auto stated = ContentRange::parse(seen.content_range);
    if (!stated) return "a bad Content-Range";
    if (stated->total != range.length || stated->range.end() > range.length) {
      return "a Content-Range of another version";
    }
    if (!seen.first || stated->range.offset != *seen.first) return "another range than asked";
    range = stated->range;
  }
  if (seen.length != range.length) return "a Content-Length of another version";
  if (!seen.get) return {};
  if (seen.body.size() > range.length) return "more bytes than there are";
  if (seen.whole && seen.body.size() != range.length) return "a short body that looks complete";
  std::string_view right = std::string_view(*version.bytes).substr(range.offset, seen.body.size());
  auto [ours, theirs] = std::ranges::mismatch(seen.body, right);
  if (ours == seen.body.end()) return {};
  auto at = static_cast<size_t>(ours - seen.body.begin());
  std::string wrong = "wrong bytes from " + number(at) + " of " + number(seen.body.size());
  std::string tail = seen.body.substr(at, 32);
  wrong += " (" + to_hex(as_bytes(tail)) + ")";
  for (const testkit::MemoryVersion& other : origin_.versions(seen.key)) {
    size_t place = other.deleted ? std::string::npos : other.bytes->find(tail);
    if (place == std::string::npos) continue;
    wrong += "; they are at " + number(place) + " of " + other.info.etag.text();
  }
  return wrong;
}

}  // namespace forebay::simtest
