#include "unit/blocks.h"

namespace forebay::unit {

bool BlockPool::State::grow() {
  io::Memory memory = io::allocate(io::kLargePage);
  if (memory == nullptr) return false;
  for (size_t at = 0; at < io::kLargePage; at += kBlock) spare.push_back(memory.get() + at);
  all.push_back(std::move(memory));
  return true;
}

void BlockPool::State::give(std::byte* memory) {
  std::lock_guard lock(mutex);
  ++left;
  spare.push_back(memory);
}

Block BlockPool::take() {
  std::lock_guard lock(state_->mutex);
  if (state_->left == 0) return nullptr;
  if (state_->spare.empty() && !state_->grow()) return nullptr;
  --state_->left;
  // The last one back is the warmest.
  std::byte* memory = state_->spare.back();
  state_->spare.pop_back();
  return Block(memory, [state = state_](std::byte* back) { state->give(back); });
}

uint64_t BlockPool::left() const {
  std::lock_guard lock(state_->mutex);
  return state_->left;
}

}  // namespace forebay::unit
