// KeptTable: rows of heads in memory, packed: some forty bytes each beside name and row. Those that
// have been found since they were last thought about stay longest.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace forebay::object {

/// Whoever calls has the lock that it stands under.
class KeptTable {
 public:
  /// What is found of one row; valid until the table is changed.
  struct Found {
    std::string_view row;
    bool again = false;  ///< it was found before, and not thought about since
    bool kept = false;   ///< as put() and set_kept() had it
  };

  KeptTable() = default;
  KeptTable(const KeptTable&) = delete;
  KeptTable& operator=(const KeptTable&) = delete;
  ~KeptTable();

  /// Nothing when it is not there.
  std::optional<Found> find(std::string_view name);
  bool contains(std::string_view name) const { return look(name) != nullptr; }
  /// In place of what was there. `kept`: its owner's, told with the row.
  void put(std::string_view name, std::string_view row, bool kept);
  /// Only where it is there.
  void set_kept(std::string_view name);
  /// Whether it was there.
  bool erase(std::string_view name);
  /// Looks at up to `steps` rows while there are more than `budget` bytes, and takes out those that
  /// nobody has found since it last did. `gone` sees each before.
  template <class Gone>  // void(std::string_view name, const Found&)
  void trim(size_t budget, size_t steps, Gone&& gone) {
    for (size_t step = 0; step < steps && bytes_ > budget && !all_.empty(); ++step) {
      if (hand_ >= all_.size()) hand_ = 0;
      Block* block = all_[hand_++];
      if (std::exchange(block->found, false)) continue;
      gone(block->name(), Found{.row = block->row(), .kept = block->kept});
      // The last one comes to its place: it is the newest, and has a round to be found.
      remove(block);
    }
  }

  size_t size() const { return all_.size(); }
  /// Of memory, the tables' own included.
  size_t bytes() const { return bytes_; }

 private:
  /// One piece of memory: this, the name, the row.
  struct Block {
    uint32_t place;  ///< in all_
    uint32_t row_size;
    uint16_t name_size;
    bool found;
    bool kept;

    std::string_view name() const { return {reinterpret_cast<const char*>(this + 1), name_size}; }
    std::string_view row() const { return {name().data() + name_size, row_size}; }
  };
  static std::string_view name_of(std::string_view name) { return name; }
  static std::string_view name_of(const Block* block) { return block->name(); }
  struct Hash {
    using is_transparent = void;
    template <class T>
    size_t operator()(const T& one) const {
      return std::hash<std::string_view>()(name_of(one));
    }
  };
  struct Equal {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return name_of(a) == name_of(b);
    }
  };
  static size_t cost(const Block& block);
  Block* look(std::string_view name) const;
  void remove(Block* block);

  boost::unordered_flat_set<Block*, Hash, Equal> by_name_;
  std::vector<Block*> all_;
  size_t hand_ = 0;  ///< the next one of all_ to think about
  size_t bytes_ = 0;
};

}  // namespace forebay::object
