// A body is a value: its length and a source of chunks. A chunk is a slice of an open file or
// bytes in memory. It passes through all rooms untouched, so that the last stop can still choose
// sendfile where no byte needs touching.
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "base/bytes.h"
#include "base/context.h"
#include "base/task.h"
#include "io/file.h"

namespace forebay::io {

/// Bytes in memory or in a file. Bytes in memory need not own what they show: they are good until
/// the next call of the source they came from, or its end.
using Chunk = std::variant<Bytes, FileSlice>;

inline uint64_t size(const Chunk& chunk) {
  if (auto* slice = std::get_if<FileSlice>(&chunk)) return slice->length;
  return std::get<Bytes>(chunk).size();
}

/// Gives a body's chunks in order. One call at a time, all on one loop. May be destroyed between
/// calls at any point: that means "no more is wanted".
class Source {
 public:
  virtual ~Source() = default;
  /// The next chunk; an empty one is the end. An error is final: the body is not complete.
  virtual Task<Chunk> next(Context ctx) = 0;
  /// All it would give, where it holds just that as one chunk and nothing was taken yet; bytes in
  /// memory are owned. The source has ended then. Spares the waits where nothing has to wait.
  virtual std::optional<Chunk> take_whole() { return std::nullopt; }
  /// Whether read_into() may be used; it saves a copy where the bytes must come to a given place.
  virtual bool reads_into() const { return false; }
  /// Moves some of the next bytes, one at least, into `into`; 0 is the end. Between its calls
  /// next() goes on where it has come to. Errors as next().
  virtual Task<size_t> read_into(ByteSpan into, Context ctx);
};

/// `length` bytes from `source`. A source that ends early or gives more is an error of its maker.
struct Body {
  uint64_t length = 0;
  std::unique_ptr<Source> source;  ///< may be null when length is 0

  static Body empty() { return {}; }
  static Body of(Bytes bytes);
  static Body of(FileSlice slice);
};

/// Reads a whole body into memory; longer than `limit` → Code::too_large.
Task<std::string> read_all(Body body, uint64_t limit, Context ctx);
/// The body's bytes where they are in memory already; nothing: use read_all().
std::optional<Bytes> take_bytes(Body& body);

/// A chunk in memory: file slices are read (through the pool when cold) into `buffer`, at most
/// buffer.size() bytes of them; the caller advances. For filters that must touch bytes.
Task<ByteView> load(Chunk chunk, uint64_t offset, ByteSpan buffer, Context ctx);

}  // namespace forebay::io
