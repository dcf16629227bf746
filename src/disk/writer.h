// A unit being written into a file of its own. Readers may send from the file while it grows;
// nobody else finds the unit before commit().
#pragma once

#include <memory>

#include "base/bytes.h"
#include "base/context.h"
#include "base/range.h"
#include "base/task.h"
#include "io/file.h"

namespace forebay::disk {

class Space;

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
  const std::shared_ptr<Space>& space() const { return space_; }

 private:
  std::shared_ptr<Space> space_;
  uint64_t bytes_ = 0;
};

/// Made by Store::create(). Any thread; dropping it without commit() removes the file (soon, by
/// the evictor). After a failed write() only dropping it makes sense.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual uint64_t length() const = 0;
  /// Puts `bytes` (which live until it returns) at `offset`. Ranges come in any order, also side
  /// by side, but never overlap: Code::invalid. When it returns they can be read from file().
  virtual Task<> write(uint64_t offset, ByteView bytes, Context ctx) = 0;
  /// Whether all bytes of `range` have been written.
  virtual bool present(ByteRange range) const = 0;
  /// How many bytes from `offset` on have been written without a gap.
  virtual uint64_t present_from(uint64_t offset) const = 0;
  /// The file; offset 0 is the unit's first byte. Only present ranges may be read.
  virtual const std::shared_ptr<io::File>& file() const = 0;
  /// Publishes the unit: found from now on. Code::invalid while bytes are missing.
  virtual Task<> commit(Context ctx) = 0;
};

}  // namespace forebay::disk
