#include "unit/spread.h"

#include <algorithm>

namespace forebay::unit {

namespace {

// So much more must have been at work for a trial to tell anything.
constexpr double kMore = 1.3;

// How long so many bytes take at so many a second.
Duration takes(uint64_t bytes, double each_second) {
  constexpr double kLong = 1e6;
  double seconds = each_second > 0 ? static_cast<double>(bytes) / each_second : 0;
  return nanoseconds(static_cast<int64_t>(std::min(seconds, kLong) * 1e9));
}

double speed(uint64_t bytes, Duration waited) {
  return static_cast<double>(bytes) / std::max(waited, microseconds(1)).seconds();
}

}  // namespace

void Spread::came(Stream& stream, uint64_t bytes, Duration waited, Time now) {
  stream.bytes += bytes;
  stream.waited = stream.waited + waited;
  if (bytes_ == 0) since_ = now + nanoseconds(-waited.ns);
  bytes_ += bytes;
  waited_ = waited_ + waited;
  reckon(now);
}

void Spread::reckon(Time now) {
  Duration time = now - since_;
  if (bytes_ == 0 || time < kLook) return;
  pace_ = {speed(bytes_, waited_), waited_.seconds() / time.seconds()};
  steady_ = time < kLook * 2;
  bytes_ = 0;
  waited_ = {};
  if (trying_) judge(pace_, now);
}

// Where each connection is limited every stream stays as fast as they were before; where the link
// is, each is slower as there are more. Whichever is nearer.
void Spread::judge(const Pace& pace, Time now) {
  double more = pace.streams / before_.streams;
  if (steady_ && more >= kMore) {
    if (pace.each / before_.each >= (1 + 1 / more) / 2) {
      paid_ = most();
      trying_ = false;
      return;
    }
    ++bad_;
  }
  if (bad_ >= kBadLooks) lose(now);
}

void Spread::lose(Time now) {
  trying_ = false;
  again_ = now + kAgain;
}

uint32_t Spread::most() const { return trying_ ? std::min(kMost, paid_ * 2) : paid_; }

uint32_t Spread::shares(const Load& load, Duration takes, uint32_t most) const {
  if (load.streams >= most || takes <= kNotable) return 1;
  // As many as bring each to what is not notable, if they are worth a request; and of those that
  // may be added as many as leave others who are as far their part.
  auto quick = static_cast<uint64_t>((takes.ns + kNotable.ns - 1) / kNotable.ns);
  uint64_t large = load.left / load.least;
  uint32_t fair = (most + load.streams - 1) / load.streams;
  uint32_t free = most - load.streams + 1;
  uint64_t count = std::min({quick, large, uint64_t{fair}, uint64_t{free}});
  return static_cast<uint32_t>(std::max(count, uint64_t{1}));
}

uint32_t Spread::at_start(const Load& load, Time now) {
  reckon(now);
  return shares(load, takes(load.left, pace_.each), paid_);
}

uint32_t Spread::look(Stream& stream, const Load& load, Time now) {
  reckon(now);
  Duration left = takes(load.left, speed(stream.bytes, stream.waited));
  stream = {.looked = now, .first_byte = stream.first_byte};
  // Another stream comes late by its first byte: in half of what is left that must be made up for.
  left = left - stream.first_byte * 2;
  bool wanted = left > kNotable && load.left >= load.least * 2;
  if (trying_ && now >= until_) lose(now);
  bool may = wanted && !trying_ && steady_ && paid_ < kMost && now >= again_;
  if (may && load.streams >= paid_) {
    trying_ = true;
    before_ = pace_;
    bad_ = 0;
    until_ = now + kTrial;
  }
  return shares(load, left, most());
}

void Spread::one_only(Time now) {
  paid_ = 1;
  lose(now);
}

}  // namespace forebay::unit
