// Pour: how one stream of a fill gets its bytes to the disk. They gather in blocks of memory, from
// which readers send them at once, and go to the disk a block at a time while the next one fills.
#pragma once

#include <memory>

#include "io/sync.h"
#include "unit/blocks.h"
#include "unit/fill.h"

namespace forebay::unit {

/// Belongs to its stream, on its loop. finish() is due after the last put(), also after an error.
class Pour {
 public:
  /// Blocks it has at most.
  static constexpr uint64_t kBlocks = 3;

  Pour(BlockPool& pool, std::shared_ptr<Fill> fill, Context ctx)
      : pool_(pool), fill_(std::move(fill)), ctx_(ctx), writes_(ctx), slots_(kWrites) {}

  /// Takes what the claim still wants of `bytes`, from its place on; readers see it when this
  /// returns. An error is the disk's (or a cancel).
  Task<> put(Claim& claim, ByteView bytes);
  /// Memory for the claim's next bytes, to be filled without a copy; empty when there is none (use
  /// put()) or the claim wants nothing more.
  ByteSpan room(const Claim& claim);
  /// So many bytes were put into the room given last.
  Task<> filled(Claim& claim, uint64_t bytes);
  /// Writes what has gathered and waits until all is on the disk.
  Task<> finish();

 private:
  /// Blocks of one stream on their way to the disk, beside the one that fills.
  static constexpr uint64_t kWrites = kBlocks - 1;
  struct Gathered {
    Block block = nullptr;
    uint64_t begin = 0;  ///< offset in the unit
    uint64_t size = 0;
  };

  bool begin_block(uint64_t at);
  Task<> send_off();
  Task<> write(Gathered piece, io::Semaphore::Permit slot);

  BlockPool& pool_;
  const std::shared_ptr<Fill> fill_;
  const Context ctx_;
  io::Group writes_;
  io::Semaphore slots_;
  Gathered now_;
};

}  // namespace forebay::unit
