#include "object/tee.h"

namespace forebay::object {

Task<io::Chunk> TeeSource::next(Context ctx) {
  io::Chunk chunk = co_await co_await source_->next(ctx);
  if (tee_->over()) co_return chunk;
  if (auto* bytes = std::get_if<Bytes>(&chunk)) {
    co_await co_await tee_->add(bytes->view(), ctx);
  } else {
    tee_->drop();  // clients' bodies are never files
  }
  co_return chunk;
}

}  // namespace forebay::object
