// What tests of streams and bodies share. Only tests of this room include it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/world_test.h"

namespace forebay::io {

/// Sends back what comes, to the end.
inline Task<> echo(Stream& stream, Context ctx) {
  std::vector<std::byte> buffer(32 << 10);
  while (true) {
    size_t count = co_await co_await Read(stream, buffer, ctx);
    if (count == 0) break;
    std::vector<ByteView> parts{ByteView(buffer).first(count)};
    co_await co_await write_all(stream, std::move(parts), false, ctx);
  }
  stream.shutdown_write();
  co_return ok;
}

/// Writes `text` and ends its direction.
inline Task<> write_and_end(Stream& stream, std::string text, Context ctx) {
  co_await co_await write_text(stream, std::move(text), ctx);
  stream.shutdown_write();
  co_return ok;
}

/// Sends `slice` and ends its direction; how the sending went goes to `result`.
inline Task<> send_and_end(Stream& stream, FileSlice slice, Result<>& result, Context ctx) {
  result = co_await send_file(stream, std::move(slice), false, ctx);
  stream.shutdown_write();
  co_return ok;
}

/// A file with `text` in `folder`.
inline Task<std::shared_ptr<File>> make_file(std::string folder, std::string text, Context ctx) {
  co_return co_await run_blocking(ctx, [&]() -> Result<std::shared_ptr<File>> {
    auto directory = ctx.loop->open_directory(folder, true);
    if (!directory) return std::move(directory.error());
    auto file = (*directory)->open("sent", OpenMode::create);
    if (!file) return std::move(file.error());
    Result<> wrote = (*file)->write_at(0, as_bytes(text));
    if (!wrote) return std::move(wrote.error());
    return *file;
  });
}

}  // namespace forebay::io
