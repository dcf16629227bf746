#include "io/sim/content.h"

#include <algorithm>
#include <cstring>

namespace forebay::io::sim {

namespace {

uint64_t pages_for(uint64_t size) { return (size + kPageBytes - 1) / kPageBytes; }

}  // namespace

size_t Content::read(uint64_t offset, ByteSpan into) const {
  if (offset >= size_) return 0;
  size_t count = std::min<uint64_t>(into.size(), size_ - offset);
  for (size_t done = 0; done < count;) {
    uint64_t at = offset + done;
    size_t within = at % kPageBytes;
    size_t part = std::min(count - done, kPageBytes - within);
    const Page* page = at / kPageBytes < pages_.size() ? &pages_[at / kPageBytes] : nullptr;
    if (page == nullptr || page->now == nullptr) {
      std::memset(into.data() + done, 0, part);
    } else {
      std::memcpy(into.data() + done, page->now->data() + within, part);
    }
    done += part;
  }
  return count;
}

bool Content::hold(Page& page) {
  if (page.held) return true;
  if (blocks_.used + kPageBytes > blocks_.total) return false;
  blocks_.used += kPageBytes;
  ++held_;
  page.held = true;
  return true;
}

void Content::give_back() {
  blocks_.used -= held_ * kPageBytes;
  held_ = 0;
  for (Page& page : pages_) page.held = false;
}

// Makes the page dirty; its old bytes stay as the durable ones, copied to `now` if asked.
void Content::touch(uint64_t index, bool keep_bytes) {
  Page& page = pages_[index];
  if (page.state == State::clean) {
    page.durable = std::move(page.now);
    if (keep_bytes && page.durable != nullptr) {
      page.now = std::make_unique<PageBytes>(*page.durable);
    }
  }
  if (page.state != State::dirty) dirty_.push_back(index);
  page.state = State::dirty;
}

Content::PageBytes& Content::page_for_write(uint64_t index, bool whole) {
  touch(index, !whole);
  Page& page = pages_[index];
  if (page.now == nullptr) {
    page.now = std::make_unique_for_overwrite<PageBytes>();
    if (!whole) page.now->fill(std::byte{0});
  }
  return *page.now;
}

size_t Content::write(uint64_t offset, ByteView bytes) {
  if (bytes.empty()) return 0;
  uint64_t pages = pages_for(offset + bytes.size());
  if (pages_.size() < pages) pages_.resize(pages);
  size_t done = 0;
  while (done < bytes.size()) {
    uint64_t at = offset + done;
    size_t within = at % kPageBytes;
    size_t part = std::min(bytes.size() - done, kPageBytes - within);
    if (!hold(pages_[at / kPageBytes])) break;
    PageBytes& page = page_for_write(at / kPageBytes, part == kPageBytes);
    std::memcpy(page.data() + within, bytes.data() + done, part);
    done += part;
  }
  if (done > 0) size_ = std::max(size_, offset + done);
  return done;
}

bool Content::allocate(uint64_t size) {
  uint64_t pages = pages_for(size);
  if (pages_.size() < pages) pages_.resize(pages);
  uint64_t missing = 0;
  for (uint64_t i = 0; i < pages; ++i) missing += pages_[i].held ? 0 : 1;
  if (blocks_.used + missing * kPageBytes > blocks_.total) return false;
  for (uint64_t i = 0; i < pages; ++i) hold(pages_[i]);
  size_ = std::max(size_, size);
  return true;
}

void Content::resize(uint64_t size) {
  if (size < size_) {
    for (uint64_t i = pages_for(size); i < pages_.size(); ++i) {
      Page& page = pages_[i];
      if (page.now != nullptr) touch(i, false);
      page.now.reset();
      if (page.held) {
        page.held = false;
        --held_;
        blocks_.used -= kPageBytes;
      }
    }
    size_t within = size % kPageBytes;
    uint64_t last = size / kPageBytes;
    if (within != 0 && last < pages_.size() && pages_[last].now != nullptr) {
      PageBytes& page = page_for_write(last, false);
      std::fill(page.begin() + static_cast<ptrdiff_t>(within), page.end(), std::byte{0});
    }
  }
  size_ = size;
}

void Content::settle(Page& page) {
  page.durable.reset();
  page.state = State::clean;
}

void Content::sync() {
  for (uint64_t index : dirty_) settle(pages_[index]);
  dirty_.clear();
  durable_size_ = size_;
}

void Content::fail_sync(Dice& dice) {
  for (uint64_t index : dirty_) {
    if (dice.chance(0.5)) {
      settle(pages_[index]);
    } else {
      pages_[index].state = State::lost;
    }
  }
  dirty_.clear();
  if (dice.chance(0.5)) durable_size_ = size_;
}

// The disk wrote some of the page's sectors.
void Content::tear(Page& page, Dice& dice) {
  if (page.now == nullptr) page.now = std::make_unique<PageBytes>();
  for (size_t at = 0; at < kPageBytes; at += kSectorBytes) {
    if (dice.chance(0.5)) continue;
    if (page.durable == nullptr) {
      std::memset(page.now->data() + at, 0, kSectorBytes);
    } else {
      std::memcpy(page.now->data() + at, page.durable->data() + at, kSectorBytes);
    }
  }
}

void Content::lose_power(Dice& dice) {
  enum Fate { drop, keep, either };
  uint64_t least = std::min(size_, durable_size_);
  uint64_t most = std::max(size_, durable_size_);
  auto fate = static_cast<Fate>(dice.below(3));
  for (Page& page : pages_) {
    if (page.state == State::clean) continue;
    uint64_t kind = fate == either ? dice.below(3) : fate;
    if (kind == drop) page.now = std::move(page.durable);
    if (kind == either) tear(page, dice);
    settle(page);
  }
  dirty_.clear();
  if (fate == drop) size_ = durable_size_;
  if (fate == either) size_ = least + dice.below(most - least + 1);
  durable_size_ = size_;
  pages_.resize(pages_for(size_));
  if (size_ % kPageBytes != 0 && pages_.back().now != nullptr) {
    auto& last = *pages_.back().now;
    std::fill(last.begin() + static_cast<ptrdiff_t>(size_ % kPageBytes), last.end(), std::byte{0});
  }
  give_back();
  for (Page& page : pages_) {
    if (page.now == nullptr) continue;
    // What is there is there, even if that is more than the disk should hold.
    page.held = true;
    ++held_;
    blocks_.used += kPageBytes;
  }
}

void Content::abandon() {
  for (Page& page : pages_) {
    if (page.state != State::clean) page.now = std::move(page.durable);
    settle(page);
  }
  dirty_.clear();
  size_ = durable_size_;
  give_back();
}

}  // namespace forebay::io::sim
