#include <gtest/gtest.h>

#include "io/engine.h"
#include "io/stream.h"
#include "io/sync.h"

namespace forebay::io {
namespace {

Task<> echo_once(Listener& listener, Context ctx) {
  auto stream = co_await co_await accept(listener, ctx);
  std::array<std::byte, 64> buffer;
  size_t n = co_await co_await Read(*stream, buffer, ctx);
  std::vector<ByteView> parts{ByteView(buffer).first(n)};
  co_return co_await write_all(*stream, std::move(parts), false, ctx);
}

Task<std::string> ask(Address address, Context ctx) {
  auto stream = co_await co_await ctx.loop->connect(address, ctx);
  std::vector<ByteView> parts{as_bytes("hello")};
  co_await co_await write_all(*stream, std::move(parts), false, ctx);
  std::array<std::byte, 64> buffer;
  size_t n = co_await co_await Read(*stream, buffer, ctx);
  co_return std::string(as_text(ByteView(buffer).first(n)));
}

Task<std::string> both(Context ctx) {
  auto listener = co_await ctx.loop->listen({"127.0.0.1", 0});
  Group group(ctx);
  group.spawn(echo_once(*listener, ctx));
  Result<std::string> answer = co_await ask(listener->address(), ctx);
  Result<> joined = co_await group.join();
  co_await std::move(joined);
  co_return answer;
}

TEST(Engine, echoes_through_a_real_socket) {
  auto engine = Engine::make({.loops = 1, .pool_threads = 1});
  ASSERT_TRUE(engine) << engine.error().text();
  Loop& loop = (*engine)->loop(0);
  auto answer = (*engine)->run_task(both({.loop = &loop, .deadline = loop.now() + seconds(10)}));
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(*answer, "hello");
}

}  // namespace
}  // namespace forebay::io
