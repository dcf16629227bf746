// A unit being written into a file of its own. Readers may send from the file while it grows;
// nobody else finds the unit before commit().
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/context.h"
#include "base/names.h"
#include "base/range.h"
#include "base/task.h"
#include "disk/file/block_sums.h"
#include "disk/file/range_set.h"
#include "disk/options.h"
#include "io/file.h"

namespace forebay::disk {

class DataFile;
class Disk;
class Space;
class Store;

/// Bytes set aside on one disk; given back when destroyed. Any thread.
class Reservation {
 public:
  Reservation() = default;
  Reservation(std::shared_ptr<Space> space, uint64_t bytes)
      : space_(std::move(space)), bytes_(bytes) {}
  Reservation(Reservation&& other) noexcept
      : space_(std::move(other.space_)), bytes_(std::exchange(other.bytes_, 0)) {}
  Reservation& operator=(Reservation&& other) noexcept {
    std::swap(space_, other.space_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Reservation();

  uint64_t bytes() const { return bytes_; }
  /// From now on somebody else gives the bytes back.
  void keep() { bytes_ = 0; }
  const std::shared_ptr<Space>& space() const { return space_; }

 private:
  std::shared_ptr<Space> space_;
  uint64_t bytes_ = 0;
};

/// Made by Store::create() or create_nameless(); keeps the Store alive. Any thread; it outlives the
/// Tasks of its calls. Dropping it without commit() removes the file (soon, by the evictor). After
/// a failed write() only dropping it makes sense.
class Writer {
 public:
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer();

  uint64_t length() const { return length_; }
  /// Sees to room for the unit's first `bytes`, and for twice what there was if that is to be had
  /// without an eviction: before what lies there is written, for a unit that grows. One at a time
  /// calls it. Code::busy, "ENOSPC", and all is as it was, when there is none now; the evictor then
  /// hurries.
  Result<> grow(uint64_t bytes);
  /// Puts `bytes` (which live until it returns) at `offset`. Ranges come in any order, also side
  /// by side, but never overlap and lie within the unit, and its room: else Code::invalid. When it
  /// returns they can be read from file().
  Task<> write(uint64_t offset, ByteView bytes, Context ctx);
  /// The same in two steps, for bytes that gather in memory first: they are summed while they are
  /// at hand, piece by piece, and written together later.
  Result<> announce(uint64_t offset, ByteView bytes);
  Task<> write_announced(uint64_t offset, ByteView bytes, Context ctx);
  /// Whether all bytes of `range` have been written.
  bool present(ByteRange range) const;
  /// How many bytes from `offset` on have been written without a gap.
  uint64_t present_from(uint64_t offset) const;
  /// Whether writes go past the page cache. Then those of whole pages, from memory that lies in its
  /// page as the bytes lie in theirs, are cheap, and the larger the better.
  bool direct() const { return direct_ != nullptr; }
  /// The file; offset 0 is the unit's first byte. Only present ranges may be read.
  const std::shared_ptr<io::File>& file() const { return file_; }
  /// Publishes the unit: found from now on, and a native one durable. Once. Code::invalid while
  /// bytes are missing; Code::exists when one of that name is here. A native one that fails for
  /// another reason is not there.
  Task<> commit(Context ctx);
  /// The same for a unit that was created nameless.
  Task<> commit_as(UnitId id, Context ctx);

 private:
  friend class Store;
  struct Parts {
    std::shared_ptr<Store> store;
    Disk& disk;
    std::optional<UnitId> id;
    uint64_t length;
    Terms terms;
    uint64_t opening;  ///< of the disk
    std::shared_ptr<DataFile> data;
    std::shared_ptr<io::File> file;
    std::shared_ptr<io::File> direct;  ///< the same one; null: write through the page cache
  };
  explicit Writer(Parts parts);
  Result<> allocate(uint64_t end);
  Result<> put(uint64_t offset, ByteView bytes);
  Result<> write_out(uint64_t offset, ByteView bytes);
  Task<> settle(UnitId id, Context ctx);

  const std::shared_ptr<Store> store_;
  Disk& disk_;
  std::optional<UnitId> id_;  // none before commit_as()
  const uint64_t length_;
  const Terms terms_;
  const uint64_t opening_;
  const std::shared_ptr<DataFile> data_;
  const std::shared_ptr<io::File> file_;
  const std::shared_ptr<io::File> direct_;

  mutable std::mutex mutex_;
  uint64_t room_;       // so many first bytes may be written
  uint64_t allocated_;  // so many has the file
  RangeSet claimed_;
  RangeSet present_;
  BlockSums sums_;
  bool broken_ = false;  // a write failed
  enum class Name { fresh, final, published } name_ = Name::fresh;
};

}  // namespace forebay::disk
