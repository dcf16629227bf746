#include "disk/file/data_file.h"

#include "disk/format.h"

namespace forebay::disk {

static_assert(sizeof(DataFile) <= 160, "Options::max_units promises what a unit costs");

DataFile::~DataFile() {
  if (retired_) space_->remove_leaving(bytes_);
  space_->give(bytes_);
}

std::string DataFile::path() const {
  return segment_ ? segment_path(number_) : unit_path(id_, number_);
}

std::shared_ptr<io::File> DataFile::file() {
  std::shared_ptr<io::File> closed;  // closes after the lock is free
  std::lock_guard lock(mutex_);
  if (file_ != nullptr && file_->is_short()) closed.swap(file_);
  if (file_ != nullptr && !used_.load(std::memory_order_relaxed)) {
    used_.store(true, std::memory_order_relaxed);
  }
  return file_;
}

std::shared_ptr<io::File> DataFile::cache(std::shared_ptr<io::File> file, bool* added) {
  std::lock_guard lock(mutex_);
  *added = file_ == nullptr;
  if (*added) file_ = std::move(file);
  return file_;
}

void DataFile::uncache() {
  std::shared_ptr<io::File> closed;  // closes after the lock is free
  std::lock_guard lock(mutex_);
  closed.swap(file_);
}

bool DataFile::cached() const {
  std::lock_guard lock(mutex_);
  return file_ != nullptr;
}

void DataFile::retire() {
  if (!retired_.exchange(true)) space_->add_leaving(bytes_);
}

void OpenFiles::add(const std::shared_ptr<DataFile>& file) {
  std::shared_ptr<DataFile> evicted;
  {
    std::lock_guard lock(mutex_);
    if (ring_.size() < most_) {
      ring_.push_back(file);
      return;
    }
    // Two rounds at most: the first takes everyone's second chance away.
    for (size_t tries = 0; tries <= 2 * ring_.size(); ++tries, hand_ = (hand_ + 1) % ring_.size()) {
      evicted = ring_[hand_].lock();
      if (evicted == nullptr || !evicted->cached() || !evicted->used_lately()) break;
    }
    ring_[hand_] = file;
    hand_ = (hand_ + 1) % ring_.size();
  }
  if (evicted != nullptr) evicted->uncache();
}

size_t OpenFiles::size() const {
  std::lock_guard lock(mutex_);
  size_t count = 0;
  for (auto& slot : ring_) {
    auto file = slot.lock();
    if (file != nullptr && file->cached()) ++count;
  }
  return count;
}

}  // namespace forebay::disk
