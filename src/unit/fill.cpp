#include "unit/fill.h"

namespace forebay::unit {

Fill::View Fill::look(uint64_t offset) const {
  std::lock_guard lock(mutex_);
  View view;
  view.failed = failed_;
  view.disk_failed = disk_failed_;
  if (!bytes_.empty()) {
    view.available = bytes_.size() - offset;
    view.bytes = bytes_.slice(offset, view.available);
  } else if (writer_ != nullptr) {
    view.available = claims_.present().covered_from(offset);
    view.file = writer_->file();
  }
  return view;
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
