#include "object/tee.h"

namespace forebay::object {

namespace {

/// Of a file at once.
constexpr size_t kLoad = 64 << 10;

}  // namespace

Task<io::Chunk> TeeSource::next(Context ctx) {
  io::Chunk chunk = co_await co_await source_->next(ctx);
  if (tee_->over()) co_return chunk;
  if (auto* bytes = std::get_if<Bytes>(&chunk)) {
    co_await co_await tee_->add(bytes->view(), ctx);
  } else {
    // A copy's source is on disk already; here its pages are in memory for whoever takes it next.
    std::vector<std::byte> loaded(kLoad);
    uint64_t length = io::size(chunk);
    for (uint64_t done = 0; done < length && !tee_->over();) {
      ByteView part = co_await co_await io::load(chunk, done, loaded, ctx);
      co_await co_await tee_->add(part, ctx);
      done += part.size();
    }
  }
  co_return chunk;
}

}  // namespace forebay::object
