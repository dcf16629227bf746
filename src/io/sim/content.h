// The bytes of one simulated file, page by page: what a reader sees, and what would be left after
// a power loss. Internal to the simulated engine (io/sim.h).
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "io/sim/world.h"

namespace forebay::io::sim {

inline constexpr size_t kPageBytes = 4096;
inline constexpr size_t kSectorBytes = 512;  ///< a torn page changes at sectors

/// Blocks in use on the disk and how many there are.
struct Blocks {
  uint64_t used = 0;   ///< bytes
  uint64_t total = 0;  ///< bytes
};

/// Overwritten pages keep their durable bytes until sync(). One thread.
class Content {
 public:
  explicit Content(Blocks& blocks) : blocks_(blocks) {}
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;
  ~Content() { give_back(); }

  uint64_t size() const { return size_; }
  /// Bytes on disk, reserved ones included.
  uint64_t allocated() const { return held_ * kPageBytes; }
  size_t read(uint64_t offset, ByteSpan into) const;
  /// Bytes taken; fewer than given when the disk is full.
  size_t write(uint64_t offset, ByteView bytes);
  /// Reserves pages up to `size` and grows to it; false (and nothing done) when the disk is full.
  bool allocate(uint64_t size);
  void resize(uint64_t size);
  void sync();
  /// A sync that failed: some pages became durable; the others are not tried again by later syncs
  /// until they are rewritten, as Linux does it.
  void fail_sync(Dice& dice);
  /// What the disk holds after a power loss: dirty pages and size dropped, kept or torn.
  void lose_power(Dice& dice);
  /// No name and no holder is left: the blocks are free, and only durable bytes may ever return.
  void abandon();

 private:
  using PageBytes = std::array<std::byte, kPageBytes>;
  enum class State : uint8_t {
    clean,
    dirty,  ///< differs from the disk; listed in dirty_
    lost    ///< differs from the disk and no sync will change that
  };
  struct Page {
    std::unique_ptr<PageBytes> now;      ///< none: zeros
    std::unique_ptr<PageBytes> durable;  ///< while not clean: the disk's; none: zeros
    State state = State::clean;
    bool held = false;  ///< counted in blocks_
  };

  bool hold(Page& page);
  void give_back();
  PageBytes& page_for_write(uint64_t index, bool whole);
  void touch(uint64_t index, bool keep_bytes);
  void settle(Page& page);
  void tear(Page& page, Dice& dice);

  Blocks& blocks_;
  std::vector<Page> pages_;
  std::vector<uint64_t> dirty_;
  uint64_t size_ = 0;
  uint64_t durable_size_ = 0;
  uint64_t held_ = 0;
};

}  // namespace forebay::io::sim
