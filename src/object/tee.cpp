#include "object/tee.h"

namespace forebay::object {

Task<io::Chunk> Tee::next(Context ctx) {
  io::Chunk chunk = co_await co_await source_->next(ctx);
  if (kept_ == nullptr) co_return chunk;
  auto* bytes = std::get_if<Bytes>(&chunk);
  if (bytes == nullptr || kept_->bytes.size() + bytes->size() > limit_) {
    kept_->bytes.clear();
    kept_ = nullptr;
  } else if (bytes->empty()) {
    kept_->whole = true;
  } else {
    kept_->bytes += bytes->text();
  }
  co_return chunk;
}

}  // namespace forebay::object
