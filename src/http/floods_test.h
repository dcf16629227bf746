// Floods of what is begun and never ended. Only tests of this room include it.
#pragma once

#include "http/world_test.h"

namespace forebay::http {

inline Task<> pause_for(Duration time, Context ctx) {
  co_return co_await io::sleep_until(ctx.loop->now() + time, ctx);
}

/// What a stranger sends: `begin` at once and then a little of `rest` again and again; when he is
/// sent away he comes again.
struct Flood {
  std::string begin;
  std::string rest;
  bool over = false;
  size_t dialled = 0;
};

inline Task<> stranger(Setup s, Flood& flood, Context ctx) {
  while (!flood.over) {
    auto dialled = co_await s.dial(ctx);
    if (!dialled) continue;
    Wire wire = std::move(*dialled);
    ++flood.dialled;
    Result<> sent = co_await wire.send(flood.begin, ctx);
    std::array<std::byte, 1024> answer;
    while (sent && !flood.over) {
      co_await co_await pause_for(milliseconds(100), ctx);
      ssize_t read = 0;
      while ((read = wire.stream->try_read(answer)) > 0) continue;
      if (read != -EAGAIN) break;
      if (!flood.rest.empty()) sent = co_await wire.send(flood.rest, ctx);
    }
  }
  co_return ok;
}

using Honest = Task<> (*)(Setup, Context);

inline Task<> under_flood(Setup s, Flood flood, size_t strangers, Honest honest, Context ctx) {
  io::Group group(ctx);
  for (size_t i = 0; i < strangers; ++i) group.spawn(stranger(s, flood, ctx));
  co_await co_await pause_for(seconds(2), ctx);
  for (int i = 0; i < 5; ++i) {
    Result<> served = co_await honest(s, ctx);
    EXPECT_TRUE(served) << "an honest client among strangers: " << served.error().text();
  }
  EXPECT_GT(flood.dialled, strangers) << "it was no flood";
  flood.over = true;
  co_return co_await group.join();
}

}  // namespace forebay::http
