#include "unit/fill.h"

#include <algorithm>

namespace forebay::unit {

Fill::View Fill::look(uint64_t offset) const {
  std::lock_guard lock(mutex_);
  View view;
  if (!bytes_.empty()) {
    view.available = bytes_.size() - offset;
    view.bytes = bytes_.slice(offset, view.available);
  } else if (writer_ != nullptr) {
    view = look_at_file(offset);
  }
  view.failed = failed_;
  view.disk_failed = disk_failed_;
  return view;
}

Fill::View Fill::look_at_file(uint64_t offset) const {
  View view;
  auto next = held_.upper_bound(offset);
  if (next != held_.begin()) {
    auto& [begin, held] = *std::prev(next);
    if (offset < begin + held.size) {
      view.available = begin + held.size - offset;
      ByteView bytes(held.block.get() + offset % kBlock, view.available);
      view.bytes = Bytes(held.block, bytes);
      return view;
    }
  }
  // What is held behind may not be in the file yet.
  view.available = claims_.present().covered_from(offset);
  if (next != held_.end()) view.available = std::min(view.available, next->first - offset);
  view.file = writer_->file();
  return view;
}

void Fill::hold(uint64_t begin, Block block) {
  std::lock_guard lock(mutex_);
  held_[begin] = {.block = std::move(block)};
}

void Fill::advance(Claim& claim, uint64_t bytes, uint64_t held) {
  {
    std::lock_guard lock(mutex_);
    held_.at(held).size += bytes;
    claims_.advance(claim, bytes);
  }
  progress_.notify();
}

void Fill::stored(uint64_t begin) {
  std::lock_guard lock(mutex_);
  auto it = held_.find(begin);
  if (it == held_.end()) return;
  if (left_ || it->second.size == 0) {
    held_.erase(it);
    return;
  }
  it->second.stored = true;
  stored_.push_back(begin);
  if (stored_.size() <= kKeep) return;
  held_.erase(stored_.front());
  stored_.erase(stored_.begin());
}

std::vector<Claim*> Fill::demand(ByteRange range) {
  std::lock_guard lock(mutex_);
  if (failed_) return {};
  return claims_.demand(range);
}

void Fill::set_writer(std::shared_ptr<disk::Writer> writer) {
  {
    std::lock_guard lock(mutex_);
    writer_ = std::move(writer);
  }
  progress_.notify();
}

std::shared_ptr<disk::Writer> Fill::writer() const {
  std::lock_guard lock(mutex_);
  return writer_;
}

void Fill::set_bytes(Bytes bytes) {
  {
    std::lock_guard lock(mutex_);
    bytes_ = std::move(bytes);
  }
  progress_.notify();
}

Claim Fill::state(const Claim& claim) const {
  std::lock_guard lock(mutex_);
  return claim;
}

Claim Fill::widen(Claim& claim) {
  std::lock_guard lock(mutex_);
  claims_.widen(claim);
  return claim;
}

uint64_t Fill::splittable(const Claim& claim) const {
  if (!wanted()) return 0;
  std::lock_guard lock(mutex_);
  return failed_ || !claims_.overtaking() ? 0 : claim.end - claim.at;
}

uint32_t Fill::streams() const {
  std::lock_guard lock(mutex_);
  return static_cast<uint32_t>(claims_.active());
}

bool Fill::give_back(Claim& claim) {
  std::lock_guard lock(mutex_);
  return claims_.give_back(claim);
}

std::vector<Claim*> Fill::split(Claim& claim, uint64_t shares) {
  std::lock_guard lock(mutex_);
  return claims_.split(claim, shares);
}

void Fill::advance(Claim& claim, uint64_t bytes) {
  {
    std::lock_guard lock(mutex_);
    claims_.advance(claim, bytes);
  }
  progress_.notify();
}

Fill::Next Fill::release(Claim& claim) {
  std::lock_guard lock(mutex_);
  claims_.release(claim);
  if (failed_ || !claims_.idle()) return Next::nothing;
  return claims_.complete() ? Next::commit : Next::rest;
}

bool Fill::fail(Error error, bool disk) {
  {
    std::lock_guard lock(mutex_);
    if (failed_) return false;
    failed_ = std::move(error);
    disk_failed_ = disk;
  }
  progress_.notify();
  return true;
}

bool Fill::leave() {
  std::lock_guard lock(mutex_);
  for (uint64_t begin : stored_) held_.erase(begin);
  stored_.clear();
  return !std::exchange(left_, true);
}

bool Fill::left() const {
  std::lock_guard lock(mutex_);
  return left_;
}

bool Fill::failed() const {
  std::lock_guard lock(mutex_);
  return failed_.has_value();
}

}  // namespace forebay::unit
