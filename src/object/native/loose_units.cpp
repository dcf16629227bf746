#include "object/native/loose_units.h"

namespace forebay::object {

void LooseUnits::begin(const UnitId& id) {
  std::lock_guard lock(mutex_);
  pending_.insert(id);
}

void LooseUnits::end(const std::vector<UnitId>& ids) {
  std::lock_guard lock(mutex_);
  for (const UnitId& id : ids) {
    if (auto found = pending_.find(id); found != pending_.end()) pending_.erase(found);
  }
}

void LooseUnits::Write::add(const UnitId& id) {
  ids_.push_back(id);
  owner_->begin(id);
}

void LooseUnits::Write::named() {
  owner_->end(ids_);
  ids_.clear();
}

bool LooseUnits::remember(size_t doubtful) {
  std::lock_guard lock(mutex_);
  if (doubtful_ + doubtful <= kMaxDoubtful) {
    doubtful_ += doubtful;
    return true;
  }
  lost_ = true;
  return false;
}

void LooseUnits::Write::doubt() {
  std::vector<UnitId> ids = std::exchange(ids_, {});
  if (!owner_->remember(ids.size())) owner_->end(ids);
}

// Removed first: what is loose no more and still there would be named by nobody until a sweep.
LooseUnits::Write::~Write() {
  if (owner_ == nullptr) return;
  for (const UnitId& id : ids_) owner_->units_.remove(id);
  owner_->end(ids_);
}

LooseUnits::Leaving::Leaving(LooseUnits& owner, std::vector<UnitId> ids)
    : owner_(owner), ids_(std::move(ids)) {
  for (const UnitId& id : ids_) owner_.begin(id);
}

LooseUnits::Leaving::~Leaving() { owner_.end(ids_); }

void LooseUnits::Leaving::retire(Time now) {
  owner_.retire(ids_, now);
  owner_.end(std::exchange(ids_, {}));
}

LooseUnits::Moving::Moving(LooseUnits& owner, std::vector<UnitId> ids)
    : owner_(owner), ids_(std::move(ids)) {
  for (const UnitId& id : ids_) owner_.begin(id);
}

LooseUnits::Moving::~Moving() {
  {
    std::lock_guard lock(owner_.mutex_);
    if (owner_.sweeps_ > 0) {
      owner_.moved_more_ |= owner_.moved_.size() + ids_.size() > kMaxMoved;
      if (!owner_.moved_more_) {
        owner_.moved_.insert(owner_.moved_.end(), ids_.begin(), ids_.end());
      }
    }
  }
  owner_.end(ids_);
}

void LooseUnits::Moving::doubt() {
  if (owner_.remember(ids_.size())) ids_.clear();
}

LooseUnits::Sweep::Sweep(LooseUnits& owner) : owner_(owner) {
  std::lock_guard lock(owner_.mutex_);
  ++owner_.sweeps_;
}

LooseUnits::Sweep::~Sweep() {
  std::lock_guard lock(owner_.mutex_);
  if (--owner_.sweeps_ > 0) return;
  owner_.moved_ = {};
  owner_.moved_more_ = false;
}

void LooseUnits::retire(std::vector<UnitId> ids, Time now) {
  std::vector<UnitId> over;
  {
    std::lock_guard lock(mutex_);
    for (const UnitId& id : ids) retired_.push_back({now + kGrace, id});
    while (!retired_.empty() && (retired_.size() > max_retired_ || retired_.front().due <= now)) {
      over.push_back(retired_.front().id);
      retired_.pop_front();
    }
  }
  for (const UnitId& id : over) units_.remove(id);
}

std::optional<Time> LooseUnits::remove_due(Time now) {
  std::vector<UnitId> due;
  std::optional<Time> next;
  {
    std::lock_guard lock(mutex_);
    while (!retired_.empty() && retired_.front().due <= now) {
      due.push_back(retired_.front().id);
      retired_.pop_front();
    }
    if (!retired_.empty()) next = retired_.front().due;
  }
  for (const UnitId& id : due) units_.remove(id);
  return next;
}

size_t LooseUnits::remove_retired() {
  std::deque<Retired> all;
  {
    std::lock_guard lock(mutex_);
    all.swap(retired_);
  }
  for (const Retired& one : all) units_.remove(one.id);
  return all.size();
}

size_t LooseUnits::retired() const {
  std::lock_guard lock(mutex_);
  return retired_.size();
}

std::optional<std::vector<UnitId>> LooseUnits::all() const {
  std::lock_guard lock(mutex_);
  if (lost_ || moved_more_) return std::nullopt;
  std::vector<UnitId> out(pending_.begin(), pending_.end());
  out.insert(out.end(), moved_.begin(), moved_.end());
  for (const Retired& one : retired_) out.push_back(one.id);
  return out;
}

}  // namespace forebay::object
