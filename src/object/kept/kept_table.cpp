#include "object/kept/kept_table.h"

#include <cstring>
#include <limits>
#include <new>

#include "base/check.h"

namespace forebay::object {

namespace {

// Of a block: its places in both tables, which are never quite full.
constexpr size_t kPlaces = 28;
// Memory comes in pieces of whole sixteens.
constexpr size_t kGrain = 16;

}  // namespace

KeptTable::~KeptTable() {
  for (Block* block : all_) ::operator delete(block);
}

size_t KeptTable::cost(const Block& block) {
  size_t size = sizeof(Block) + block.name_size + block.row_size;
  return (size + kGrain - 1) / kGrain * kGrain + kPlaces;
}

KeptTable::Block* KeptTable::look(std::string_view name) const {
  auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : *found;
}

std::optional<KeptTable::Found> KeptTable::find(std::string_view name) {
  Block* block = look(name);
  if (block == nullptr) return std::nullopt;
  Found out{.row = block->row(), .again = block->found, .kept = block->kept};
  block->found = true;
  return out;
}

void KeptTable::put(std::string_view name, std::string_view row, bool kept) {
  check(name.size() <= std::numeric_limits<uint16_t>::max() &&
            row.size() <= std::numeric_limits<uint32_t>::max() &&
            all_.size() < std::numeric_limits<uint32_t>::max(),
        "a row that has no place");
  erase(name);
  void* memory = ::operator new(sizeof(Block) + name.size() + row.size());
  auto* block = new (memory) Block{.place = static_cast<uint32_t>(all_.size()),
                                   .row_size = static_cast<uint32_t>(row.size()),
                                   .name_size = static_cast<uint16_t>(name.size()),
                                   .found = false,
                                   .kept = kept};
  char* text = static_cast<char*>(memory) + sizeof(Block);
  std::memcpy(text, name.data(), name.size());
  std::memcpy(text + name.size(), row.data(), row.size());
  all_.push_back(block);
  by_name_.insert(block);
  bytes_ += cost(*block);
}

void KeptTable::set_kept(std::string_view name) {
  if (Block* block = look(name)) block->kept = true;
}

bool KeptTable::erase(std::string_view name) {
  Block* block = look(name);
  if (block != nullptr) remove(block);
  return block != nullptr;
}

void KeptTable::remove(Block* block) {
  by_name_.erase(by_name_.find(block->name()));
  all_.back()->place = block->place;
  all_[block->place] = all_.back();
  all_.pop_back();
  bytes_ -= cost(*block);
  ::operator delete(block);
}

}  // namespace forebay::object
