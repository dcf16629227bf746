// What stands between a store and its server in tests: it loses connections where the test says,
// and tells lies about the server's process.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "io/engine.h"
#include "io/stream.h"
#include "io/sync.h"

namespace forebay::meta {

/// Of loop 0 of its engine. Listens on a port of its own.
class PostgresProxy {
 public:
  PostgresProxy(io::Engine& engine, uint16_t server)
      : engine_(engine), server_(server), listener_(std::move(listen(engine).value())) {
    io::start<void>(engine.loop(0), accept_all(context()), [this](Result<>) { ended_ = true; });
  }
  PostgresProxy(const PostgresProxy&) = delete;
  PostgresProxy& operator=(const PostgresProxy&) = delete;
  ~PostgresProxy() {
    token_.cancel();
    for (int i = 0; i < 10000 && !ended_; ++i) {
      Context ctx{.loop = &engine_.loop(0)};
      (void)engine_.run_task(io::yield(ctx));
    }
    EXPECT_TRUE(ended_);
  }
  uint16_t port() const { return listener_->address().port; }

  int lost_questions = 0;  ///< so many times what a client says is dropped with its connection
  int lost_answers = 0;    ///< the same of what the server says, which has heard the question
  bool lies = false;       ///< another process is said to serve than does, as a pooler says

 private:
  static Result<std::unique_ptr<io::Listener>> listen(io::Engine& engine) {
    return engine.loop(0).listen({"127.0.0.1", 0});
  }
  Context context() { return Context{.loop = &engine_.loop(0)}.under(token_); }

  Task<> accept_all(Context ctx) {
    io::Group group(ctx);
    while (true) {
      Result<std::unique_ptr<io::Stream>> client = co_await io::accept(*listener_, ctx);
      if (!client) break;
      group.spawn(serve(std::move(*client), ctx));
    }
    co_return co_await group.join();
  }

  Task<> serve(std::unique_ptr<io::Stream> client, Context ctx) {
    std::unique_ptr<io::Stream> server =
        co_await co_await ctx.loop->connect({"127.0.0.1", server_}, ctx);
    // Of the two that pump who ends first ends the other.
    CancelToken over;
    bool stopped = false;
    io::Group group(ctx);
    Context both = ctx.under(over);
    group.spawn(pump(*client, *server, lost_questions, false, over, both));
    group.spawn(pump(*server, *client, lost_answers, true, over, both));
    group.spawn(end_with(over, stopped, ctx));
    (void)co_await group.join();
    co_return ok;
  }

  /// Tells `over` of the end of the whole, which it does not hear of by itself.
  Task<> end_with(CancelToken& over, bool& stopped, Context ctx) {
    while (!over.cancelled() && !stopped) {
      Result<> slept = co_await io::sleep_until(ctx.loop->now() + milliseconds(2), ctx);
      if (!slept) over.cancel();
    }
    co_return ok;
  }

  Task<> pump(io::Stream& from, io::Stream& to, int& lost, bool answers, CancelToken& over,
              Context ctx) {
    std::vector<std::byte> buffer(64 << 10);
    while (true) {
      Result<size_t> count = co_await io::Read(from, buffer, ctx);
      if (!count || *count == 0) break;
      if (lost > 0) {
        --lost;
        break;
      }
      std::span<std::byte> bytes(buffer.data(), *count);
      if (answers && lies) lie(bytes);
      std::vector<ByteView> parts{bytes};
      if (!co_await io::write_all(to, std::move(parts), false, ctx)) break;
    }
    over.cancel();
    co_return ok;
  }

  static void lie(std::span<std::byte> bytes) {
    constexpr std::string_view kKeyData("K\0\0\0\x0c", 5);
    size_t at = as_text(ByteView(bytes)).find(kKeyData);
    if (at != std::string_view::npos) bytes[at + kKeyData.size() + 1] ^= std::byte{1};
  }

  io::Engine& engine_;
  const uint16_t server_;
  std::unique_ptr<io::Listener> listener_;
  CancelToken token_;
  bool ended_ = false;
};

}  // namespace forebay::meta
