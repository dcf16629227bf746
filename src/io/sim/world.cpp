#include "io/sim/world.h"

#include <algorithm>
#include <bit>

namespace forebay::io::sim {

namespace {

constexpr size_t kFewBytes = 16;

uint64_t split_mix(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

Dice::Dice(uint64_t seed) {
  for (uint64_t& word : state_) word = split_mix(seed);
}

uint64_t Dice::draw() {
  uint64_t out = std::rotl(state_[1] * 5, 7) * 9;
  uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return out;
}

uint64_t Dice::below(uint64_t n) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(draw()) * n) >> 64);
}

bool Dice::chance(double p) {
  if (p <= 0) return false;
  if (p >= 1) return true;
  return static_cast<double>(draw() >> 11) * 0x1p-53 < p;
}

Duration Dice::up_to(Duration most) {
  if (most.ns <= 0) return {0};
  return {static_cast<int64_t>(below(static_cast<uint64_t>(most.ns) + 1))};
}

size_t Dice::part_of(size_t length) {
  size_t most = (draw() & 7) == 0 ? std::min(length, kFewBytes) : length;
  return 1 + below(most);
}

void World::after(Duration delay, std::move_only_function<void()> event) {
  if (ended_) return;
  events_.push_back({now + delay, ++sequence_, std::move(event)});
  std::push_heap(events_.begin(), events_.end());
}

void World::fire_due() {
  uint64_t last = sequence_;
  while (!events_.empty() && events_.front().at <= now && events_.front().sequence <= last) {
    std::pop_heap(events_.begin(), events_.end());
    auto run = std::move(events_.back().run);
    events_.pop_back();
    run();
  }
}

void World::cut(size_t one, size_t other, bool off) {
  auto pair = std::minmax(one, other);
  off ? void(cut_.insert(pair)) : void(cut_.erase(pair));
}

void World::end() {
  ended_ = true;
  events_.clear();
}

}  // namespace forebay::io::sim
