// Any bytes at a whole server in a simulated world, whose seed is the first byte: the connection
// ends, and so does the server, whatever was sent.
#include "base/check.h"
#include "http/server.h"
#include "io/sim.h"
#include "io/sync.h"

using namespace forebay;
using namespace forebay::http;

namespace {

class Echo final : public Handler {
 public:
  Task<Response> handle(Request& request, Context ctx) override {
    check(request.path.starts_with('/') || request.path == "*", "a path that is none");
    if (request.method == "PUT" || request.method == "POST") {
      Result<std::string> body = co_await io::read_all(request.take_body(), 1 << 20, ctx);
      if (!body) co_return Response::text(400, "text/plain", body.error().text());
      check(!request.content_length || body->size() == *request.content_length, "a short body");
      co_return Response::text(200, "text/plain", std::move(*body));
    }
    co_return Response::text(200, "text/plain", std::string(request.target));
  }
};

Task<> talk(Server& server, std::string bytes, Context ctx) {
  auto stream = co_await co_await ctx.loop->connect(server.address(), ctx);
  std::vector<ByteView> parts{as_bytes(bytes)};
  Result<> sent = co_await io::write_all(*stream, std::move(parts), false, ctx);
  stream->shutdown_write();
  std::array<std::byte, 4096> buffer;
  while (true) {
    Result<size_t> count = co_await io::Read(*stream, buffer, ctx);
    if (!count || *count == 0) break;
  }
  co_return ok;
}

Task<> serve(std::string bytes, Context ctx) {
  auto listener = co_await ctx.loop->listen({"127.0.0.1", 0});
  Echo echo;
  Server server(std::move(listener), echo, {.head_bytes = 4096, .drain_bytes = 1000});
  io::Group group(ctx);
  group.spawn(server.run(ctx));
  Result<> talked = co_await talk(server, std::move(bytes), ctx);
  Result<> drained = co_await server.drain(ctx.loop->now() + seconds(60), ctx);
  check(drained.has_value(), "a connection outlives its client");
  check(server.counters().in_flight.get() == 0, "a request without end");
  co_return co_await group.join();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  auto simulation = io::Simulation::make({.seed = data[0]});
  std::string bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  Result<> result = simulation->run(serve(std::move(bytes), {.loop = &simulation->loop()}));
  check(result.has_value(), "the server ends with an error");
  return 0;
}
