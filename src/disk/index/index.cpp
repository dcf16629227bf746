#include "disk/index/index.h"

#include <algorithm>

namespace forebay::disk {

void MemoryIndex::make(Rows& rows, std::span<const Change> changes) {
  for (const Change& change : changes) {
    if (change.value) {
      rows.insert_or_assign(change.id, *change.value);
    } else {
      rows.erase(change.id);
    }
  }
}

Result<> MemoryIndex::load(const std::function<void(const UnitId&, ByteView)>& row) {
  Rows copy;
  {
    std::lock_guard lock(mutex_);
    if (error_) return *error_;
    copy = rows_;
  }
  for (auto& [id, value] : copy) row(id, as_bytes(value));
  return ok;
}

Result<> MemoryIndex::apply(std::span<const Change> changes) {
  std::lock_guard lock(mutex_);
  if (error_) return *error_;
  make(rows_, changes);
  since_flush_.emplace_back(changes.begin(), changes.end());
  return ok;
}

Result<> MemoryIndex::flush() {
  std::lock_guard lock(mutex_);
  if (error_) return *error_;
  durable_ = rows_;
  since_flush_.clear();
  return ok;
}

uint64_t MemoryIndex::bytes() const {
  std::lock_guard lock(mutex_);
  uint64_t bytes = overhead_;
  for (auto& [id, row] : rows_) bytes += id.bytes.size() + row.size();
  return bytes;
}

void MemoryIndex::crash(size_t kept) {
  std::lock_guard lock(mutex_);
  kept = std::min(kept, since_flush_.size());
  for (size_t i = 0; i < kept; ++i) make(durable_, since_flush_[i]);
  rows_ = durable_;
  since_flush_.clear();
}

size_t MemoryIndex::unflushed() const {
  std::lock_guard lock(mutex_);
  return since_flush_.size();
}

void MemoryIndex::fail_with(std::optional<Error> error) {
  std::lock_guard lock(mutex_);
  error_ = std::move(error);
}

}  // namespace forebay::disk
