#include "io/body.h"

#include <algorithm>
#include <vector>

#include "io/loop.h"

namespace forebay::io {

Task<size_t> Source::read_into(ByteSpan, Context) {
  co_return fail(Code::internal, "a source that gives its bytes in chunks only");
}

namespace {

class OneChunk final : public Source {
 public:
  explicit OneChunk(Chunk chunk) : chunk_(std::move(chunk)) {}
  Task<Chunk> next(Context) override {
    if (given_) co_return Bytes();
    given_ = true;
    co_return chunk_;
  }
  std::optional<Chunk> take_whole() override {
    auto* bytes = std::get_if<Bytes>(&chunk_);
    if (given_ || (bytes != nullptr && !bytes->owned())) return std::nullopt;
    given_ = true;
    return std::move(chunk_);
  }

 private:
  Chunk chunk_;
  bool given_ = false;
};

}  // namespace

Body Body::of(Bytes bytes) {
  uint64_t length = bytes.size();
  return {length, std::make_unique<OneChunk>(std::move(bytes))};
}

Body Body::of(FileSlice slice) {
  uint64_t length = slice.length;
  return {length, std::make_unique<OneChunk>(std::move(slice))};
}

Task<ByteView> load(Chunk chunk, uint64_t offset, ByteSpan buffer, Context ctx) {
  if (auto* bytes = std::get_if<Bytes>(&chunk)) {
    co_return bytes->view().subspan(std::min<uint64_t>(offset, bytes->size()));
  }
  FileSlice& slice = std::get<FileSlice>(chunk);
  if (offset >= slice.length) co_return ByteView();
  ByteSpan into = buffer.first(std::min<uint64_t>(buffer.size(), slice.length - offset));
  ssize_t now = slice.file->try_read_at(slice.offset + offset, into);
  if (now > 0) co_return ByteView(into.first(static_cast<size_t>(now)));
  size_t count = co_await co_await run_blocking(ctx, slice.file->lane(), [&]() -> Result<size_t> {
    Result<size_t> read = slice.file->read_at(slice.offset + offset, into);
    if (!read) slice.file->found_unreadable(slice.offset + offset);
    return read;
  });
  if (count == 0) {
    slice.file->found_short();
    co_return fail(Code::corrupt, "a file is shorter than its slice");
  }
  co_return ByteView(into.first(count));
}

std::optional<Bytes> take_bytes(Body& body) {
  if (body.source == nullptr) return std::nullopt;
  std::optional<Chunk> whole = body.source->take_whole();
  if (!whole) return std::nullopt;
  if (auto* bytes = std::get_if<Bytes>(&*whole)) return std::move(*bytes);
  body = Body::of(std::get<FileSlice>(std::move(*whole)));
  return std::nullopt;
}

Task<std::string> read_all(Body body, uint64_t limit, Context ctx) {
  std::string out;
  if (body.length > limit) co_return fail(Code::too_large, "body over the limit");
  if (body.source == nullptr) co_return out;
  std::vector<std::byte> buffer;
  while (true) {
    Chunk chunk = co_await co_await body.source->next(ctx);
    uint64_t length = size(chunk);
    if (length == 0) co_return out;
    if (length > limit - out.size()) co_return fail(Code::too_large, "body over the limit");
    if (std::holds_alternative<FileSlice>(chunk)) buffer.resize(256 << 10);
    for (uint64_t done = 0; done < length;) {
      ByteView part = co_await co_await load(chunk, done, buffer, ctx);
      out.append(as_text(part));
      done += part.size();
    }
  }
}

}  // namespace forebay::io
