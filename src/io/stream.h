// Byte streams between processes: TCP sockets, and filters such as TLS over them. try_… never
// waits; the awaiters over it do.
#pragma once

#include <sys/types.h>

#include <cerrno>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "io/file.h"
#include "io/loop.h"

namespace forebay::io {

enum class Direction { read, write };

/// Told once, on the loop's thread, when a try_… may get further.
class Waiter {
 public:
  virtual void on_ready() = 0;

 protected:
  ~Waiter() = default;
};

/// A connected stream. Belongs to the loop that made it. At most one reader and one writer wait at
/// a time. Destroying it closes the connection.
class Stream {
 public:
  virtual ~Stream() = default;

  /// > 0: bytes read; 0: the peer has ended its side; else -errno, -EAGAIN when it would wait.
  virtual ssize_t try_read(ByteSpan into) = 0;
  /// Sends the parts in order; returns bytes taken, or -errno. `more`: further bytes follow at
  /// once, so a small packet may be held back.
  virtual ssize_t try_write(std::span<const ByteView> parts, bool more) = 0;
  /// Sends bytes of a file without passing them through user space where the kernel can. The
  /// bytes should be resident (File::resident), else the loop blocks on the disk. 0 means that
  /// the file is shorter than asked.
  virtual ssize_t try_send_file(File& file, uint64_t offset, size_t length, bool more) = 0;

  /// Tells `waiter` once, later, that the direction may get further; it may be told in vain. Only
  /// after a try_… of that direction said -EAGAIN.
  virtual void arm(Direction direction, Waiter& waiter) = 0;
  virtual void disarm(Direction direction) = 0;
  /// Tells the peer that no more bytes follow. Errors show at the next call.
  virtual void shutdown_write() = 0;
  /// Makes the peer see a reset instead of an orderly end when the stream is destroyed.
  virtual void reset_on_close() {}
  virtual Address peer() const = 0;
};

/// Accepts connections. Belongs to its loop. One waits at a time. Destroying it closes the socket.
class Listener {
 public:
  virtual ~Listener() = default;
  /// A stream, or nullptr with errno-like `*error` (EAGAIN when it would wait; EMFILE and the
  /// like when the process is out of descriptors).
  virtual std::unique_ptr<Stream> try_accept(int* error) = 0;
  /// As Stream::arm, after EAGAIN.
  virtual void arm(Waiter& waiter) = 0;
  virtual void disarm() = 0;
  /// The address with the port that was picked.
  virtual Address address() const = 0;
};

/// Errors of the kernel in our vocabulary: ECONNRESET, EPIPE … → unavailable; ENOSPC → busy with
/// detail "ENOSPC"; EACCES → denied; ENOENT → not_found; EEXIST → exists; EIO → corrupt, ….
Error error_from_errno(int number, std::string_view what);
/// The same of errno.
inline Error last_error(std::string_view what) { return error_from_errno(errno, what); }

/// Leaf over one direction of a stream.
class StreamLeaf : public Leaf, private Waiter {
 public:
  Result<size_t> await_resume();

 protected:
  StreamLeaf(Stream& stream, Direction direction, Context ctx)
      : Leaf(ctx), stream_(stream), direction_(direction) {}
  ~StreamLeaf() = default;
  virtual ssize_t attempt() = 0;
  Stream& stream_;

 private:
  bool try_now() final { return (result_ = attempt()) != -EAGAIN; }
  void start() final { stream_.arm(direction_, *this); }
  void stop() final { stream_.disarm(direction_); }
  void on_ready() final;

  Direction direction_;
  ssize_t result_ = 0;
};

/// co_await Read(stream, buffer, ctx): Result<size_t>, 0 at the peer's end.
class Read final : public StreamLeaf {
 public:
  Read(Stream& stream, ByteSpan into, Context ctx)
      : StreamLeaf(stream, Direction::read, ctx), into_(into) {}

 private:
  ssize_t attempt() override { return stream_.try_read(into_); }
  ByteSpan into_;
};

/// co_await Write(stream, parts, more, ctx): bytes taken, at least one.
class Write final : public StreamLeaf {
 public:
  Write(Stream& stream, std::span<const ByteView> parts, bool more, Context ctx)
      : StreamLeaf(stream, Direction::write, ctx), parts_(parts), more_(more) {}

 private:
  ssize_t attempt() override { return stream_.try_write(parts_, more_); }
  std::span<const ByteView> parts_;
  bool more_;
};

/// co_await SendFile(stream, file, offset, length, more, ctx): bytes taken.
class SendFile final : public StreamLeaf {
 public:
  SendFile(Stream& stream, File& file, uint64_t offset, size_t length, bool more, Context ctx)
      : StreamLeaf(stream, Direction::write, ctx),
        file_(file),
        offset_(offset),
        length_(length),
        more_(more) {}

 private:
  ssize_t attempt() override { return stream_.try_send_file(file_, offset_, length_, more_); }
  File& file_;
  uint64_t offset_;
  size_t length_;
  bool more_;
};

/// Sends all of `parts`. The views must live until it returns. At most eight parts.
Task<> write_all(Stream& stream [[clang::lifetimebound]], std::vector<ByteView> parts, bool more,
                 Context ctx);
/// How long a transfer may go without any byte moved, and where its bytes are added up.
struct Pace {
  Duration progress = Duration{kNever.ns};
  uint64_t* moved = nullptr;  ///< outlives the call; also right when the call fails
};
/// Sends `slice` whole, reading ahead in the pool where pages are cold, and yields to others every
/// kSendTurn bytes. A file shorter than the slice is Code::corrupt.
Task<> send_file(Stream& stream, FileSlice slice, bool more, Context ctx, Pace pace = {});
/// Waits for a connection. Out of descriptors → Code::busy.
Task<std::unique_ptr<Stream>> accept(Listener& listener, Context ctx);

/// One sendfile call moves at most this much, so that read-ahead and other connections keep up.
inline constexpr size_t kSendSlice = 1 << 20;
inline constexpr size_t kSendTurn = 16 << 20;

}  // namespace forebay::io
