// The receiving side of a connection: bytes read but not used yet, the head that stays in place
// while its message is handled, and the reader that takes a body's framing off.
#pragma once

#include <string_view>

#include "base/task.h"
#include "http/buffers.h"
#include "http/chunked.h"
#include "http/counters.h"
#include "http/framing.h"
#include "io/stream.h"

namespace forebay::http {

/// Two places for bytes: the head's, whose front holds the head until the next begin(), and the
/// body's, taken when a body does not fit behind the head. Unread bytes lie in one of them. Holds
/// no memory while nothing is unread between messages.
class Input {
 public:
  explicit Input(BufferPool& pool) : pool_(pool) {}

  std::string_view unread() const { return {at_, unread_}; }
  void consume(size_t count) { at_ += count, unread_ -= count; }

  /// Forgets the last head; what is unread becomes the start of the next.
  void begin();
  /// Room behind the unread bytes of a head. At most `limit` bytes of head are ever kept.
  ByteSpan head_room(size_t limit);
  /// Room for a body; nothing may be unread. `wanted` is what is known to be missing.
  ByteSpan body_room(uint64_t wanted);
  /// `count` bytes were read into the room given last.
  void filled(size_t count) { unread_ += count; }
  /// Gives memory back when there is nothing unread. Only while nobody looks at the last head.
  void rest();
  /// The same of the body's place, while the head is looked at.
  void rest_body();
  /// The body may have another place from its next bytes on.
  void renew_body() { renew_ = true; }
  /// The head's place is more than a small buffer.
  bool grown() const { return head_.size() > kSmallBuffer; }

 private:
  void place(Buffer& buffer, char* at) { active_ = &buffer, at_ = at; }

  BufferPool& pool_;
  Buffer head_;
  Buffer body_;
  Buffer* active_ = nullptr;  // where at_ points into
  char* at_ = nullptr;
  size_t unread_ = 0;
  bool renew_ = false;
};

/// What memory is not held while bytes of a body are awaited. With any of it no large buffer is
/// taken at all.
enum class Sparing { nothing, body, all };

/// co_await HeadRead(stream, input, limit, ctx): bytes read; 0 at the peer's end. Takes memory
/// only when bytes are there, so that idle connections hold none.
class HeadRead final : public io::StreamLeaf {
 public:
  HeadRead(io::Stream& stream, Input& input, size_t limit, Context ctx)
      : StreamLeaf(stream, io::Direction::read, ctx), input_(input), limit_(limit) {}

 private:
  ssize_t attempt() override;
  Input& input_;
  size_t limit_;
};

/// The same into the room of a body; `wanted` as in Input::body_room().
class BodyRead final : public io::StreamLeaf {
 public:
  BodyRead(io::Stream& stream, Input& input, uint64_t wanted, Sparing sparing, Context ctx)
      : StreamLeaf(stream, io::Direction::read, ctx),
        input_(input),
        wanted_(wanted),
        sparing_(sparing) {}

 private:
  ssize_t attempt() override;
  Input& input_;
  uint64_t wanted_;
  Sparing sparing_;
};

/// Reads one body. What it gives points into the Input and is good until the next call.
class BodyReader {
 public:
  /// Whose mistakes are read: the words of errors differ (http/message.h, http/client.h).
  enum class Side { request, response };

  BodyReader(io::Stream& stream, Input& input, Side side, Duration progress, Counter& bytes_in)
      : stream_(stream), input_(input), side_(side), progress_(progress), bytes_in_(bytes_in) {}

  static constexpr uint64_t kNoLimit = UINT64_MAX;

  void start(Framing framing, uint64_t length);
  /// Nobody looks at the head any more: from now on no memory is held while bytes are awaited, and
  /// no large buffer at all.
  void spare_memory() { sparing_ = Sparing::all; }
  /// The head is looked at yet, but nobody knows whose it is: the same of the body's memory alone.
  /// Off: what is read from then on may have a large buffer.
  void spare_body(bool on);
  /// next() gives no more than `bytes` at once, and reads no more where none are here.
  void limit(uint64_t bytes) { most_ = bytes; }
  /// Some bytes; empty at the end. An error is final.
  Task<ByteView> next(Context ctx);
  /// The same, some bytes into `into`; 0 at the end. For bodies of known length.
  Task<size_t> read_into(ByteSpan into, Context ctx);
  bool counted() const { return framing_ == Framing::length; }
  /// All of it was given.
  bool done() const { return done_; }
  /// Reading went wrong: where the next message begins is unknown.
  bool failed() const { return failed_; }
  /// Bytes of a body of known length not given yet.
  uint64_t left() const { return left_; }
  /// Bytes given so far, without framing.
  uint64_t given() const { return given_; }

 private:
  ByteView take_unread();
  Error give_up(Error error) {
    failed_ = true;
    return error;
  }
  Error ended_early();
  Error bad_framing();
  Error stalled(Error error, Context ctx);

  io::Stream& stream_;
  Input& input_;
  Side side_;
  Duration progress_;
  Counter& bytes_in_;
  Framing framing_ = Framing::none;
  ChunkDecoder chunks_;
  uint64_t left_ = 0;
  uint64_t given_ = 0;
  bool done_ = true;
  bool failed_ = false;
  Sparing sparing_ = Sparing::nothing;
  uint64_t most_ = kNoLimit;
};

}  // namespace forebay::http
