#include "unit/claims.h"

#include <algorithm>

#include "base/check.h"

namespace forebay::unit {

Claim* Claims::claim_at(uint64_t offset) {
  for (Claim& claim : active_) {
    if (claim.at <= offset && offset < claim.end) return &claim;
  }
  return nullptr;
}

uint64_t Claims::next_claim(uint64_t offset, uint64_t limit) const {
  for (const Claim& claim : active_) {
    if (claim.at > offset && claim.at < claim.end) limit = std::min(limit, claim.at);
  }
  return limit;
}

std::vector<Claim*> Claims::demand(ByteRange range) {
  check(range.end() <= length_, "a demand beyond its unit");
  std::vector<Claim*> made;
  auto take = [&](uint64_t from, uint64_t to) {
    active_.push_back({from, to});
    made.push_back(&active_.back());
    return to;
  };
  uint64_t at = range.offset;
  while (at < range.end()) {
    if (uint64_t there = present_.covered_from(at); there > 0) {
      at += there;
    } else if (Claim* claim = claim_at(at); claim == nullptr) {
      uint64_t end = present_.next_covered(at, range.end());
      at = take(at, next_claim(at, end));
    } else if (overtaking_ && at - claim->at >= kOvertake) {
      uint64_t end = std::min(range.end(), claim->end);
      claim->end = at;
      at = take(at, end);
    } else {
      at = claim->end;
    }
  }
  return made;
}

std::vector<Claim*> Claims::split(Claim& claim, uint64_t shares) {
  uint64_t left = claim.end - claim.at;
  shares = std::min(shares, left / kShare);
  std::vector<Claim*> made;
  if (!overtaking_) return made;
  uint64_t end = claim.end;
  for (uint64_t i = shares; i-- > 1;) {
    uint64_t begin = claim.at + left / shares * i;
    begin = (begin + kShareStep - 1) / kShareStep * kShareStep;
    active_.push_back({begin, end});
    made.insert(made.begin(), &active_.back());
    end = begin;
  }
  claim.end = end;
  return made;
}

bool Claims::give_back(Claim& claim) {
  for (Claim& before : active_) {
    if (before.end != claim.at || before.at == before.end) continue;
    before.end = claim.end;
    release(claim);
    return true;
  }
  return false;
}

void Claims::advance(Claim& claim, uint64_t bytes) {
  check(claim.at + bytes <= claim.end, "a stream went beyond its claim");
  present_.add({claim.at, bytes});
  claim.at += bytes;
}

void Claims::widen(Claim& claim) {
  overtaking_ = false;
  uint64_t begin = present_.covered_before(claim.at);
  for (const Claim& other : active_) {
    if (&other != &claim && other.end <= claim.at) begin = std::max(begin, other.end);
  }
  uint64_t end = next_claim(claim.at, present_.next_covered(claim.at, length_));
  claim = {begin, std::max(end, claim.end)};
}

void Claims::release(Claim& claim) {
  active_.remove_if([&](const Claim& c) { return &c == &claim; });
}

}  // namespace forebay::unit
