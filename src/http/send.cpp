#include "http/send.h"

#include <array>
#include <charconv>
#include <optional>
#include <span>

#include "base/check.h"
#include "http/message.h"

namespace forebay::http {

namespace {

// Views of what is left to write; at most two parts.
class Parts {
 public:
  Parts(std::string_view first, ByteView second)
      : parts_{as_bytes(first), second}, end_(second.empty() ? 1 : 2) {
    skip(0);
  }
  std::span<const ByteView> left() const {
    return std::span(parts_).subspan(begin_, end_ - begin_);
  }
  bool empty() const { return begin_ == end_; }
  void skip(size_t count) {
    for (; begin_ < end_; ++begin_) {
      ByteView& part = parts_[begin_];
      if (count < part.size()) {
        part = part.subspan(count);
        return;
      }
      count -= part.size();
    }
  }

 private:
  std::array<ByteView, 2> parts_;
  size_t begin_ = 0;
  size_t end_;
};

// Fills `into` from the slice, however many reads that takes. May block.
Result<> read_slice(const io::FileSlice& slice, ByteSpan into) {
  uint64_t offset = slice.offset;
  while (!into.empty()) {
    Result<size_t> count = slice.file->read_at(offset, into);
    if (!count) {
      slice.file->found_unreadable(offset);
      return std::move(count.error());
    }
    if (*count == 0) {
      slice.file->found_short();
      return fail(Code::corrupt, "a file is shorter than its slice");
    }
    into = into.subspan(*count);
    offset += *count;
  }
  return ok;
}

// Makes room behind what `out` holds.
// Not resize_and_overwrite(): where it grows the string, libstdc++ 12 hands over the new capacity
// in place of the size that was asked for.
ByteSpan append_room(std::string& out, uint64_t length) {
  size_t at = out.size();
  out.resize(at + static_cast<size_t>(length));
  return std::as_writable_bytes(std::span(out).subspan(at));
}

// All of a body of `length` bytes, where its source (may be null) has it at hand.
Result<std::optional<io::Chunk>> take_whole(io::Source* source, uint64_t length) {
  if (source == nullptr) return std::nullopt;
  std::optional<io::Chunk> chunk = source->take_whole();
  if (chunk && io::size(*chunk) != length) {
    return fail(Code::internal, "a body is shorter or longer than it said");
  }
  return chunk;
}

// The next chunk of a body with `left` bytes to come; empty is the end.
Task<io::Chunk> pull(io::Body& body, bool counted, uint64_t& left, Context ctx) {
  if (body.source == nullptr) co_return fail(Code::internal, "a body without a source");
  io::Chunk chunk = co_await co_await body.source->next(ctx);
  uint64_t length = io::size(chunk);
  if (counted && length > left) co_return fail(Code::internal, "a body is longer than it said");
  if (counted && length == 0 && left > 0) {
    co_return fail(Code::internal, "a body is shorter than it said");
  }
  if (counted) left -= length;
  co_return chunk;
}

}  // namespace

void append_chunk_size(std::string& out, uint64_t size) {
  std::array<char, 16> digits;
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
  out.append(digits.data(), end).append("\r\n");
}

Task<> send_message(io::Stream& stream, std::string& out, io::Body* body, bool chunked,
                    Duration progress, Sending& sending, Context ctx) {
  bool counted = body != nullptr && body->length != kUnknownLength;
  uint64_t left = body != nullptr ? body->length : 0;
  bool ended = left == 0;
  auto at_hand = take_whole(counted && !ended ? body->source.get() : nullptr, left);
  sending.source_failed = !at_hand;
  std::optional<io::Chunk> whole = co_await std::move(at_hand);
  uint64_t turn = sending.moved;
  while (true) {
    if (sending.moved - turn >= io::kSendTurn) {
      // A source in memory and a fast reader must not keep the loop for themselves.
      turn = sending.moved;
      co_await co_await io::yield(ctx);
    }
    io::Chunk chunk;
    uint64_t length = 0;
    if (whole) {
      chunk = std::move(*whole);
      length = left;
      ended = true;
    } else if (!ended) {
      Result<io::Chunk> next = co_await pull(*body, counted, left, ctx);
      sending.source_failed = !next;
      chunk = co_await std::move(next);
      length = io::size(chunk);
      ended = counted ? left == 0 : length == 0;
      if (chunked && (length > 0 || ended)) append_chunk_size(out, length);
      if (chunked && ended) out.append("\r\n");
    }
    auto* slice = std::get_if<io::FileSlice>(&chunk);
    if (slice != nullptr && length <= kCopyBelow && length > 0) {
      ByteSpan room = append_room(out, length);
      if (slice->file->try_read_at(slice->offset, room) != static_cast<ssize_t>(length)) {
        Result<> read = co_await io::run_blocking(
            ctx, slice->file->lane(), [slice, room] { return read_slice(*slice, room); });
        sending.source_failed = !read;
        co_await std::move(read);
      }
      length = 0;
    }
    bool by_file = slice != nullptr && length > 0;
    Parts parts(out, slice != nullptr ? ByteView() : std::get<Bytes>(chunk).view());
    while (!parts.empty()) {
      // Only a file's bytes are sure to follow at once; holding back for others would delay them.
      ssize_t sent = stream.try_write(parts.left(), by_file);
      if (sent < 0) {
        Context step = ctx.until(ctx.loop->now() + progress);
        sent =
            static_cast<ssize_t>(co_await co_await io::Write(stream, parts.left(), by_file, step));
      }
      sending.moved += static_cast<uint64_t>(sent);
      parts.skip(static_cast<size_t>(sent));
    }
    out.clear();
    if (by_file) {
      co_await co_await io::send_file(stream, std::move(*slice), !ended, ctx,
                                      {progress, &sending.moved});
    }
    if (ended) break;
    if (chunked) out.append("\r\n");
  }
  if (!counted || body->length == 0 || whole) co_return ok;
  // Sources tidy up at their end; one that goes on here has lied about its length.
  uint64_t none = 0;
  Result<io::Chunk> rest = co_await pull(*body, true, none, ctx);
  sending.source_failed = !rest;
  if (!rest) co_return std::move(rest.error());
  co_return ok;
}

}  // namespace forebay::http
