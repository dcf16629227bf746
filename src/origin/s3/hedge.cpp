#include "origin/s3/hedge.h"

#include <algorithm>
#include <bit>

namespace forebay::origin {

namespace {

constexpr uint64_t kSteps = 4;  // of a power of two

size_t bucket_of(Duration took, size_t buckets) {
  auto us = static_cast<uint64_t>(std::max<int64_t>(took.ns / 1000, 0));
  if (us < kSteps) return us;
  auto power = static_cast<uint64_t>(std::bit_width(us)) - 3;
  return std::min<size_t>(buckets - 1, (power + 1) * kSteps + (us >> power) % kSteps);
}

/// What all in it are below.
Duration end_of(size_t bucket) {
  uint64_t us = bucket + 1;
  if (bucket >= kSteps) us = (kSteps + bucket % kSteps + 1) << (bucket / kSteps - 1);
  return microseconds(static_cast<int64_t>(us));
}

double may_be_late(Hedging after) { return after == Hedging::p95 ? 0.05 : 0.01; }

}  // namespace

std::optional<Duration> Hedge::asked(Question question, Hedging after) {
  earned_ = std::min(earned_ + 1, kSaved * kQuestionsPerHedge);
  const Times& times = times_[static_cast<size_t>(question)];
  if (after == Hedging::off || times.all < kEnough) return std::nullopt;
  double later = times.all * may_be_late(after);
  size_t bucket = Times::kBuckets;
  for (double above = 0; bucket > 0; --bucket) {
    above += times.counts[bucket - 1];
    if (above > later) break;
  }
  return std::max(kFloor, end_of(bucket - 1));
}

void Hedge::answered(Question question, Duration took) {
  Times& times = times_[static_cast<size_t>(question)];
  times.counts[bucket_of(took, Times::kBuckets)] += 1;
  times.all += 1;
  if (times.all < kRemembered) return;
  for (double& count : times.counts) count /= 2;
  times.all /= 2;
}

bool Hedge::may_ask_again() {
  if (earned_ < kQuestionsPerHedge) return false;
  earned_ -= kQuestionsPerHedge;
  return true;
}

}  // namespace forebay::origin
