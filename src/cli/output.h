// Standard output and input as the two ends of a transfer.
#pragma once

#include "cli/shell.h"
#include "client/transfer.h"
#include "io/body.h"

namespace forebay::cli {

/// `streams` must outlive it.
class OutputSink final : public client::Sink {
 public:
  explicit OutputSink(const Streams& streams) : streams_(streams) {}
  Task<> write(ByteView bytes, Context ctx) override {
    co_return co_await io::run_blocking(ctx, [&] { return streams_.out(as_text(bytes)); });
  }

 private:
  const Streams& streams_;
};

/// `streams` must outlive it.
class InputSource final : public io::Source {
 public:
  explicit InputSource(const Streams& streams) : streams_(streams), buffer_(256 << 10) {}
  Task<io::Chunk> next(Context ctx) override {
    size_t count = co_await co_await io::run_blocking(ctx, [&] { return streams_.in(buffer_); });
    co_return Bytes(std::string(as_text(ByteView(buffer_).first(count))));
  }

 private:
  const Streams& streams_;
  std::vector<std::byte> buffer_;
};

}  // namespace forebay::cli
